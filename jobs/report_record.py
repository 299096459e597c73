"""A report as one typed record: JSON is this record, Markdown and the page show it and compute nothing.

Every figure is a query's (`queries/report/*.sql`) or one of `measure/`. Rates and shares lie between 0 and 1, limits
are at 95 %, days are UTC.
"""

from __future__ import annotations

import json
from datetime import date, datetime

from assay.config_parts import Section
from jobs.report_period import Period
from jobs.report_rows import (
    ActionRow,
    CaseRow,
    Change,
    CostDay,
    CostRow,
    Event,
    JudgeRow,
    LabelRow,
    MixRow,
    Point,
    RejectionRow,
    ReuseAudit,
    RuleRow,
    RunRow,
    ScoreBin,
    SourceRow,
    Totals,
    UnmatchedLabels,
    Unsure,
    VersionRow,
)
from measure.answers import Estimate


class Audited(Section):
    """What was audited. `items` is the sum over `sources`. `unbalanced` are the runs that do not balance.

    A run that failed, was killed or stopped is in neither `unbalanced` nor `open_runs` if a later one made it up.
    """

    totals: Totals
    items: int
    sources: tuple[SourceRow, ...]
    judges: tuple[JudgeRow, ...]
    runs: tuple[RunRow, ...]

    @property
    def unbalanced(self) -> tuple[RunRow, ...]:
        return tuple(run for run in self.runs if run.balances is False and not (run.state == "failed" and run.made_up))

    @property
    def balanced(self) -> tuple[RunRow, ...]:
        return tuple(run for run in self.runs if run.balances)

    @property
    def open_runs(self) -> tuple[RunRow, ...]:
        """Runs that are under way, were stopped or killed: what they left is not judged yet."""
        return tuple(run for run in self.runs if run.balances is None and not run.made_up)


class RuleText(Section):
    """A rule as the text that judged has it; `text` is "" if that text no longer has one, or can't be read."""

    rule_id: str
    text: str


class CitedRule(RuleRow):
    """A rule with its words in the latest text that has it."""

    text: str


class Case(CaseRow):
    """A case with what a person needs to decide it.

    `content` is the beginning of what was judged, `content_cut` whether more follows; None if it is left out
    (`redacted`) or can't be had (`why_no_content`). Redacted, rationales are None too: they may quote the content.
    """

    rules: tuple[RuleText, ...]
    content: str | None
    content_cut: bool
    why_no_content: str


class Mix(Section):
    """How the mix of one carried column changed under one policy, the most frequent values first; or of its sources.

    `brought` is the part of the policy's change that comes from the mix alone. `column` is None for sources. Redacted,
    a column has no `rows`: anybody may write its values.
    """

    policy_id: str
    column: str | None
    brought: float
    rows: tuple[MixRow, ...]

    @property
    def moved(self) -> tuple[MixRow, ...]:
        """Values whose own rate moved for certain."""
        return tuple(row for row in self.rows if row.moved)


class PolicySection(Section):
    """One policy. `points` go from the beginning of the period before to the end of the period."""

    policy_id: str
    title: str
    rate: Change
    versions: tuple[VersionRow, ...]
    points: tuple[Point, ...]
    actions: tuple[ActionRow, ...]
    rules: tuple[CitedRule, ...]
    scores: tuple[ScoreBin, ...]
    events: tuple[Event, ...]
    mixes: tuple[Mix, ...]
    cases: tuple[Case, ...]


class TrueRate(Section):
    """How much really violates a policy, over all days, as far as labels tell: see docs/prevalence.md.

    `weighted`: the labels have sampling weights; without, the estimates hold if they were drawn at random. `left_out`
    labels have none where others do. `as_people_find`: there are too few misses to correct the verdicts by, so that
    `prediction_powered` is `labelled_share`.
    """

    policy_id: str
    flagged_share: Estimate
    labelled_share: Estimate
    prediction_powered: Estimate
    weighted: bool
    left_out: int
    as_people_find: bool


class Quality(Section):
    labels: tuple[LabelRow, ...]
    unmatched_labels: UnmatchedLabels
    true_rates: tuple[TrueRate, ...]
    reuse: ReuseAudit
    unsure: tuple[Unsure, ...]
    rejections: tuple[RejectionRow, ...]


class Costs(Section):
    """What it took: in all, by policy, by day. `total` is None if nothing was decided."""

    total: CostRow | None
    policies: tuple[CostRow, ...]
    days: tuple[CostDay, ...]


class Report(Section):
    """The whole report. `changes` are ranked: what moved for certain first. `policies` are in the same order.

    `asked_policies` are the ids that it was held to, None for all.
    """

    job: str
    made_at: datetime
    first_day: date | None
    last_day: date | None
    period: Period
    asked_policies: tuple[str, ...] | None
    redacted: bool
    audited: Audited
    changes: tuple[Change, ...]
    policies: tuple[PolicySection, ...]
    quality: Quality
    costs: Costs

    def json(self) -> str:  # type: ignore[override]
        """In ASCII: what others say can't act on a terminal that it is shown on."""
        return json.dumps(self.model_dump(mode="json"), indent=1) + "\n"
