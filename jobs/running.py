"""What every run does around its judging: a row in table `runs`, and upkeep of the table beside the commits."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TypeVar

from assay.errors import AssayError
from assay.records import JudgeIdentity
from jobs.load import Job
from jobs.summary import Summary
from sinks.runs import RunLog, RunRecord, RunState
from sinks.upkeep import Upkeep

_UPKEEP_SECONDS = 1.0
_UPKEEP_PAUSE_SECONDS = 30.0


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
        policies=tuple(f"{policy.id}@{policy.version}:{policy.hash}" for policy in job.policies),
        items=items,
        cases=items * len(job.policies),
    )


def recorded(path: str, record: RunRecord, run: Callable[[], S]) -> S:
    """Run, with a row in `runs` before and after, whatever happens in between."""
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
