"""A plan kept beside the tables, so that the run that follows can put what was planned beside what it did."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from assay.errors import AssayError, FatalError
from assay.policy import Policy
from assay.records import JudgeIdentity
from jobs.load import Job
from jobs.plan_past import past_runs
from jobs.plan_record import JobPlan
from sinks.delta_table import locate
from sinks.runs import RunRecord


@dataclass(frozen=True, slots=True)
class Planned:
    """What was planned for a run."""

    cases: int
    judged: int
    prompt_tokens: int
    cost: float


class _Kept(msgspec.Struct, frozen=True):
    """The file. `source` is the config's source, as JSON; `policies` are their tracks."""

    made_at: datetime
    judge: tuple[str, str, str]
    source: str
    policies: tuple[str, ...]
    cases: int
    judged: int
    prompt_tokens: int
    cost: float


def keep_plan(job: Job, plan: JobPlan) -> Path | None:
    """Write the plan's totals to `plans/<job>.json` under the sink's path, in place of an older one.

    None if the sink is on no disk of this machine: then nothing is kept. Raises FatalError if it can't be written.
    """
    file = _file(job)
    if file is None:
        return None
    total, judge = plan.total, plan.judge
    kept = _Kept(
        made_at=datetime.now(UTC),
        judge=_judge(judge),
        source=job.config.source.model_dump_json(),
        policies=_tracks(job.policies),
        cases=round(total.cases.value),
        judged=round(total.to_judge.value),
        prompt_tokens=round(total.prompt_tokens.value),
        cost=total.cost.value,
    )
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_name(f"{file.name}.{os.getpid()}")
        draft.write_bytes(msgspec.json.encode(kept))
        draft.replace(file)
    except OSError as error:
        raise FatalError(f"{file}: the plan can't be kept: {error}") from error
    return file


def planned_for(job: Job, judge: JudgeIdentity) -> Planned | None:
    """What was planned for the run that is about to begin; ask before its row is in table `runs`.

    None if there is no plan for this job with these very policies, source and judge, or if a run of the job began since
    it was made: what that one settled the plan still counts. Never raises: a plan is a courtesy.
    """
    try:
        if (file := _file(job)) is None:
            return None
        kept = msgspec.json.decode(file.read_bytes(), type=_Kept)
        if (kept.judge, kept.source, kept.policies) != (
            _judge(judge),
            job.config.source.model_dump_json(),
            _tracks(job.policies),
        ):
            return None
        if _begun_since(job, kept.made_at):
            return None
    except (OSError, msgspec.MsgspecError, AssayError):
        return None
    return Planned(kept.cases, kept.judged, kept.prompt_tokens, kept.cost)


def with_plan(record: RunRecord, planned: Planned | None) -> RunRecord:
    """The row of a run, with what was planned for it."""
    if planned is None:
        return record
    return replace(
        record,
        planned_cases=planned.cases,
        planned_judged=planned.judged,
        planned_prompt_tokens=planned.prompt_tokens,
        planned_cost=planned.cost,
    )


def _begun_since(job: Job, moment: datetime) -> bool:
    path = job.config.sink.path
    if not (Path(locate(path, "verdicts").root) / "_delta_log").is_dir():
        return False
    return any(run.started_at >= moment for run in past_runs(path) if run.job == job.config.name)


def _file(job: Job) -> Path | None:
    at = locate(job.config.sink.path, "plans")
    return Path(at.root) / f"{job.config.name}.json" if at.local else None


def _judge(judge: JudgeIdentity) -> tuple[str, str, str]:
    return judge.name, judge.revision, judge.settings_hash


def _tracks(policies: Sequence[Policy]) -> tuple[str, ...]:
    return tuple(sorted(policy.track for policy in policies))
