"""The demo's script, with a judge that needs no model in the place of the small one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from jobs.load import load_job

ROOT = Path(__file__).parents[2]
CONFIG = f"""
name: demo
source: {{kind: parquet, path: made/items.parquet, columns: {{id: id, text: text}}, where: "text is not null"}}
policies: ["{ROOT}/configs/policies/spam.md", "{ROOT}/configs/policies/harassment.md"]
judge: {{kind: scripted, match: raffle}}
sink: {{kind: delta, path: audit}}
"""


def _demo(config: Path) -> str:
    command = [sys.executable, "-m", "jobs.demo", str(config)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_it_shows_what_was_judged_and_the_second_time_that_nothing_is_left(tmp_path: Path) -> None:
    config = tmp_path / "demo.yaml"
    config.write_text(CONFIG, encoding="utf-8")
    first = _demo(config)
    assert "flagged under spam" in first
    assert "assay sql" in first
    assert "nothing left to judge" not in first
    assert "nothing left to judge" in _demo(config)


def test_its_config_is_complete() -> None:
    job = load_job(ROOT / "configs" / "demo.yaml")
    assert len(job.policies) >= 3
    assert job.config.judge.kind == "vllm"
    assert job.config.replicas.gpus == 0
