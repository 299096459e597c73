"""What every run does around its judging: a row in table `runs`, and upkeep of the table beside the commits."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TypeVar

from actors.board import Status
from assay.contracts import Tally
from assay.errors import AssayError
from assay.policy import Policy
from assay.records import JudgeIdentity, Mode
from jobs.canary_summary import summarise_canaries
from jobs.load import Job
from jobs.summary import Summary, Work
from jobs.versions import take_in
from sinks.lookup import TableLookup
from sinks.runs import RunLog, RunRecord, RunState
from sinks.upkeep import Upkeep

_UPKEEP_SECONDS = 1.0
_UPKEEP_PAUSE_SECONDS = 30.0
_LONG_SECONDS = 3.0


S = TypeVar("S", bound=Summary)


def record_of(job: Job, judge: JudgeIdentity, run_id: str, items: int = 0) -> RunRecord:
    """The row of a run that starts now."""
    return RunRecord(
        run_id=run_id,
        job=job.config.name,
        state=RunState.RUNNING,
        started_at=datetime.now(UTC),
        code_version=version("assay"),
        config=job.config.model_dump_json(),
        judge=judge.name,
        judge_revision=judge.revision,
        settings_hash=judge.settings_hash,
        policies=tuple(_written(policy) for policy in job.policies),
        items=items,
        cases=items * len(job.policies),
    )


def _written(policy: Policy) -> str:
    text = f"{policy.id}@{policy.version}:{policy.hash}"
    return text if policy.mode is Mode.LIVE else f"{text} {policy.mode}"


def work_of(job: Job, status: Status | None, seconds: float) -> Work:
    """What a run's replicas did in so many seconds. None: they were never started."""
    replicas, gpu_hour = job.config.replicas, job.config.cost.gpu_hour
    if status is None:
        return Work(Tally(), seconds, gpu_hour=gpu_hour)
    gpus = replicas.count * replicas.gpus
    return Work(status.tally, seconds, gpus, gpu_hour, summarise_canaries(status.canaries))


def catch_up(job: Job) -> None:
    """Have the lookup know all that earlier runs judged, before any replica asks. Says so if that takes long."""
    text = "reading what earlier runs judged; this takes long only if the lookup has to be built"
    patience = threading.Timer(_LONG_SECONDS, print, (text,), {"file": sys.stderr, "flush": True})
    patience.start()
    try:
        with closing(TableLookup(job.config.sink.path)) as lookup:
            lookup.catch_up()
    finally:
        patience.cancel()


def recorded(job: Job, record: RunRecord, run: Callable[[], S], *, allow_edited: bool = False) -> S:
    """Run, with its policies in `policies` and a row in `runs` before, and one after, whatever happens in between.

    Raises InputError, with no row in either, for a policy that was edited and kept its version, unless `allow_edited`.
    """
    path = job.config.sink.path
    take_in(path, job.policies, job.files, record.started_at, allow_edited=allow_edited)
    log = RunLog(path)
    log.write(record)
    try:
        summary = run()
    except BaseException as error:
        message = f"{type(error).__name__}: {error}"
        log.write(replace(record, state=RunState.FAILED, ended_at=datetime.now(UTC), message=message))
        raise
    log.write(_finished(record, summary))
    return summary


def _finished(record: RunRecord, summary: Summary) -> RunRecord:
    canaries = summary.canaries
    return replace(
        record,
        state=RunState(summary.state),
        ended_at=datetime.now(UTC),
        items=summary.items,
        cases=summary.cases,
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
        reused=summary.reused,
        repeated=summary.repeated,
        recalled=summary.recalled,
        saved_tokens=summary.saved_tokens,
        audited=summary.audited,
        agreed=summary.agreed,
        agreed_low=summary.agreed_low,
        agreed_high=summary.agreed_high,
        gpu_seconds=summary.gpu_seconds,
        cost=summary.cost,
        saved_cost=summary.saved_cost,
        shadow=summary.shadow,
        shadow_flagged=summary.shadow_flagged,
        canaries=canaries.judged if canaries else 0,
        canaries_wrong=canaries.wrong if canaries else 0,
        canary_tokens=canaries.prompt_tokens + canaries.output_tokens if canaries else 0,
    )


@contextmanager
def upkeep(job: Job) -> Iterator[None]:
    """Compaction and checkpoints beside the commits, in a thread of this process."""
    keeper, over = Upkeep(job.config.sink, job.config.sink.path), threading.Event()

    def tick() -> None:
        try:
            keeper.tick()
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
