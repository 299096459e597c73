"""`assay check`: everything that a run would refuse is refused here, before a model is loaded."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from actors.identity import identify
from jobs.load import Job
from sources.plan import plan


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What a run of this job would see. Counts of the whole plan, whatever is settled already."""

    name: str
    sources: int
    items: int
    policies: tuple[str, ...]
    cases: int
    judge: str
    judge_revision: str

    def text(self, as_json: bool) -> str:
        if as_json:
            return json.dumps(asdict(self))
        return "\n".join(
            (
                f"{self.name}: fine",
                f"  source    {self.sources:,} files, {self.items:,} items",
                f"  policies  {', '.join(self.policies)}",
                f"  cases     {self.cases:,}",
                f"  judge     {self.judge} ({self.judge_revision[:12]})",
            )
        )


def check_job(job: Job) -> CheckReport:
    """Plan the job and identify its judge. Writes nothing. Raises InputError for anything that is wrong."""
    judge = identify(job.config.judge)
    planned = plan(job.config.source)
    return CheckReport(
        name=job.config.name,
        sources=len(planned.files),
        items=planned.items,
        policies=tuple(f"{policy.id}@{policy.version}" for policy in job.policies),
        cases=planned.items * len(job.policies),
        judge=judge.name,
        judge_revision=judge.revision,
    )
