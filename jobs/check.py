"""`assay check`: everything that a run would refuse is refused here, before a model is loaded."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from actors.identity import identify
from assay.config import KafkaConfig, ParquetConfig
from jobs.judge_change import judge_change
from jobs.load import Job
from jobs.versions import refuse_edited
from sinks.policies import policy_versions
from sources.plan import plan


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What a run of this job would see. Counts of the whole plan, whatever is settled already.

    `judge_change` says that verdicts can't be reused, "" if none are lost.
    """

    name: str
    shares: str
    sources: int
    items: int
    policies: tuple[str, ...]
    cases: int
    judge: str
    judge_revision: str
    judge_change: str

    def text(self, as_json: bool) -> str:
        if as_json:
            return json.dumps(asdict(self))
        change = (f"            {self.judge_change}",) if self.judge_change else ()
        return "\n".join(
            (
                f"{self.name}: fine",
                f"  source    {self.sources:,} {self.shares}, {self.items:,} items",
                f"  policies  {', '.join(self.policies)}",
                f"  cases     {self.cases:,}",
                f"  judge     {self.judge} ({self.judge_revision[:12]})",
                *change,
            )
        )


def check_job(job: Job) -> CheckReport:
    """Plan the job and identify its judge. Writes nothing. Raises InputError for anything that is wrong."""
    judge, known = identify(job.config.judge), policy_versions(job.config.sink.path)
    refuse_edited(job.policies, known, job.files)
    change = judge_change(job, judge, known)
    sources, items = _survey(job.config.source)
    return CheckReport(
        name=job.config.name,
        shares="files" if isinstance(job.config.source, ParquetConfig) else "partitions",
        sources=sources,
        items=items,
        policies=tuple(f"{policy.id}@{policy.version}" for policy in job.policies),
        cases=items * len(job.policies),
        judge=judge.name,
        judge_revision=judge.revision,
        judge_change=change.text if change else "",
    )


def _survey(source: ParquetConfig | KafkaConfig) -> tuple[int, int]:
    """How many files or partitions there are, and items in them; of topics, at most so many."""
    if isinstance(source, ParquetConfig):
        planned = plan(source)
        return len(planned.files), planned.items
    from sources.kafka_client import survey

    seen = survey(source)
    return len(seen.ends), sum(end - seen.begins[at] for at, end in seen.ends.items())
