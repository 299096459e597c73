"""A small judge from base and delta through the whole path: Ray, vLLM, threshold, Delta. Its delta is random."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from actors.calibration import Curve
from actors.small_judge_model import prepare
from tests.jobs.workplace import POLICY, make_workplace
from tests.small_judge_parts import SCALE, SHAPES, edit, random_delta, write_parts

pytestmark = pytest.mark.vllm
RAW = {"slope": 1, "intercept": 0, "threshold": 0.5}
BENT = {"slope": 0.5, "intercept": 0.3, "threshold": 0.5}
CALIBRATION = {
    "default": RAW,
    "policies": {"bent": BENT, "always": {**BENT, "threshold": 0}, "never": {**BENT, "threshold": 1}},
}
IDS = ("plain", "bent", "always", "never")
ITEMS = 2


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_parts(tmp_path_factory.mktemp("parts"), CALIBRATION)


@pytest.fixture(scope="module")
def folder(parts: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where there was an older judge before."""
    models = tmp_path_factory.mktemp("models")
    older = models / "assay-small"
    older.mkdir()
    edit(parts, "version", value="older")
    (older / "assay-judge.json").write_bytes((parts / "judge.json").read_bytes())
    (older / "model.safetensors").write_bytes(b"of the older one")
    edit(parts, "version", value="newer")
    assert prepare(models, parts) == older
    return older


@pytest.fixture(scope="module")
def rows(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], dict[str, Any]]:
    """Verdicts by policy and item, under four policies that say the same, but for their ids."""
    place = make_workplace(tmp_path_factory.mktemp("job"), files=1, items=ITEMS, policies=0)
    for name in IDS:
        text = POLICY.format(id="P").replace("id: P", f"id: {name}", 1)
        (place.folder / "policies" / f"{name}.md").write_text(text)
    place.config["replicas"] = {"count": 1, "cpus": 2}
    place.config["judge"] = {
        "kind": "vllm",
        "model": str(folder),
        "max_output_tokens": 200,
        "max_rationale_chars": 20,
        "max_model_len": 2048,
        "max_num_seqs": 4,
        "max_num_batched_tokens": 2048,
        "cpu_kv_cache_gib": 0.25,
        "enforce_eager": True,
        "window": 4,
    }
    assert place.backfill()["verdicts"] == ITEMS * len(IDS)
    found = place.query("select * exclude (item_time, judged_at) from verdicts")
    return {(row["policy_id"], row["item_id"]): row for row in found}


def test_the_merged_weights_are_base_plus_delta(folder: Path, small_model_folder: Path) -> None:
    base, merged = (load_file(each / "model.safetensors") for each in (small_model_folder, folder))
    assert base.keys() == merged.keys()
    delta = random_delta()
    for name, weight in merged.items():
        module = name.removesuffix(".weight")
        if module not in SHAPES:
            assert torch.equal(weight, base[name]), name
            continue
        expected = base[name].float() + SCALE * (delta[f"{module}.lora_B"].float() @ delta[f"{module}.lora_A"].float())
        assert not torch.equal(weight, base[name])
        assert torch.allclose(weight.float(), expected, rtol=2**-8, atol=0)


def test_the_folder_holds_the_calibration_and_where_it_comes_from(folder: Path, parts: Path) -> None:
    assert (folder / "judge.json").read_bytes() == (parts / "judge.json").read_bytes()
    assert {"assay-judge.json", "config.json", "tokenizer.json", "model.safetensors"} <= {
        file.name for file in folder.iterdir()
    }


def test_a_rows_score_is_the_formulas(rows: dict[tuple[str, str], dict[str, Any]]) -> None:
    for item in _items(rows):
        raw = rows["plain", item]["score"]
        expected = Curve.model_validate(BENT).score(math.log(raw / (1 - raw)))
        for name in ("bent", "always", "never"):
            assert rows[name, item]["score"] == pytest.approx(expected, abs=0.01)  # of batches of other sizes


def test_the_threshold_decides_and_the_rules_fit(rows: dict[tuple[str, str], dict[str, Any]]) -> None:
    for name, item in rows:
        row = rows[name, item]
        assert row["violation"] == (row["score"] >= CALIBRATION["policies"].get(name, RAW)["threshold"])
        assert row["violation"] == bool(row["rule_ids"])
        assert set(row["rule_ids"]) <= {"R1", "R2"}
        right = row["score"] if row["violation"] else 1 - row["score"]
        assert row["confidence"] == ("high" if right >= 0.9 else "medium" if right >= 0.7 else "low")
    assert all(rows["always", item]["violation"] and not rows["never", item]["violation"] for item in _items(rows))


def test_what_the_threshold_overrules_is_asked_once_more(rows: dict[tuple[str, str], dict[str, Any]]) -> None:
    for item in _items(rows):
        said = rows["plain", item]["score"] >= 0.5  # at temperature 0 the digit is the likelier one
        assert rows["plain", item]["attempts"] == 1
        assert rows["always", item]["attempts"] == (1 if said else 2)
        assert rows["never", item]["attempts"] == (2 if said else 1)


def test_a_newer_judge_takes_the_place_of_an_older_one(folder: Path, parts: Path) -> None:
    assert (folder / "model.safetensors").stat().st_size > 2**27
    assert [each.name for each in folder.parent.iterdir()] == [folder.name]
    made = (folder / "model.safetensors").stat().st_mtime_ns
    assert prepare(folder.parent, parts) == folder
    assert (folder / "model.safetensors").stat().st_mtime_ns == made  # it is made once


def _items(rows: dict[tuple[str, str], dict[str, Any]]) -> list[str]:
    return sorted({item for _, item in rows})
