"""Planned prompt tokens equal those of a run on a real engine, to the token, with every kind of item."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jobs.sample import write_sample
from tests.jobs.workplace import make_workplace

pytestmark = pytest.mark.vllm
SAMPLE = Path(__file__).parents[2] / "configs" / "sample"


def test_planned_prompt_tokens_are_those_of_the_run(tmp_path: Path, tiny_gpt_oss_folder: Path) -> None:
    place = make_workplace(tmp_path, files=0, policies=2)
    rows = [json.loads(line) for line in (SAMPLE / "items.jsonl").read_text(encoding="utf-8").splitlines()]
    kinds = [[row for row in rows if name in row][:4] for name in ("text", "response", "chat")]
    chosen = [row for kind in kinds for row in kind]
    chosen += [{**row, "id": f"{row['id']}-again"} for row in chosen[::3]]
    chosen.append({**chosen[0], "id": "long", "text": "a word and another " * 1000})
    (tmp_path / "sample").mkdir()
    (tmp_path / "sample" / "items.jsonl").write_text("\n".join(json.dumps(row) for row in chosen), encoding="utf-8")
    write_sample(tmp_path / "sample", tmp_path / "data" / "items.parquet")
    columns = {"id": "id", "text": "text", "prompt": "prompt", "response": "response", "chat": "chat"}
    place.config["source"]["columns"] = columns
    place.config["replicas"] = {"count": 1, "cpus": 2}
    place.config["judge"] = {
        "kind": "vllm",
        "model": str(tiny_gpt_oss_folder),
        "max_output_tokens": 128,
        "max_rationale_chars": 20,
        "max_model_len": 2048,
        "max_num_seqs": 8,
        "max_num_batched_tokens": 2048,
        "cpu_kv_cache_gib": 0.25,
        "enforce_eager": True,
        "window": 8,
    }
    planned = json.loads(place.run("plan", "CONFIG", "--json").stdout)
    assert (planned["cases"], planned["duplicates"], planned["to_judge"]) == (34, 8, 26)
    done = place.backfill()
    assert done["rejected_by_reason"]["too_long"] == 2
    a_case = "prompt_tokens // nullif(attempts, 0)"  # each attempt takes its prompt anew, which no plan can know
    (once,) = place.query(f"select sum({a_case})::bigint as tokens from outcomes where stage = 'judge'")
    assert planned["prompt_tokens"] == once["tokens"] > 0
    assert planned["cacheable_tokens"] == done["cacheable_tokens"] > 0
    after = json.loads(place.run("plan", "CONFIG", "--json").stdout)
    assert (after["to_judge"], after["prompt_tokens"], after["cost"]) == (0, 0, 0)
    assert "mean of 13 judged cases" in after["policies"][0]["output_from"]
