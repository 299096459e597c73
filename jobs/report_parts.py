"""The parts of a report that are not about one policy."""

from __future__ import annotations

from jobs.labelled_rates import PolicyRates
from jobs.report_asking import Asking
from jobs.report_record import Audited, Costs, Quality, TrueRate
from jobs.report_rows import (
    CostDay,
    CostRow,
    JudgeRow,
    LabelRow,
    RejectionRow,
    ReuseAudit,
    RunRow,
    SourceRow,
    Totals,
    UnmatchedLabels,
    Unsure,
)


def audited_of(ask: Asking, *, redact: bool) -> Audited:
    """What was audited, by whom, and whether it balances. Redacted, what runs failed of is left out: it may quote."""
    (totals,) = ask.rows("totals", Totals)
    sources = ask.rows("sources", SourceRow)
    runs = ask.rows("runs", RunRow)
    if redact:
        runs = tuple(row.model_copy(update={"message": ""}) for row in runs)
    return Audited(
        totals=totals,
        items=sum(each.items for each in sources),
        sources=sources,
        judges=ask.rows("judges", JudgeRow),
        runs=runs,
    )


def quality_of(ask: Asking, *, redact: bool) -> Quality:
    """How far the verdicts can be trusted. Redacted, details of rejections are left out: they may quote the content."""
    (reuse,) = ask.rows("reuse", ReuseAudit)
    (unmatched,) = ask.rows("unmatched_labels", UnmatchedLabels)
    labels = ask.rows("labels", LabelRow)
    wanted = {row.policy_id for row in labels}
    rejections = ask.rows("rejections", RejectionRow)
    if redact:
        rejections = tuple(row.model_copy(update={"detail": None}) for row in rejections)
    return Quality(
        labels=labels,
        unmatched_labels=unmatched,
        true_rates=tuple(_true_rate(each) for each in ask.labelled_rates() if each.policy_id in wanted),
        reuse=reuse,
        unsure=ask.rows("unsure", Unsure),
        rejections=rejections,
    )


def costs_of(ask: Asking) -> Costs:
    """What it took."""
    rows = ask.rows("costs", CostRow)
    policies = tuple(row for row in rows if row.policy_id is not None)
    total = next((row for row in rows if row.policy_id is None), None) if policies else None
    return Costs(total=total, policies=policies, days=ask.rows("cost_series", CostDay))


def _true_rate(found: PolicyRates) -> TrueRate:
    rates = found.rates
    return TrueRate(
        policy_id=found.policy_id,
        flagged_share=rates.raw,
        labelled_share=rates.labelled,
        prediction_powered=rates.powered,
        weighted=found.weighted,
        left_out=found.left_out,
        as_people_find=rates.powered_as_labelled,
    )
