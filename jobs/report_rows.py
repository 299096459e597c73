"""What the queries of a report answer: a record for each file in `queries/report/`, its fields the query's columns.

Rates and shares lie between 0 and 1, limits are at 95 %. What each field means says the head of its query.
"""

from __future__ import annotations

from datetime import date, datetime

from assay.config_parts import Section


class Totals(Section):
    cases: int
    verdicts: int
    flagged: int
    rejected: int
    policies: int
    first_judged: datetime | None
    last_judged: datetime | None
    shadow: int


class SourceRow(Section):
    source: str
    items: int
    cases: int
    rejected: int


class JudgeRow(Section):
    judge: str
    judge_revision: str
    settings: int
    cases: int


class RunRow(Section):
    """`balances` is None of a run that has not ended or was stopped. `made_up`: a later one of its job ended well."""

    run_id: str
    job: str
    state: str
    started_at: datetime
    ended_at: datetime | None
    cases: int
    verdicts: int
    rejected: int
    skipped: int
    left_open: int | None
    in_table: int
    message: str
    balances: bool | None
    made_up: bool


class VersionRow(Section):
    """One text of a policy. `rate` is None without a verdict."""

    policy_id: str
    policy_version: str
    policy_hash: str
    verdicts: int
    flagged: int
    rejected: int
    rate: float | None
    low: float
    high: float
    first_judged: datetime
    last_judged: datetime


class PolicyText(Section):
    hash: str
    text: str


class Change(Section):
    """One policy's rate, before and in the period. What a period without verdicts can't tell is None."""

    policy_id: str
    verdicts_before: int
    flagged_before: int
    rate_before: float | None
    rate_before_low: float | None
    rate_before_high: float | None
    verdicts: int
    flagged: int
    rate: float | None
    rate_low: float | None
    rate_high: float | None
    change: float | None
    change_low: float | None
    change_high: float | None
    p: float | None
    p_holm: float | None
    moved: bool


class Point(Section):
    policy_id: str
    is_now: bool
    bucket: datetime
    verdicts: int
    flagged: int
    rate: float
    low: float
    high: float


class ActionRow(Section):
    policy_id: str
    severity: int
    action: str
    verdicts: int
    flagged: int
    share: float
    low: float
    high: float


class RuleRow(Section):
    policy_id: str
    rule_id: str
    cited: int
    alone: int
    together: int
    flagged: int
    share: float
    low: float
    high: float


class ScoreBin(Section):
    policy_id: str
    bin_low: float
    bin_high: float
    verdicts: int
    flagged: int


class Unsure(Section):
    policy_id: str
    verdicts: int
    low_confidence: int
    escalated: int
    unsure: int
    share: float
    low: float
    high: float


class RejectionRow(Section):
    stage: str
    reason: str
    rejected: int
    items: int
    policies: int
    cases: int
    share: float
    low: float
    high: float
    item_id: str | None
    policy_id: str
    detail: str | None
    source: str
    position: int


class CaseRow(Section):
    """One case to look at. `kind` is risk, unsure or differs; only the last has an earlier verdict (`before_...`)."""

    kind: str
    rank: int
    copies: int
    policy_id: str
    policy_version: str
    policy_hash: str
    item_id: str | None
    item_time: datetime | None
    rule_ids: tuple[str, ...]
    severity: int
    action: str
    confidence: str | None
    score: float | None
    violation: bool
    rationale: str | None
    judge: str
    judged_at: datetime
    source: str
    shard: str
    position: int
    content_hash: str | None
    before_version: str | None = None
    before_judge: str | None = None
    before_violation: bool | None = None
    before_rule_ids: tuple[str, ...] | None = None
    before_score: float | None = None
    before_rationale: str | None = None


class Event(Section):
    """A change that could move a rate. `kind` is policy or judge."""

    policy_id: str
    kind: str
    what: str
    moment: datetime
    bucket: datetime


class MixRow(Section):
    """One value of a carried column, "" where an item has none; or one source. None is all rarer values together."""

    policy_id: str
    value: str | None
    verdicts_before: int
    share_before: float
    rate_before: float | None
    verdicts: int
    share: float
    rate: float | None
    change: float | None
    change_low: float | None
    change_high: float | None
    p_holm: float | None
    moved: bool
    brought: float
    brought_by_mix: float


class LabelRow(Section):
    policy_id: str
    labelled: int
    tp: int
    fp: int
    fn: int
    tn: int
    rejected: int
    precision: float | None
    precision_low: float | None
    precision_high: float | None
    recall: float | None
    recall_low: float | None
    recall_high: float | None
    kappa: float | None
    kappa_low: float | None
    kappa_high: float | None


class UnmatchedLabels(Section):
    """Labels that count for nothing. `other_content`: those of them whose item has another content by now."""

    labels: int
    other_content: int


class ReuseAudit(Section):
    audited: int
    agreed: int
    share: float | None
    low: float | None
    high: float | None


class CostRow(Section):
    """What one policy took, or, without a policy id, all of them."""

    policy_id: str | None
    cases: int
    judged: int
    reused: int
    prompt_tokens: int
    cached_tokens: int
    output_tokens: int
    gpu_hours: float | None
    cost: float | None
    saved_tokens: int
    saved_cost: float | None


class CostDay(Section):
    day: date
    prompt_tokens: int
    cached_tokens: int
    output_tokens: int
    cost: float | None
