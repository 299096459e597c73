"""The demo's script, with a judge that needs no model in the place of the small one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from actors import small_judge_model
from assay.config import Labels
from assay.records import Reason, Rejection
from jobs.demo import agreement
from jobs.demo_judge import about
from jobs.eval_text import printed
from jobs.load import load_job
from jobs.report_rows import LabelRow
from jobs.sql import query
from tests.jobs.small_table import SPAM, case, no, yes
from tests.sinks.stand import open_sink

ROOT = Path(__file__).parents[2]
CONFIG = f"""
name: demo
source: {{kind: parquet, path: made/items.parquet, columns: {{id: id, text: text}}, where: "text is not null"}}
policies: ["{ROOT}/configs/policies/spam.md", "{ROOT}/configs/policies/harassment.md"]
judge: {{kind: scripted, match: raffle}}
sink: {{kind: delta, path: audit}}
labels: {{path: "{ROOT}/configs/sample/labels.csv"}}
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
    assert (tmp_path / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert "flagged under spam" in first
    assert "assay sql" in first
    rows = [line.split() for line in first.partition("against the sample's labels")[2].splitlines()]
    right, of = next((int(row[1]), int(row[3])) for row in rows if row[:1] == ["spam"])
    assert 0 < right < of  # a judge that knows one word of spam
    assert "nothing left to judge" not in first
    assert "nothing left to judge" in _demo(config)


def test_its_config_is_complete() -> None:
    job = load_job(ROOT / "configs" / "demo.yaml")
    assert len(job.policies) >= 3
    assert job.config.judge.kind == "vllm"
    assert Path(job.config.judge.model).name == small_judge_model.NAME
    assert "docs/small-judge.md" in about(job.config)
    assert job.config.replicas.gpus == 0


def test_agreement_is_that_of_the_view(tmp_path: Path) -> None:
    said = [yes("R1")] * 4 + [Rejection(Reason.LENGTH, "cut off")] + [no()] * 4 + [yes("R1")]
    open_sink(str(tmp_path / "out")).commit([case(n, SPAM, each) for n, each in enumerate(said)], {})
    labels = tmp_path / "labels.csv"
    labels.write_text("\n".join(["item_id,policy_id,label", *(f"i{n},spam,{int(n < 5)}" for n in range(10))]))
    found = query(str(tmp_path / "out"), "from label_agreement", labels=Labels(path=str(labels)))
    shown = printed([agreement([LabelRow.model_validate(row) for row in found.to_pylist()])], terminal=False)
    assert "8 of 10" in shown
    assert "0.490 to 0.943" in shown  # Wilson's interval
    assert shown.count("0.800") == 3  # precision and recall are 4 of 5
