"""A job under way: two policies and a shadow, decided during the last minutes by its second run."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import yaml

from assay.config import Config
from assay.contracts import Shard
from assay.records import Action, Confidence, Mode, Origin, Outcome, Reason, Rejection, Stage
from jobs.load import load_config
from sinks.runs import RunLog, RunRecord, RunState
from tests.jobs.small_table import HARM, SPAM, case, no, yes
from tests.sinks.stand import open_sink

NOW = datetime(2026, 3, 4, 0, 10, tzinfo=UTC)
"""Shortly after midnight, so that the run is on two days."""

BEGAN = NOW - timedelta(minutes=20)
RUN = RunRecord("run-b", "nightly", RunState.RUNNING, BEGAN, items=6, cases=18)
SHADOW = SPAM.model_copy(update={"mode": Mode.SHADOW})
TOPIC = (Shard("events", "2", stream=True), Shard("events", "11", stream=True))
_ORIGIN = Origin("run-a", "i9", BEGAN)


def ago(**time: float) -> datetime:
    return NOW - timedelta(**time)


OUTCOMES = (
    case(0, SPAM, yes("R1"), ago(seconds=900)),  # on the day before
    case(1, SPAM, yes("R1", action=Action.BLOCK), ago(seconds=120)),
    case(2, SPAM, no(confidence=Confidence.LOW), ago(seconds=59)),
    case(3, SPAM, replace(yes("R2"), action=Action.ESCALATE), ago(seconds=30)),
    case(4, SPAM, no(), ago(seconds=20), stage=Stage.REUSED, origin=_ORIGIN),
    case(5, SPAM, Rejection(Reason.LENGTH, "cut off"), ago(seconds=10)),
    case(0, HARM, no(), ago(seconds=600)),
    case(1, HARM, Rejection(Reason.MALFORMED, "no JSON"), ago(seconds=300)),
    case(2, HARM, Rejection(Reason.MALFORMED, "no JSON either"), ago(seconds=200)),
    case(0, SHADOW, yes("R1"), ago(seconds=500)),
)
"""Of run-b: six items under one policy, ten cases, seven verdicts."""

_BEFORE = (case(7, SPAM, yes("R1"), ago(days=3)), case(8, SPAM, no(), ago(days=3)))
_ELSEWHERE = case(9, HARM, yes("R2"), ago(seconds=5))


def write_under_way(path: str) -> None:
    """The tables of the job, in which another job has a later run and an earlier run has rows of its own."""
    sink = open_sink(path)
    sink.commit([replace(each, run_id="run-a") for each in _BEFORE], {})
    for each in OUTCOMES:
        sink.commit([replace(each, run_id=RUN.run_id)], {})
    sink.commit([replace(_ELSEWHERE, run_id="run-c")], {})
    log = RunLog(path)
    log.write(replace(RUN, run_id="run-a", started_at=ago(days=3), ended_at=ago(days=2), state=RunState.DONE))
    log.write(RUN)
    log.write(replace(RUN, run_id="run-c", job="other", started_at=ago(minutes=1)))


def streamed() -> tuple[Outcome, ...]:
    """Of run-b, too: two partitions, in which records wait from two to six seconds for their verdict."""
    waits = ((TOPIC[0], 4, 50, 2), (TOPIC[0], 5, 40, 4), (TOPIC[1], 7, 300, 9), (TOPIC[1], 9, 30, 6))
    found = []
    for shard, offset, seconds, wait in waits:
        each = case(offset, HARM, no(), ago(seconds=seconds), shard=shard, run=RUN.run_id)
        found.append(replace(each, item=replace(each.item, time=ago(seconds=seconds + wait))))
    return tuple(found)


def config_for(sink: str, folder: Path, *, stream: bool = False) -> Path:
    """The file of a config whose table is at `sink`; its source, policies and judge are nowhere."""
    columns = {"id": "id", "text": "text"}
    parquet = {"kind": "parquet", "path": str(folder / "nowhere" / "*.parquet"), "columns": columns}
    kafka = {"kind": "kafka", "bootstrap": "127.0.0.1:1", "topics": ["events"], "group": "g", "columns": columns}
    config = {
        "name": "nightly",
        "source": kafka if stream else parquet,
        "policies": [str(folder / "nowhere.md")],
        "judge": {"kind": "vllm", "model": "nobody/nothing"},
        "sink": {"kind": "delta", "path": sink},
    }
    file = folder / "job.yaml"
    file.write_text(yaml.safe_dump(config), encoding="utf-8")
    return file


def job(sink: str, folder: Path, *, stream: bool = False) -> Config:
    return load_config(config_for(sink, folder, stream=stream))
