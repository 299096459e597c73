"""What `assay check` finds in policies, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from authoring.lint_records import Finding, Severity
from jobs.sql_output import printable


@dataclass(frozen=True, slots=True)
class FindingRow:
    """A finding as it is printed. `path` is relative to the working directory where it lies below it."""

    code: str
    name: str
    severity: str
    path: str
    line: int
    message: str
    why: str
    way_out: str
    silenced: str


def finding_row(finding: Finding) -> FindingRow:
    return FindingRow(
        code=finding.code,
        name=finding.lint.name,
        severity=finding.severity.value,
        path=near(finding.path),
        line=finding.line,
        message=finding.message,
        why=finding.lint.why,
        way_out=finding.lint.way_out,
        silenced=finding.silenced,
    )


def near(path: str) -> str:
    """From the working directory, if it lies there."""
    here, whole = Path.cwd(), Path(path).absolute()
    return whole.relative_to(here).as_posix() if whole.is_relative_to(here) else path


def fails(findings: Sequence[Finding]) -> bool:
    """Whether `--strict` ends with exit code 1: an error or a warning that nobody silenced."""
    return any(not each.silenced and each.severity is not Severity.NOTE for each in findings)


def finding_lines(findings: Sequence[Finding]) -> str:
    """Each that is not silenced on a line; at the first of each code, why it matters and the way out."""
    return "\n".join(printable(line) for line in (*_each(findings), _count(findings)))


def _each(findings: Sequence[Finding]) -> Iterator[str]:
    explained: set[str] = set()
    for finding in findings:
        if finding.silenced:
            continue
        row = finding_row(finding)
        yield f"{row.path}:{row.line}: {row.severity} {row.code} {row.name}: {row.message}"
        if row.code not in explained:
            explained.add(row.code)
            yield f"    why      {row.why}"
            yield f"    way out  {row.way_out}"


def _count(findings: Sequence[Finding]) -> str:
    open_ = [each.severity for each in findings if not each.silenced]
    counts = [f"{count} {each.value}{'s' * (count > 1)}" for each in Severity if (count := open_.count(each))]
    silenced = len(findings) - len(open_)
    return ", ".join([*(counts or ["no findings"]), *([f"{silenced} silenced"] if silenced else [])])
