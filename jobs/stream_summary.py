"""What a run of a stream comes to."""

from __future__ import annotations

from dataclasses import dataclass

from jobs.summary import Summary, Work
from sinks.counts import RunCount


@dataclass(frozen=True, slots=True)
class PartitionSummary:
    """How far one partition got: from offset `began` to `position` (None: nothing settled), and what is left then.

    `lag` is in offsets; some may hold no item. `items` were settled in between, by this run or others beside it.
    """

    topic: str
    partition: int
    began: int | None
    position: int | None
    items: int
    lag: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSummary(Summary):
    """Counts of one run of a stream. `items` and `cases` are those settled; nothing is `skipped` or `left`.

    `p50_seconds` and `p99_seconds` go from an item's time to its row in the table. `resubscribed`: how often a consumer
    that had gone silent was made to join anew.
    """

    partitions: tuple[PartitionSummary, ...]
    resubscribed: int
    p50_seconds: float | None
    p99_seconds: float | None


def summarise_stream(
    run_id: str, state: str, partitions: tuple[PartitionSummary, ...], count: RunCount, work: Work, resubscribed: int
) -> StreamSummary:
    """Rows as the table has them, work as the replicas counted it."""
    return StreamSummary(
        run_id=run_id,
        state=state,
        items=sum(partition.items for partition in partitions),
        cases=count.outcomes,
        verdicts=count.verdicts,
        rejected=sum(count.rejected.values()),
        skipped=0,
        left=0,
        flagged=count.flagged,
        rejected_by_reason=count.rejected,
        reused=count.reused,
        shadow=count.shadow,
        shadow_flagged=count.shadow_flagged,
        partitions=partitions,
        resubscribed=resubscribed,
        p50_seconds=_rounded(work.tally.wait(0.5)),
        p99_seconds=_rounded(work.tally.wait(0.99)),
        **work.counts(),
    )


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)


def stream_lines(summary: StreamSummary, config: str) -> str:
    """The summary for people."""
    wait = "-"
    if summary.p50_seconds is not None and summary.p99_seconds is not None:
        wait = f"p50 {summary.p50_seconds:,.2f} s, p99 {summary.p99_seconds:,.2f} s from the item's time to the table"
    rows = [
        ("items", f"{summary.items:,}"),
        ("verdicts", f"{summary.verdicts:,}"),
        ("flagged", f"{summary.flagged:,}"),
        *((("shadow", summary.shadow_text),) if summary.shadow else ()),
        ("rejected", summary.rejected_text),
        ("reused", summary.reused_text),
        ("lag", f"{sum(partition.lag for partition in summary.partitions):,}"),
        ("wait", wait),
        *((("canaries", summary.canaries.text),) if summary.canaries else ()),
        ("seconds", f"{summary.seconds:,.1f}"),
    ]
    rows += [
        (f"{each.topic}/{each.partition}", f"offset {each.began or 0:,} to {each.position or 0:,}, lag {each.lag:,}")
        for each in summary.partitions
    ]
    rows.append(("try next", f'assay sql {config} "select policy_id, action, count(*) from verdicts group by all"'))
    return "\n".join(f"{name:<10} {value}" for name, value in rows)
