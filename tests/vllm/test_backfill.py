"""The true path from Parquet to SQL: Ray, vLLM, Harmony, grammar, parser, Delta, with a tiny random gpt-oss."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jobs.sample import write_sample
from tests.chances import thorough
from tests.jobs.workplace import Workplace, make_workplace

pytestmark = pytest.mark.vllm
SAMPLE = Path(__file__).parents[2] / "configs" / "sample"


def test_harmony_from_parquet_to_sql_takes_the_tokens_that_were_planned(
    tmp_path: Path, tiny_gpt_oss_folder: Path
) -> None:
    place = make_workplace(tmp_path, files=0, policies=2)
    _write_items(tmp_path)
    place.config["source"]["columns"] = {"id": "id", "text": "text", "prompt": "prompt", "response": "response"}
    place.config["source"]["columns"]["chat"] = "chat"
    place.config["replicas"] = {"count": 1, "cpus": 2}
    place.config["judge"] = {
        "kind": "vllm",
        "model": str(tiny_gpt_oss_folder),
        "max_output_tokens": 96,
        "retry_output_tokens": 128,
        "max_rationale_chars": 20,
        "max_model_len": 2048,
        "max_num_seqs": 8,
        "max_num_batched_tokens": 2048,
        "cpu_kv_cache_gib": 0.25,
        "enforce_eager": not thorough(),  # a minute of compiling
        "window": 8,
    }
    planned = json.loads(place.run("plan", "CONFIG", "--json").stdout)
    assert (planned["cases"], planned["duplicates"], planned["to_judge"]) == (34, 8, 26)
    done = place.backfill()
    assert done["cases"] == done["verdicts"] + done["rejected"] == 34
    assert done["rejected_by_reason"]["too_long"] == 2
    assert done["output_tokens"] > 0
    a_case = "prompt_tokens // nullif(attempts, 0)"  # each attempt takes its prompt anew, which no plan can know
    (once,) = place.query(f"select sum({a_case})::bigint as tokens from outcomes where stage = 'judge'")
    assert planned["prompt_tokens"] == once["tokens"] > 0
    assert planned["cacheable_tokens"] == done["cacheable_tokens"] > 0
    _check_rows(place, tiny_gpt_oss_folder.name)
    assert place.backfill()["judged"] == 0


def _write_items(folder: Path) -> None:
    """Of every kind some, some twice, and one that is too long."""
    rows = [json.loads(line) for line in (SAMPLE / "items.jsonl").read_text(encoding="utf-8").splitlines()]
    kinds = [[row for row in rows if name in row][:4] for name in ("text", "response", "chat")]
    chosen = [row for kind in kinds for row in kind]
    chosen += [{**row, "id": f"{row['id']}-again"} for row in chosen[::3]]
    chosen.append({**chosen[0], "id": "long", "text": "a word and another " * 1000})
    (folder / "sample").mkdir()
    (folder / "sample" / "items.jsonl").write_text("\n".join(json.dumps(row) for row in chosen), encoding="utf-8")
    write_sample(folder / "sample", folder / "data" / "items.parquet")


def _check_rows(place: Workplace, judge: str) -> None:
    columns = "status, stage, judge, judge_revision, prompt_hash, prompt_tokens, reason, raw"
    rows = place.query(f"select {columns} from outcomes")
    assert len(rows) == 34
    assert {row["status"] for row in rows} == {"verdict", "rejected"}
    for row in rows:
        assert row["judge"] == judge
        assert row["judge_revision"]
        assert (row["status"] == "verdict") == (row["reason"] is None) == (row["raw"] is None)
        if row["stage"] == "judge" and row["reason"] != "too_long":
            assert len(row["prompt_hash"]) == 64
            assert row["prompt_tokens"] > 0
