"""A report for a chat: short, and the same Markdown, byte for byte, whenever the tables say the same.

No content and no rationale is in it. What a policy, a judge or a source is called is shown as code, so that it can be
no link, image, mention, HTML or table cell.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from jobs import report_words as words
from jobs.eval_markdown import cell, code, table
from jobs.eval_words import UNKNOWN
from jobs.report_cases import CASE_KINDS
from jobs.report_record import Mix, PolicySection, Report, TrueRate
from jobs.report_rows import Change, LabelRow, RejectionRow
from jobs.report_summary import summary
from jobs.sql_output import printable

_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~@!])")
_RATES = ("policy", "flagged by the judge", "before", "change, points", "verdicts", "")
_AGREEMENT = ("labels, over all days", "labelled", "precision", "recall", "kappa")
_TRUE_RATES = ("how much violates, over all days", "flagged by the judge", "found by people", "labels are")
_CASES = 2
_ID_CHARS = 60


def report_markdown(report: Report) -> str:
    """The report as GitHub-flavoured Markdown: the summary, a table of the policies, what to look at, quality."""
    return "\n\n".join("\n".join(block) for block in _blocks(report) if block) + "\n"


def _blocks(report: Report) -> Iterable[Sequence[str]]:
    period = report.period
    yield (f"## Audit of {code(report.job)}, {words.days(period.since, period.until)}",)
    yield [f"- {_plain(each.text)}" for each in summary(report)]
    if report.changes:
        yield table(_RATES, map(_policy, report.changes))
    yield [line for policy in report.policies for line in _cases(policy)]
    yield [line for policy in report.policies if policy.rate.moved for line in _explained(policy)]
    if report.quality.labels:
        yield table(_AGREEMENT, map(_labels, report.quality.labels))
    unmatched = report.quality.unmatched_labels
    if unmatched.labels:
        yield (words.unmatched(unmatched.labels, unmatched.other_content),)
    if report.quality.true_rates:
        yield table(_TRUE_RATES, map(_true_rate, report.quality.true_rates))
    if report.quality.rejections:
        yield table(("not judged", "cases", "share"), map(_rejection, report.quality.rejections))
    yield ("Intervals are at 95 %; days are UTC.",)


def _policy(it: Change) -> Sequence[str]:
    moved = "**moved**" if it.moved else ""
    rate = _rate(it.rate, it.rate_low, it.rate_high, it.verdicts)
    before = _rate(it.rate_before, it.rate_before_low, it.rate_before_high, it.verdicts_before)
    limits = words.points_between(it.change_low, it.change_high)
    change = words.points(it.change) + (f" ({limits})" if limits else "")
    return (cell(it.policy_id), rate, before, change, words.number(it.verdicts), moved)


def _rate(value: float | None, low: float | None, high: float | None, n: int) -> str:
    if value is None:
        return UNKNOWN
    return ", ".join(filter(None, (f"{words.percent(value)} ({words.between(low, high)})", words.few(n))))


def _cases(policy: PolicySection) -> Iterable[str]:
    """The first cases of each kind, by id."""
    for kind, name in CASE_KINDS:
        ids = [code((case.item_id or "no id")[:_ID_CHARS]) for case in policy.cases if case.kind == kind]
        if ids:
            yield f"- {code(policy.policy_id)}, {name.lower()}: {', '.join(ids[:_CASES])}"


def _explained(policy: PolicySection) -> Iterable[str]:
    for event in policy.events:
        what = "version" if event.kind == "policy" else "judge"
        yield f"- {code(policy.policy_id)}: {what} {code(event.what)} from {words.moment(event.moment)} on"
    for mix in policy.mixes:
        brought = f"{words.points(mix.brought)} of {words.points(policy.rate.change)} points"
        yield f"- {code(policy.policy_id)}: the mix of {_column(mix)} brought {brought}"


def _column(mix: Mix) -> str:
    return "sources" if mix.column is None else code(mix.column)


def _labels(row: LabelRow) -> Sequence[str]:
    figures = (
        (row.precision, row.precision_low, row.precision_high),
        (row.recall, row.recall_low, row.recall_high),
        (row.kappa, row.kappa_low, row.kappa_high),
    )
    shown = (
        words.decimal(value) + (f" ({limits})" if (limits := words.decimals(low, high)) else "")
        for value, low, high in figures
    )
    return (cell(row.policy_id), words.number(row.labelled), *shown)


def _true_rate(it: TrueRate) -> Sequence[str]:
    shares = (_rate(each.value, each.low, each.high, each.n) for each in (it.flagged_share, it.labelled_share))
    return (cell(it.policy_id), *shares, "weighted" if it.weighted else "taken as drawn at random")


def _rejection(row: RejectionRow) -> Sequence[str]:
    return (cell(row.reason), words.number(row.rejected), _rate(row.share, row.low, row.high, row.cases))


def _plain(text: str) -> str:
    """The text with nothing in it that Markdown acts on."""
    return _MARKUP.sub(r"\\\1", printable(text))
