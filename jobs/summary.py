"""What a run comes to: one record for people, for machines and for the table `runs`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TypedDict

from assay.contracts import Tally
from assay.intervals import wilson
from jobs.canary_summary import CanarySummary
from sinks.counts import RunCount

_FAIR_SHARE = 0.5
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts of one run. cases = verdicts + rejected + skipped + left, under live and shadow policies alike.

    `flagged` are the violations under live policies. `shadow` verdicts are under shadow ones, `shadow_flagged` of them.

    `skipped` cases were settled by earlier runs; `left` ones are still to be judged, because the run was stopped.
    `judged` counts every case that reached the judge in this run, again after a crash included; tokens likewise.

    `reused` outcomes have the verdict of another case: `repeated` of one of this run, `recalled` of an earlier one; to
    judge them would have taken `saved_tokens`. Of known cases `audited` were judged again all the same, and `agreed`
    came to the same violation: a share that lies between `agreed_low` and `agreed_high` (95 %). `gpu_seconds` are those
    that the replicas held, `cost` what they cost, and `saved_cost` what the reused ones would have cost on top, at the
    same cost per token.
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
    reused: int = 0
    repeated: int = 0
    recalled: int = 0
    saved_tokens: int = 0
    audited: int = 0
    agreed: int = 0
    agreed_low: float | None = None
    agreed_high: float | None = None
    gpu_seconds: float = 0.0
    cost: float = 0.0
    saved_cost: float = 0.0
    shadow: int = 0
    shadow_flagged: int = 0
    canaries: CanarySummary | None = None

    @property
    def cached_share(self) -> float | None:
        """Cached tokens over the most that prefix caching could have served; None if nothing could be cached."""
        return min(1.0, self.cached_tokens / self.cacheable_tokens) if self.cacheable_tokens else None

    @property
    def warnings(self) -> list[str]:
        """What the run did that its user should know of."""
        found = [
            f"canaries failed: of policy {each.policy} {each.version}, {each.wrong} of {each.judged} examples came out "
            f"wrong: {'; '.join(map(str, each.examples[:_SHOWN]))}; don't rely on this run before you know why"
            for each in (self.canaries.policies if self.canaries else ())
            if each.failed
        ]
        share = self.cached_share
        if share is None or share >= _FAIR_SHARE:
            return found
        return [
            *found,
            f"prefix caching served {share:.0%} of the tokens it could have: the engine may have it switched off for "
            "this model, or its KV cache is too small for the policies",
        ]

    @property
    def rejected_text(self) -> str:
        """`3 (2 bad_chat, 1 too_long)`: rejections for people."""
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in sorted(self.rejected_by_reason.items()))
        return f"{self.rejected:,}" + (f" ({reasons})" if reasons else "")

    @property
    def reused_text(self) -> str:
        """`12 (10 of this run, 2 of earlier ones)`, and how reuse stood the test."""
        text = f"{self.reused:,}"
        if self.reused:
            saved = f"{self.saved_tokens:,} tokens saved"
            text += f" ({self.repeated:,} of this run, {self.recalled:,} of earlier ones; {saved})"
        if self.agreed_low is not None and self.agreed_high is not None:
            interval = f"{self.agreed_low:.1%} to {self.agreed_high:.1%}"
            text += f"; {self.audited:,} judged again, {self.agreed / self.audited:.1%} agree ({interval})"
        return text

    @property
    def shadow_text(self) -> str:
        """`120 verdicts, 12 flagged`: what shadow policies came to; "" if there was none."""
        return f"{self.shadow:,} verdicts, {self.shadow_flagged:,} flagged; nobody is told" if self.shadow else ""

    def json(self) -> str:
        return json.dumps(asdict(self) | {"cached_share": self.cached_share})


@dataclass(frozen=True, slots=True)
class Work:
    """What a run did, as its replicas counted it: for so many seconds, on GPUs at so much an hour."""

    tally: Tally
    seconds: float
    gpus: float = 0.0
    gpu_hour: float = 0.0
    canaries: CanarySummary | None = None

    def counts(self) -> WorkCounts:
        """Those fields of a summary that come from the replicas."""
        tally, gpu_seconds = self.tally, self.seconds * self.gpus
        cost = gpu_seconds / 3600 * self.gpu_hour
        read = tally.prompt_tokens + tally.output_tokens
        agreement = wilson(tally.agreed, tally.audited) if tally.audited else None
        return {
            "judged": tally.judged,
            "seconds": round(self.seconds, 3),
            "prompt_tokens": tally.prompt_tokens,
            "cached_tokens": tally.cached_tokens,
            "cacheable_tokens": tally.cacheable_tokens,
            "output_tokens": tally.output_tokens,
            "idle_seconds": round(tally.idle_seconds, 3),
            "repeated": tally.repeated,
            "recalled": tally.recalled,
            "saved_tokens": tally.saved_tokens,
            "audited": tally.audited,
            "agreed": tally.agreed,
            "agreed_low": agreement.low if agreement else None,
            "agreed_high": agreement.high if agreement else None,
            "gpu_seconds": round(gpu_seconds, 3),
            "cost": round(cost, 4),
            "saved_cost": round(cost * tally.saved_tokens / read, 4) if read else 0.0,
            "canaries": self.canaries,
        }


class WorkCounts(TypedDict):
    """See `Summary`."""

    judged: int
    seconds: float
    prompt_tokens: int
    cached_tokens: int
    cacheable_tokens: int
    output_tokens: int
    idle_seconds: float
    repeated: int
    recalled: int
    saved_tokens: int
    audited: int
    agreed: int
    agreed_low: float | None
    agreed_high: float | None
    gpu_seconds: float
    cost: float
    saved_cost: float
    canaries: CanarySummary | None


def summarise(run_id: str, state: str, items: int, cases: int, left: int, count: RunCount, work: Work) -> Summary:
    """Rows as the table has them, work as the replicas counted it."""
    return Summary(
        run_id=run_id,
        state=state,
        items=items,
        cases=cases,
        verdicts=count.verdicts,
        rejected=sum(count.rejected.values()),
        skipped=cases - left - count.outcomes,
        left=left,
        flagged=count.flagged,
        rejected_by_reason=count.rejected,
        reused=count.reused,
        shadow=count.shadow,
        shadow_flagged=count.shadow_flagged,
        **work.counts(),
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
        ("shadow", summary.shadow_text),
        ("rejected", summary.rejected_text),
        ("reused", summary.reused_text),
        ("left", f"{summary.left:,}"),
        ("canaries", summary.canaries.text if summary.canaries else ""),
        ("seconds", f"{summary.seconds:,.1f}"),
        (
            "tokens",
            f"{summary.prompt_tokens:,} in, {summary.cached_tokens:,} of them cached{share}, "
            f"{summary.output_tokens:,} out",
        ),
        (
            "cost",
            f"{summary.cost:,.2f} for {summary.gpu_seconds:,.0f} GPU seconds; reuse saved {summary.saved_cost:,.2f}",
        ),
        ("try next", f'assay sql {config} "select policy_id, count(*), avg(violation::int) from verdicts group by 1"'),
    )
    return "\n".join(
        f"{name:<10}{value}"
        for name, value in rows
        if value and (name, value) != ("left", "0") and (name != "cost" or summary.cost)
    )
