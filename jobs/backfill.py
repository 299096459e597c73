"""The backfill: audit a Parquet data set, once and completely. Safe to rerun."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

from actors.assignment import Assignment
from actors.board import Status
from actors.identity import identify
from actors.supervisor import Supervisor, cluster
from assay.config import ParquetConfig
from assay.contracts import NO_MARKS, Marks, Move, Sink
from assay.errors import FatalError, InputError, Interrupted, Refused
from assay.ledger import source_key
from assay.records import JudgeIdentity
from jobs.balance import Plot, Reach, faults, read_ledger, settled, unsettled
from jobs.load import Job
from jobs.plan_file import planned_for, with_plan
from jobs.running import catch_up, record_of, recorded, upkeep, work_of
from jobs.sql_output import printable_lines
from jobs.summary import Summary, Work, summarise
from sinks.counts import count_outcomes
from sinks.delta import DeltaSink
from sources.plan import Plan, plan

_REMEMBER_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Prepared:
    """A job checked against its source and its table: what there is to do, before any model is loaded."""

    job: Job
    judge: JudgeIdentity
    plan: Plan
    reach: Reach

    @property
    def plot(self) -> Plot:
        return Plot(_source(self.job), self.plan.pieces, self.job.policies, self.judge)

    @property
    def cases(self) -> int:
        return self.plan.items * len(self.job.policies)


def prepare(job: Job, sink: Sink) -> Prepared:
    """Plan the source and read the ledger. Raises InputError for bad input, a changed source among it."""
    judge = identify(job.config.judge)
    source = _source(job)
    planned = plan(source)
    remember_sources(planned, sink, on_change=source.on_change)
    plot = Plot(source, planned.pieces, job.policies, judge)
    return Prepared(job, judge, planned, read_ledger(sink, plot))


def remember_sources(planned: Plan, sink: Sink, on_change: str) -> None:
    """Notice sources that changed since they were audited, and remember the present ones.

    Raises InputError for a changed source, unless it is to be audited as it is now.
    """
    for _ in range(_REMEMBER_ATTEMPTS):
        with contextlib.suppress(Refused):
            _remember(planned, sink, on_change)
            return
    _remember(planned, sink, on_change)


def _remember(planned: Plan, sink: Sink, on_change: str) -> None:
    moves = source_moves(planned, sink.ledger([source_key(file.uri) for file in planned.files]), on_change)
    if moves:
        sink.commit([], moves)


def source_moves(planned: Plan, ledger: Mapping[str, int], on_change: str) -> dict[str, Move]:
    """What the ledger is to be told of the present sources. Raises InputError as `remember_sources` does."""
    moves: dict[str, Move] = {}
    for file in planned.files:
        was = ledger.get(source_key(file.uri))
        if was not in (None, file.version) and on_change == "stop":
            raise InputError(
                f"{file.uri}: the file changed since it was audited (size, rows or footer differ); restore it, give "
                "the new one another name, or set source.on_change: audit to audit all of it again"
            )
        if was != file.version:
            moves[source_key(file.uri)] = Move(was, file.version)
    return moves


def backfill(
    job: Job,
    on_status: Callable[[Status, int], None],
    stopping: Callable[[], bool],
    *,
    fresh: bool = False,
    marks: Marks = NO_MARKS,
    allow_edited: bool = False,
) -> Summary:
    """Run a job to its end, or until `stopping`. The run is recorded in table `runs` either way.

    `fresh`: no verdict of an earlier run is reused; what is settled in this source stays settled. `marks`: what the
    items say of how they want to be judged. `allow_edited`: a policy that was edited may keep its version.

    Raises InputError before anything is judged, FatalError when the run fails or does not balance.
    """
    began = time.monotonic()
    _source(job)
    sink = DeltaSink(job.config.sink, job.config.sink.path)
    ready, run_id = prepare(job, sink), uuid4().hex

    def run() -> Summary:
        status = _judge(ready, sink, run_id, on_status, stopping, fresh=fresh, marks=marks)
        work = work_of(job, status, time.monotonic() - began)
        return _settle_up(ready, sink, run_id, work, stopped=stopping())

    planned = None if fresh else planned_for(job, ready.judge)
    record = with_plan(record_of(job, ready.judge, run_id, ready.plan.items), planned)
    return recorded(job, record, run, allow_edited=allow_edited)


def _source(job: Job) -> ParquetConfig:
    if not isinstance(job.config.source, ParquetConfig):
        raise InputError("source.kind: a backfill reads Parquet; for a Kafka source run: assay stream")
    return job.config.source


def _judge(
    ready: Prepared,
    sink: Sink,
    run_id: str,
    on_status: Callable[[Status, int], None],
    stopping: Callable[[], bool],
    *,
    fresh: bool,
    marks: Marks,
) -> Status | None:
    """Have replicas settle what is open. None if nothing is."""
    shards = [piece.shard for piece in ready.reach.open]
    if not shards:
        return None
    job = ready.job
    to_settle = unsettled(ready.plot, settled(sink, job.config.sink.path, ready.plot))
    catch_up(job)
    try:
        with cluster(job.config.replicas), upkeep(job):
            since = datetime.now(UTC) if fresh else None
            work = Assignment(job.config, job.policies, run_id, ready.plan, since=since, marks=marks)

            def show(status: Status) -> None:
                for news in status.news:
                    print(printable_lines(news.text), file=sys.stderr, flush=True)
                on_status(status, to_settle)

            return Supervisor(work, shards, show, stopping).run()
    except Interrupted:
        return None


def _settle_up(ready: Prepared, sink: Sink, run_id: str, work: Work, *, stopped: bool) -> Summary:
    """Check conservation and count. Raises FatalError naming what is missing."""
    path, plot = ready.job.config.sink.path, ready.plot
    reach, counts = read_ledger(sink, plot), settled(sink, path, plot)
    count = count_outcomes(path, run_id)
    if stopped and reach.open:
        return summarise(run_id, "stopped", ready.plan.items, ready.cases, unsettled(plot, counts), count, work)
    if wrong := faults(plot, reach, counts):
        raise FatalError("the run does not balance:\n  " + "\n  ".join(wrong))
    return summarise(run_id, "done", ready.plan.items, ready.cases, 0, count, work)
