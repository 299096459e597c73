"""What a loop counts while it runs, and what it reports."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from assay.contracts import News, Shard, Standing, Tally, wait_bucket
from assay.records import Mode, Outcome, Rejection, Stage, Verdict


@dataclass(frozen=True, slots=True)
class Report:
    """What a loop tells whoever watches it: counts so far, how far it is with each shard, and all its news.

    `begins`, by `Policy.track`: where each shard that it holds of a stream began under that text.
    """

    tally: Tally
    standings: Mapping[Shard, Standing]
    news: tuple[News, ...] = ()
    begins: Mapping[str, Mapping[Shard, int]] = field(default_factory=dict)


class Counts:
    """Running counts of one loop. Items and judged cases count at once; everything else when it is committed."""

    def __init__(self) -> None:
        self.items = self.judged = 0
        self._verdicts = self._flagged = 0
        self._rejected: Counter[str] = Counter()
        self._prompt = self._cached = self._cacheable = self._output = 0
        self._waits: Counter[int] = Counter()
        self._repeated = self._recalled = self._saved = self._audited = self._agreed = 0
        self._idle_seconds = 0.0
        self._idle_since: float | None = time.monotonic()

    def committed(self, outcomes: Sequence[Outcome]) -> None:
        now = time.time()
        for outcome in outcomes:
            judgement = outcome.judgement
            if isinstance(judgement.result, Verdict):
                self._verdicts += 1
                self._flagged += judgement.result.violation and outcome.policy.mode is Mode.LIVE
            else:
                self._rejected[judgement.result.reason] += 1
            self._prompt += judgement.prompt_tokens
            self._cached += judgement.cached_tokens
            self._cacheable += judgement.cacheable_tokens
            self._output += judgement.output_tokens
            if outcome.stage is Stage.REUSED:
                self._reused(outcome)
            if outcome.item.time is not None:
                self._waits[wait_bucket(now - outcome.item.time.timestamp())] += 1

    def _reused(self, outcome: Outcome) -> None:
        assert outcome.origin is not None
        self._repeated += outcome.origin.run_id == outcome.run_id
        self._recalled += outcome.origin.run_id != outcome.run_id
        self._saved += outcome.origin.prompt_tokens + outcome.origin.output_tokens

    def audited(self, before: Verdict | Rejection, now: Verdict | Rejection) -> None:
        """A known case was judged again."""
        self._audited += 1
        self._agreed += _violation(before) == _violation(now)

    def idle(self, is_idle: bool) -> None:
        """The judge has, or has not, nothing to do although items wait."""
        if is_idle == (self._idle_since is not None):
            return
        now = time.monotonic()
        if self._idle_since is not None:
            self._idle_seconds += now - self._idle_since
        self._idle_since = now if is_idle else None

    def tally(self) -> Tally:
        idling = time.monotonic() - self._idle_since if self._idle_since is not None else 0.0
        return Tally(
            items=self.items,
            judged=self.judged,
            verdicts=self._verdicts,
            flagged=self._flagged,
            rejected=dict(self._rejected),
            prompt_tokens=self._prompt,
            cached_tokens=self._cached,
            cacheable_tokens=self._cacheable,
            output_tokens=self._output,
            idle_seconds=self._idle_seconds + idling,
            repeated=self._repeated,
            recalled=self._recalled,
            saved_tokens=self._saved,
            audited=self._audited,
            agreed=self._agreed,
            waits=dict(self._waits),
        )


def _violation(result: Verdict | Rejection) -> bool | None:
    return result.violation if isinstance(result, Verdict) else None
