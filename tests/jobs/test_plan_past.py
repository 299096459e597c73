"""What a plan takes from past runs, and what it assumes and says so."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from actors.identity import identify
from assay.config import Config, DeltaConfig
from assay.contracts import Move
from assay.records import (
    Action,
    Confidence,
    Item,
    ItemKind,
    JudgeIdentity,
    Judgement,
    Outcome,
    Place,
    Stage,
    Turn,
    Verdict,
)
from jobs.load import Job
from jobs.plan_past import Past
from jobs.running import record_of
from sinks.delta import DeltaSink
from sinks.runs import RunLog
from tests.judge_cases import policy

NOW = datetime(2026, 1, 1, tzinfo=UTC)
UNDER = (policy("spam"), policy("insults"))
VERDICT = Verdict(False, (), 0, Action.ALLOW, Confidence.HIGH, "fine")


@pytest.fixture
def job(tmp_path: Path, small_model_folder: Path) -> Job:
    return Job(
        Config.model_validate(
            {
                "name": "nightly",
                "source": {"kind": "parquet", "path": "items", "columns": {"id": "id", "text": "text"}},
                "policies": ["policies"],
                "judge": {"kind": "vllm", "model": str(small_model_folder)},
                "sink": {"kind": "delta", "path": str(tmp_path / "audit")},
                "replicas": {"count": 2, "gpus": 1},
                "cost": {"gpu_hour": 4.0},
            }
        ),
        UNDER,
    )


def write(job: Job, judge: JudgeIdentity, run_id: str, output_tokens: list[int], **record: Any) -> None:
    """A past run under the first policy alone, with these output tokens of its judged cases; others are reused."""
    path = job.config.sink.path
    rows = []
    for number, count in enumerate(output_tokens):
        item = Item(f"{run_id}-{number}", ItemKind.TEXT, (Turn("user", "hi"),), Place("s", run_id, number))
        stage = Stage.JUDGE if count else Stage.REUSED
        rows.append(Outcome(item, UNDER[0], Judgement(VERDICT, output_tokens=count), stage, judge, run_id, NOW))
    DeltaSink(DeltaConfig(kind="delta", path=path), path).commit(rows, {f"track/{run_id}": Move(None, 1)})
    whole = record_of(Job(job.config, UNDER[:1]), judge, run_id)
    RunLog(path).write(replace(whole, ended_at=NOW, **record))


def test_without_a_past_every_figure_is_called_an_assumption(job: Job) -> None:
    pace = Past(job.config, identify(job.config.judge), there=False).pace(UNDER[0])
    assert pace.output_tokens == 200
    assert pace.rate is None
    assert [text.split(":")[0] for text in pace.assumed] == ["output tokens", "rate"]
    assert pace.seconds(10, 40_000) == pytest.approx(2 + 1)


def test_the_past_of_this_judge_and_policy_counts_and_no_other(job: Job) -> None:
    judge = identify(job.config.judge)
    write(job, judge, "first", [100, 140, 0], judged=2, seconds=60.0)
    write(job, judge, "large", [60, 60], judged=1200, seconds=100.0)
    write(job, JudgeIdentity(judge.name, "other", judge.settings_hash), "other", [900], judged=9999, seconds=1.0)
    past = Past(job.config, judge, there=True)
    spam, insults = (past.pace(each) for each in UNDER)
    assert spam.output_tokens == 90
    assert spam.rate == 6, "1,200 cases in 100 s on 2 replicas; small runs are mostly start"
    assert spam.assumed == ()
    assert "mean of 4 judged cases" in spam.output_from
    assert (insults.output_tokens, insults.rate) == (90, 6)
    assert [text.split(":")[0] for text in insults.assumed] == ["output tokens", "rate"]


def test_a_stream_says_nothing_of_the_rate(job: Job) -> None:
    judge = identify(job.config.judge)
    source = {
        "kind": "kafka",
        "bootstrap": "a:1",
        "topics": ["t"],
        "group": "g",
        "columns": {"id": "id", "text": "text"},
    }
    kafka = Config.model_validate({**job.config.model_dump(), "source": source})
    write(Job(kafka, UNDER), judge, "stream", [100], judged=100, seconds=60.0)
    pace = Past(job.config, judge, there=True).pace(UNDER[0])
    assert (pace.output_tokens, pace.rate) == (100, None)


def test_a_past_on_other_machines_says_nothing_of_the_rate(job: Job) -> None:
    judge = identify(job.config.judge)
    write(job, judge, "first", [100], judged=100, seconds=60.0)
    moved = job.config.model_copy(update={"replicas": job.config.replicas.model_copy(update={"gpus": 2})})
    pace = Past(moved, judge, there=True).pace(UNDER[0])
    assert (pace.output_tokens, pace.rate) == (100, None)
