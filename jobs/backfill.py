"""The backfill: audit a Parquet data set, once and completely. Safe to rerun."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from uuid import uuid4

from actors.assignment import Assignment
from actors.board import Status
from actors.identity import identify
from actors.supervisor import Supervisor, cluster
from assay.contracts import Move, Sink, Tally
from assay.errors import AssayError, FatalError, InputError, Interrupted, Refused
from assay.ledger import source_key
from assay.records import JudgeIdentity
from jobs.balance import Plot, Reach, faults, read_ledger, settled, unsettled
from jobs.load import Job
from jobs.summary import Summary, summarise
from sinks.counts import RunCount, count_outcomes
from sinks.delta import DeltaSink
from sinks.runs import RunLog, RunRecord, RunState
from sinks.upkeep import Upkeep
from sources.plan import Plan, plan

_UPKEEP_SECONDS = 1.0
_REMEMBER_ATTEMPTS = 5
_UPKEEP_PAUSE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Prepared:
    """A job checked against its source and its table: what there is to do, before any model is loaded."""

    job: Job
    judge: JudgeIdentity
    plan: Plan
    reach: Reach

    @property
    def plot(self) -> Plot:
        return Plot(self.job.config.source, self.plan.pieces, self.job.policies, self.judge)

    @property
    def cases(self) -> int:
        return self.plan.items * len(self.job.policies)


def prepare(job: Job, sink: Sink) -> Prepared:
    """Plan the source and read the ledger. Raises InputError for bad input, a changed source among it."""
    judge = identify(job.config.judge)
    planned = plan(job.config.source)
    remember_sources(planned, sink, on_change=job.config.source.on_change)
    plot = Plot(job.config.source, planned.pieces, job.policies, judge)
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
    versions = {file.uri: file.version for file in planned.files}
    ledger = sink.ledger([source_key(source) for source in versions])
    moves: dict[str, Move] = {}
    for source, now in versions.items():
        was = ledger.get(source_key(source))
        if was not in (None, now) and on_change == "stop":
            raise InputError(
                f"{source}: the file changed since it was audited (size, rows or footer differ); restore it, give the "
                "new one another name, or set source.on_change: audit to audit all of it again"
            )
        if was != now:
            moves[source_key(source)] = Move(was, now)
    if moves:
        sink.commit([], moves)


def backfill(job: Job, on_status: Callable[[Status, int], None], stopping: Callable[[], bool]) -> Summary:
    """Run a job to its end, or until `stopping`. The run is recorded in table `runs` either way.

    Raises InputError before anything is judged, FatalError when the run fails or does not balance.
    """
    began = time.monotonic()
    sink = DeltaSink(job.config.sink, job.config.sink.path)
    ready = prepare(job, sink)
    log, run_id = RunLog(job.config.sink.path), uuid4().hex
    record = _record(ready, run_id)
    log.write(record)
    try:
        status = _judge(ready, sink, run_id, on_status, stopping)
        summary = _settle_up(ready, sink, run_id, status, stopping(), time.monotonic() - began)
    except BaseException as error:
        message = f"{type(error).__name__}: {error}"
        log.write(replace(record, state=RunState.FAILED, ended_at=datetime.now(UTC), message=message))
        raise
    log.write(_finished(record, summary))
    return summary


def _judge(
    ready: Prepared, sink: Sink, run_id: str, on_status: Callable[[Status, int], None], stopping: Callable[[], bool]
) -> Status | None:
    """Have replicas settle what is open. None if nothing is."""
    shards = [piece.shard for piece in ready.reach.open]
    if not shards:
        return None
    job = ready.job
    to_settle = unsettled(ready.plot, settled(sink, job.config.sink.path, ready.plot))
    try:
        with cluster(job.config.replicas), _upkeep(job):
            work = Assignment(job.config, job.policies, ready.plan, run_id)
            return Supervisor(work, shards, lambda status: on_status(status, to_settle), stopping).run()
    except Interrupted:
        return None


@contextmanager
def _upkeep(job: Job) -> Iterator[None]:
    """Compaction and checkpoints beside the commits, in a thread of this process."""
    upkeep, over = Upkeep(job.config.sink, job.config.sink.path), threading.Event()

    def tick() -> None:
        try:
            upkeep.tick()
        except AssayError as error:
            print(f"upkeep is put off: {error}", file=sys.stderr, flush=True)
            over.wait(_UPKEEP_PAUSE_SECONDS)

    def tend() -> None:
        while not over.wait(_UPKEEP_SECONDS):
            tick()
        tick()

    thread = threading.Thread(target=tend, name="assay-upkeep")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _settle_up(
    ready: Prepared, sink: Sink, run_id: str, status: Status | None, stopped: bool, seconds: float
) -> Summary:
    """Check conservation and count. Raises FatalError naming what is missing."""
    path, plot = ready.job.config.sink.path, ready.plot
    reach, counts = read_ledger(sink, plot), settled(sink, path, plot)
    count = count_outcomes(path, run_id) if status else RunCount(0, 0, {})
    tally = status.tally if status else Tally()
    if stopped and reach.open:
        left = unsettled(plot, counts)
        return summarise(run_id, "stopped", ready.plan.items, ready.cases, left, count, tally, seconds)
    if wrong := faults(plot, reach, counts):
        raise FatalError("the run does not balance:\n  " + "\n  ".join(wrong))
    return summarise(run_id, "done", ready.plan.items, ready.cases, 0, count, tally, seconds)


def _record(ready: Prepared, run_id: str) -> RunRecord:
    config, judge = ready.job.config, ready.judge
    return RunRecord(
        run_id=run_id,
        job=config.name,
        state=RunState.RUNNING,
        started_at=datetime.now(UTC),
        code_version=version("assay"),
        config=config.model_dump_json(),
        judge=judge.name,
        judge_revision=judge.revision,
        settings_hash=judge.settings_hash,
        policies=tuple(f"{policy.id}@{policy.version}:{policy.hash}" for policy in ready.job.policies),
        items=ready.plan.items,
        cases=ready.cases,
    )


def _finished(record: RunRecord, summary: Summary) -> RunRecord:
    return replace(
        record,
        state=RunState(summary.state),
        ended_at=datetime.now(UTC),
        verdicts=summary.verdicts,
        flagged=summary.flagged,
        rejected=summary.rejected,
        rejected_by_reason=summary.rejected_by_reason,
        skipped=summary.skipped,
        judged=summary.judged,
        seconds=summary.seconds,
        prompt_tokens=summary.prompt_tokens,
        cached_tokens=summary.cached_tokens,
        cacheable_tokens=summary.cacheable_tokens,
        output_tokens=summary.output_tokens,
    )
