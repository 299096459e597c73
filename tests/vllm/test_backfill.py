"""The true path from Parquet to SQL: Ray, vLLM, Harmony, grammar, parser, Delta, with a tiny random gpt-oss."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chances import thorough
from tests.jobs.workplace import make_workplace

pytestmark = pytest.mark.vllm


def test_harmony_from_parquet_to_sql(tmp_path: Path, tiny_gpt_oss_folder: Path) -> None:
    place = make_workplace(tmp_path, files=1, items=12, policies=1)
    place.config["replicas"] = {"count": 1, "cpus": 2}
    place.config["judge"] = {
        "kind": "vllm",
        "model": str(tiny_gpt_oss_folder),
        "max_output_tokens": 96,
        "retry_output_tokens": 128,
        "max_rationale_chars": 40,
        "max_model_len": 2048,
        "max_num_seqs": 8,
        "max_num_batched_tokens": 2048,
        "temperature": 1.0,
        "enforce_eager": not thorough(),  # a minute of compiling
        "window": 8,
    }
    summary = place.backfill()
    assert summary["cases"] == summary["verdicts"] + summary["rejected"] == 12
    assert summary["prompt_tokens"] > 0
    assert summary["output_tokens"] > 0
    rows = place.query("select status, judge, judge_revision, prompt_hash, prompt_tokens, reason, raw from outcomes")
    assert len(rows) == 12
    for row in rows:
        assert row["judge"] == tiny_gpt_oss_folder.name
        assert row["judge_revision"]
        assert len(row["prompt_hash"]) == 64
        assert row["prompt_tokens"] > 0
        assert (row["status"] == "verdict") == (row["reason"] is None) == (row["raw"] is None)
    assert place.backfill()["judged"] == 0
