"""`assay check`: everything that a run would refuse is refused here, before a model is loaded, and policies are
looked through for what a run would take and a writer would not want.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from actors.identity import identify
from assay.config import KafkaConfig, ParquetConfig
from assay.errors import InputError
from assay.policy import Policy
from assay.records import Mode
from authoring.lint_policies import lint_policies, load_policies
from authoring.lint_records import Finding
from jobs.check_findings import fails, finding_lines, finding_row
from jobs.check_sarif import sarif
from jobs.judge_change import judge_change
from jobs.labels import labels_of
from jobs.load import Job, load_job
from jobs.versions import refuse_edited
from sinks.policies import policy_versions
from sources.plan import plan


@dataclass(frozen=True, slots=True)
class JobFacts:
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

    def text(self) -> str:
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


@dataclass(frozen=True, slots=True)
class PolicyFacts:
    """Policies that were checked by themselves."""

    policies: tuple[str, ...]

    def text(self) -> str:
        return f"read: {', '.join(self.policies)}"


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What is there, and what was found in the policies."""

    facts: JobFacts | PolicyFacts
    findings: tuple[Finding, ...]

    @property
    def fails(self) -> bool:
        """Whether `--strict` is not content."""
        return fails(self.findings)

    def text(self, form: str) -> str:
        """As text, json or sarif; the last has the findings only."""
        if form == "sarif":
            return sarif(self.findings)
        if form == "json":
            findings = [asdict(finding_row(each)) for each in self.findings]
            return json.dumps({**asdict(self.facts), "findings": findings})
        return f"{self.facts.text()}\n\n{finding_lines(self.findings)}"


def check(target: Path) -> CheckReport:
    """Check a job, a policy, or a folder of them. Writes nothing. Raises InputError for what a run would refuse."""
    if target.suffix.lower() == ".md" or target.is_dir():
        policies = load_policies(target)
        return CheckReport(PolicyFacts(_names(tuple(policies.values()))), lint_policies(policies))
    job = load_job(target)
    return CheckReport(check_job(job), lint_policies({job.files[policy.name]: policy for policy in job.policies}))


def write_report(report: CheckReport, form: str, out: Path) -> None:
    """Raises InputError if the file can't be written."""
    try:
        out.write_text(f"{report.text(form)}\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"--out: {out}: can't be written: {error}") from error


def check_job(job: Job) -> JobFacts:
    """Plan the job, identify its judge, read its labels. Writes nothing. Raises InputError for what is wrong."""
    labels_of(job.config.labels)
    judge, known = identify(job.config.judge), policy_versions(job.config.sink.path)
    refuse_edited(job.policies, known, job.files)
    change = judge_change(job, judge, known)
    sources, items = _survey(job.config.source)
    return JobFacts(
        name=job.config.name,
        shares="files" if isinstance(job.config.source, ParquetConfig) else "partitions",
        sources=sources,
        items=items,
        policies=_names(job.policies),
        cases=items * len(job.policies),
        judge=judge.name,
        judge_revision=judge.revision,
        judge_change=change.text if change else "",
    )


def _names(policies: Sequence[Policy]) -> tuple[str, ...]:
    return tuple(f"{policy.id}@{policy.version}{_marked(policy)}" for policy in policies)


def _marked(policy: Policy) -> str:
    return "" if policy.mode is Mode.LIVE else f" ({policy.mode})"


def _survey(source: ParquetConfig | KafkaConfig) -> tuple[int, int]:
    """How many files or partitions there are, and items in them; of topics, at most so many."""
    if isinstance(source, ParquetConfig):
        planned = plan(source)
        return len(planned.files), planned.items
    from sources.kafka_client import survey

    seen = survey(source)
    return len(seen.ends), sum(end - seen.begins[at] for at, end in seen.ends.items())
