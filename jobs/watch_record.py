"""What a live view shows: the rows of `queries/watch/`, which say what they mean, and when the table was read."""

from __future__ import annotations

from datetime import datetime

from assay.config_parts import Section


class RunNow(Section):
    """The latest run of the job. What is counted of it is known when it has ended."""

    run_id: str
    state: str
    started_at: datetime
    ended_at: datetime | None
    items: int | None
    cases: int | None
    skipped: int | None
    cost: float | None
    message: str | None


class PolicyNow(Section):
    policy_id: str
    mode: str
    verdicts: int
    flagged: int
    share: float | None
    low: float | None
    high: float | None
    unsure: int
    unsure_share: float | None


class ActionNow(Section):
    action: str
    verdicts: int


class Figures(Section):
    items: int
    settled: int
    verdicts: int
    rejected: int
    judged: int
    reused: int
    per_second_lately: float | None
    per_second: float | None
    prompt_tokens: int
    cached_tokens: int
    output_tokens: int
    policies: tuple[PolicyNow, ...]
    actions: tuple[ActionNow, ...]


class RejectionNow(Section):
    stage: str
    reason: str
    rejected: int
    last_judged: datetime
    item_id: str | None
    policy_id: str


class PartitionNow(Section):
    source: str
    shard: str
    cases: int
    next_offset: int
    newest_item: datetime | None
    last_judged: datetime


class Delay(Section):
    cases: int
    p50_seconds: float | None
    p99_seconds: float | None


class RunFigures(Section):
    """One run and what it has come to. `partitions` and `delay` are of streams only."""

    run: RunNow
    figures: Figures
    rejections: tuple[RejectionNow, ...]
    partitions: tuple[PartitionNow, ...] = ()
    delay: Delay | None = None


class Watched(Section):
    """A table as it stood at `read_at`. `committed_at`: when something was last committed, if its log says so.

    `of_run` is None before the job's first run.
    """

    job: str
    read_at: datetime
    committed_at: datetime | None
    of_run: RunFigures | None
