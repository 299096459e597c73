"""Whether a job's judge is another one than its verdicts are from, and how many of them it can't reuse for that."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from actors.identity import identify
from assay.config import ScriptedConfig, VllmConfig
from assay.records import JudgeIdentity
from jobs.load import Job
from jobs.sql import query, stored
from jobs.versions import alike
from sinks.counts import active_files
from sinks.policies import PolicyVersion
from sinks.runs import policy_ids

_RUNS, _VERDICTS = stored("job_runs"), stored("judged_by")
_SHOWN = 40
_Share = tuple[str, str, str]
"""A judge's revision and settings, and a policy's id."""
_NO_SETTINGS = ("kind", "model", "revision")


@dataclass(frozen=True, slots=True)
class JudgeChange:
    """`was` and `now` name the judges by what differs; `verdicts` were judged by the old one."""

    was: str
    now: str
    verdicts: int

    @property
    def text(self) -> str:
        return f"the judge changed from {self.was} to {self.now}: {self.verdicts:,} verdicts can't be reused"


def judge_change(job: Job, judge: JudgeIdentity, known: Sequence[PolicyVersion]) -> JudgeChange | None:
    """Compares with the judge of the job's latest run that left verdicts under policies as they are now.

    Policies under which a later run had the present judge already are left out: somebody has agreed to that. Judges are
    the same if their revision and settings are, as in a case's key. `known` are the texts in table `policies`.

    Raises TransientError or FatalError if the table can't be read.
    """
    path = job.config.sink.path
    if active_files(path, "verdicts") is None:
        return None
    verdicts: Counter[_Share] | None = None
    left = {policy.id for policy in job.policies}
    for row in query(path, _RUNS, params={"job": job.config.name}).to_pylist():
        was = JudgeIdentity(row["judge"], row["judge_revision"], row["settings_hash"])
        shared = left & policy_ids(row["policies"])
        if _key(was) == _key(judge):
            left -= shared
            continue
        if shared and verdicts is None:
            verdicts = _verdicts(path, alike(job.policies, known))
        if shared and verdicts and (count := sum(verdicts[*_key(was), policy] for policy in left)):
            return JudgeChange(*told_apart(was, row["config"], judge, job.config.judge), count)
    return None


def _key(judge: JudgeIdentity) -> tuple[str, str]:
    return judge.revision, judge.settings_hash


def _verdicts(path: str, hashes: Sequence[str]) -> Counter[_Share]:
    rows = query(path, _VERDICTS, params={"hashes": list(hashes)}).to_pylist()
    return Counter({(row["judge_revision"], row["settings_hash"], row["policy_id"]): row["verdicts"] for row in rows})


def told_apart(
    was: JudgeIdentity, was_config: str, now: JudgeIdentity, config: ScriptedConfig | VllmConfig
) -> tuple[str, str]:
    """Two different judges by name, each with what the other has not. `was_config`: the config of the old one's job."""
    facts: list[tuple[str, str]] = []
    if was.revision != now.revision:
        facts.append((f"revision {was.revision[:8]}", f"revision {now.revision[:8]}"))
    if was.settings_hash != now.settings_hash:
        unnamed = (f"settings {was.settings_hash[:8]}", f"settings {now.settings_hash[:8]}")
        facts += _settings(json.loads(was_config).get("judge", {}), config, now) or [unnamed]
    before, after = zip(*facts, strict=True)
    return f"{was.name} ({', '.join(before)})", f"{now.name} ({', '.join(after)})"


def _settings(
    was: Mapping[str, object], config: ScriptedConfig | VllmConfig, now: JudgeIdentity
) -> list[tuple[str, str]]:
    """Settings of the same kind of judge that differ and make it another one; none of those that only change speed."""
    if was.get("kind") != config.kind:
        return []
    return [
        (_setting(key, was[key]), _setting(key, value))
        for key, value in config.model_dump(mode="json", exclude=set(_NO_SETTINGS)).items()
        if key in was
        and was[key] != value
        and identify(config.model_copy(update={key: was[key]})).settings_hash != now.settings_hash
    ]


def _setting(key: str, value: object) -> str:
    text = "none" if value is None else str(value)
    return f"{key} {text if len(text) <= _SHOWN else text[:_SHOWN] + '...'}"
