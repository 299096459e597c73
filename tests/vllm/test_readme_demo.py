"""What the README shows of the demo's judge is what that judge says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from jobs.sample import write_sample
from tests.jobs.workplace import Workplace

pytestmark = pytest.mark.vllm
ROOT = Path(__file__).parents[2]
CONFIGS = ROOT / "configs"


def test_verdicts_are_as_shown(tmp_path: Path, shipped_judge_folder: Path) -> None:
    """The rationale's words apart: a machine that rounds in another way may choose others."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    query, shown = re.findall(r'^\$ \.venv/bin/assay sql configs/demo\.yaml "(.*)"\n((?:.+\n)+)', readme, re.MULTILINE)[
        0
    ]
    items = re.findall(r"item-\d+", query)
    write_sample(CONFIGS / "sample", tmp_path / "items.parquet")
    demo = yaml.safe_load((CONFIGS / "demo.yaml").read_text(encoding="utf-8"))
    policies = [str(CONFIGS / "policies" / "spam.md")]
    source = {**demo["source"], "path": "items.parquet", "where": f"id in {tuple(items)}", "limit": len(items)}
    judge = {**demo["judge"], "model": str(shipped_judge_folder), "enforce_eager": True}
    sink = {"kind": "delta", "path": "audit"}
    config = {**demo, "source": source, "policies": policies, "judge": judge, "sink": sink, "labels": None}
    place = Workplace(tmp_path, {key: value for key, value in config.items() if value is not None})
    place.run("backfill", "CONFIG")
    said = place.run("sql", "CONFIG", query).stdout
    verdicts = [[line.split()[:3] for line in lines.removesuffix("```\n").splitlines()] for lines in (shown, said)]
    assert verdicts[1] == verdicts[0]
    assert len(verdicts[0]) == 1 + len(items)
    assert all(len(line.split()) > 3 for line in said.splitlines())
