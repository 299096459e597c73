"""What a run comes to: one record for people, for machines and for the table `runs`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from assay.contracts import Tally
from sinks.counts import RunCount

_FAIR_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts of one run. cases = verdicts + rejected + skipped + left.

    `skipped` cases were settled by earlier runs; `left` ones are still to be judged, because the run was stopped.
    `judged` counts every case that reached the judge in this run, again after a crash included; tokens likewise.
    """

    run_id: str
    state: str
    items: int
    cases: int
    verdicts: int
    rejected: int
    judged: int
    skipped: int
    left: int
    flagged: int
    seconds: float
    prompt_tokens: int
    cached_tokens: int
    cacheable_tokens: int
    output_tokens: int
    idle_seconds: float
    rejected_by_reason: Mapping[str, int]

    @property
    def cached_share(self) -> float | None:
        """Cached tokens over the most that prefix caching could have served; None if nothing could be cached."""
        return min(1.0, self.cached_tokens / self.cacheable_tokens) if self.cacheable_tokens else None

    @property
    def warnings(self) -> list[str]:
        """What the run did that its user should know of."""
        share = self.cached_share
        if share is None or share >= _FAIR_SHARE:
            return []
        return [
            f"prefix caching served {share:.0%} of the tokens it could have: the engine may have it switched off for "
            "this model, or its KV cache is too small for the policies"
        ]

    @property
    def rejected_text(self) -> str:
        """`3 (2 bad_chat, 1 too_long)`: rejections for people."""
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in sorted(self.rejected_by_reason.items()))
        return f"{self.rejected:,}" + (f" ({reasons})" if reasons else "")

    def json(self) -> str:
        return json.dumps(asdict(self) | {"cached_share": self.cached_share})


def summarise(
    run_id: str, state: str, items: int, cases: int, left: int, count: RunCount, tally: Tally, seconds: float
) -> Summary:
    """Rows as the table has them, work as the replicas counted it."""
    return Summary(
        run_id=run_id,
        state=state,
        items=items,
        cases=cases,
        verdicts=count.verdicts,
        rejected=sum(count.rejected.values()),
        judged=tally.judged,
        skipped=cases - left - count.outcomes,
        left=left,
        flagged=count.flagged,
        seconds=round(seconds, 3),
        prompt_tokens=tally.prompt_tokens,
        cached_tokens=tally.cached_tokens,
        cacheable_tokens=tally.cacheable_tokens,
        output_tokens=tally.output_tokens,
        idle_seconds=round(tally.idle_seconds, 3),
        rejected_by_reason=count.rejected,
    )


def lines(summary: Summary, config: str) -> str:
    """The summary for people."""
    if summary.state == "done" and summary.verdicts + summary.rejected == 0:
        return f"nothing left to judge: all {summary.cases:,} cases of {summary.items:,} items were settled before"
    share = "" if summary.cached_share is None else f" ({summary.cached_share:.0%} of what could be)"
    rows = (
        ("items", f"{summary.items:,}"),
        ("cases", f"{summary.cases:,}" + (f" ({summary.skipped:,} settled before)" if summary.skipped else "")),
        ("verdicts", f"{summary.verdicts:,}"),
        ("flagged", f"{summary.flagged:,}"),
        ("rejected", summary.rejected_text),
        ("left", f"{summary.left:,}"),
        ("seconds", f"{summary.seconds:,.1f}"),
        (
            "tokens",
            f"{summary.prompt_tokens:,} in, {summary.cached_tokens:,} of them cached{share}, "
            f"{summary.output_tokens:,} out",
        ),
        ("try next", f'assay sql {config} "select policy_id, count(*), avg(violation::int) from verdicts group by 1"'),
    )
    return "\n".join(f"{name:<10}{value}" for name, value in rows if (name, value) != ("left", "0"))
