"""`assay report`: what was audited, what was found, what moved, how sure that is and what it cost."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

from assay.config import Config
from assay.config_parts import Section
from assay.errors import InputError
from jobs.report_asking import Asking, asking
from jobs.report_cases import cases_of
from jobs.report_parts import audited_of, costs_of, quality_of
from jobs.report_period import Period, period_of
from jobs.report_policies import policies_of
from jobs.report_record import Report
from jobs.report_rows import Change, VersionRow
from jobs.report_texts import words_of

_KEPT = ("tracks_by_day", "costs")
"""What more than one query of a report is made of: far fewer rows than the table has, of all of it."""


@dataclass(frozen=True, slots=True)
class ReportOptions:
    """Days are UTC and included; None: see `jobs.report_period.period_of`. `policies`: only these ids, None for all."""

    since: date | None = None
    until: date | None = None
    policies: tuple[str, ...] | None = None
    compare: bool = True
    redact: bool = False


class _Span(Section):
    first_day: date | None
    last_day: date | None
    policies: tuple[str, ...]


def report_job(config: Config, options: ReportOptions) -> Report:
    """Everything that the report says, over one snapshot of the tables.

    Raises InputError: nothing was audited yet, the period ends before it begins, no verdict or rejection is under one
    of the policies that were asked for, or the labels can't be used.
    """
    asked = list(options.policies) if options.policies is not None else None
    with asking(config.sink.path, config.labels, {"policies": asked}, "report", kept=_KEPT) as ask:
        (span,) = ask.rows("span", _Span)
        if unknown := [each for each in asked or () if each not in span.policies]:
            there = ", ".join(span.policies)
            raise InputError(f"--policy {','.join(unknown)}: nothing was decided under it; there are: {there}")
        period = period_of(span.first_day, span.last_day, options.since, options.until, compare=options.compare)
        return _report(config, options, span, period, ask.with_values(**period.model_dump()))


def render(report: Report, form: str) -> str:
    """The report as `html`, `md` or `json`."""
    if form == "json":
        return report.json()
    if form == "md":
        from jobs.report_markdown import report_markdown

        return report_markdown(report)
    from jobs.report_html import report_html

    return report_html(report)


def _report(config: Config, options: ReportOptions, span: _Span, period: Period, ask: Asking) -> Report:
    changes = ask.rows("changes", Change)
    versions = ask.rows("policies", VersionRow)
    words = words_of(ask, (each.policy_hash for each in versions))
    cases = cases_of(ask, config.source, words, redact=options.redact)
    columns = (*config.source.columns.carry, None) if period.since_before else ()
    return Report(
        job=config.name,
        made_at=datetime.now(UTC),
        first_day=span.first_day,
        last_day=span.last_day,
        period=period,
        asked_policies=options.policies,
        redacted=options.redact,
        audited=audited_of(ask, redact=options.redact),
        changes=changes,
        policies=policies_of(ask, changes, versions, words, cases, columns, redact=options.redact),
        quality=quality_of(ask, redact=options.redact),
        costs=costs_of(ask),
    )
