"""What a report says in plain words, at its top: the same sentences on the page and in Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from jobs.eval_words import excerpt
from jobs.report_record import Report
from jobs.report_rows import Change
from jobs.report_words import base, between, counted, days, few, hours, money, percent, points, points_between
from measure.answers import Estimate

_NAMED = 3
_JUDGE_CHARS = 60


@dataclass(frozen=True, slots=True)
class Sentence:
    """One thing to know. `tone` is plain, good, bad or moved."""

    text: str
    tone: str = "plain"


def summary(report: Report) -> Sequence[Sentence]:
    """The first things to know, the most important first."""
    if not report.audited.totals.cases:
        return _nothing(report)
    return (_audited(report), *_conserved(report), *_contradicted(report), *_moved(report), *_cost(report))


def _nothing(report: Report) -> Sequence[Sentence]:
    if report.first_day is None or report.last_day is None:
        return (Sentence("No verdicts yet: nothing has been decided so far."),)
    there = days(report.first_day, report.last_day)
    return (Sentence(f"No verdicts in this period. The table has outcomes of {there}."),)


def _audited(report: Report) -> Sentence:
    it, totals = report.audited, report.audited.totals
    judges = ", ".join(dict.fromkeys(excerpt(base(each.judge), _JUDGE_CHARS) for each in it.judges))
    return Sentence(
        f"{counted(it.items, 'item')} from {counted(len(it.sources), 'source')} came under "
        f"{counted(totals.policies, 'policy', 'policies')}, judged by {judges}: {counted(totals.verdicts, 'verdict')}, "
        f"{totals.flagged:,} of them {'a violation' if totals.flagged == 1 else 'violations'}, and "
        f"{counted(totals.rejected, 'rejection') if totals.rejected else 'no rejections'}."
    )


def _conserved(report: Report) -> Iterator[Sentence]:
    it = report.audited
    if it.unbalanced:
        wrong = f"{len(it.unbalanced):,} of {counted(len(it.runs), 'run')}"
        yield Sentence(f"{wrong} failed or lost something: what this report says is not all.", "bad")
    elif it.runs and not it.open_runs:
        yield Sentence("What went in came out: every case of every run has its one outcome in the table.", "good")
    if it.open_runs:
        came = "has" if len(it.open_runs) == 1 else "have"
        yield Sentence(
            f"{counted(len(it.open_runs), 'run')} {came} not come to an end: some items may not be judged yet."
        )


def _contradicted(report: Report) -> Iterator[Sentence]:
    """Where what people find is surely not what the judge flags."""
    for it in report.quality.true_rates:
        flags, finds = it.flagged_share, it.labelled_share
        if not (flags.known and finds.known) or not _apart(flags, finds):
            continue
        drawn = "" if it.weighted else ", if their labels were drawn at random"
        yield Sentence(
            f"Over all days the judge flags {percent(flags.value)} under {it.policy_id}; people find "
            f"{percent(finds.value)} ({between(finds.low, finds.high)}){drawn}. See Quality.",
            "bad" if it.weighted else "plain",
        )


def _apart(one: Estimate, other: Estimate) -> bool:
    return max(one.low or 0, other.low or 0) > min(one.high or 0, other.high or 0)


def _moved(report: Report) -> Iterator[Sentence]:
    period = report.period
    if period.since_before is None or period.until_before is None:
        return
    before = days(period.since_before, period.until_before)
    compared = [each for each in report.changes if each.change is not None]
    moved = [each for each in compared if each.moved]
    if not compared:
        yield Sentence(f"There is nothing to compare with: no verdicts from {before}.")
    elif not moved:
        yield Sentence(f"No policy's rate moved beyond what chance explains, against {before}.", "good")
    for each in moved[:_NAMED]:
        yield Sentence(_change(each), "moved")
    if len(moved) > _NAMED:
        yield Sentence(f"{len(moved) - _NAMED} more moved: see What moved.", "moved")


def _change(it: Change) -> str:
    way = "rose" if (it.change or 0) > 0 else "fell"
    n = few(min(it.verdicts, it.verdicts_before))
    limits = "; ".join(filter(None, (points_between(it.change_low, it.change_high), n)))
    return (
        f"Violations under {it.policy_id} {way} from {percent(it.rate_before)} to {percent(it.rate)}: "
        f"{points(it.change)} percentage points ({limits}), more than chance explains."
    )


def _cost(report: Report) -> Iterator[Sentence]:
    total = report.costs.total
    if total is None or total.gpu_hours is None:
        return
    text = f"It took {hours(total.gpu_hours)} GPU hours"
    if total.cost:
        text += f" and cost {money(total.cost)}; reuse saved {money(total.saved_cost)}"
    yield Sentence(f"{text}.") if total.gpu_hours else Sentence("It took no GPU time.")
