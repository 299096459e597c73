"""Who works on which shard, and with how much care. Plain Python; one process asks it for the whole run."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from actors.counts import Report
from assay.canaries import CanaryCheck
from assay.contracts import Caution, Grant, News, NewsKind, Shard, Standing, Tally
from assay.policy import Policy

_CONDEMNED_AFTER = 3


@dataclass(frozen=True, slots=True)
class Suspicion:
    """A shard that had cases in flight when replicas died.

    `alone`: cases go one at a time now. `kills`: deaths put down to the suspect. `mark`: where the shard stood when the
    suspect was alone in flight; None while any case of the region may be the one. `until`: end of the region.
    """

    kills: int
    alone: bool
    mark: int | None
    until: int

    def caution(self, window: int) -> Caution:
        """Care for the next attempt: √window at a time, then one, then none at all for the suspect."""
        if not self.alone:
            return Caution(max(1, math.isqrt(window)), self.until)
        return Caution(1, self.until, condemn=self.kills >= _CONDEMNED_AFTER)


def suspect(before: Suspicion | None, standing: Standing, *, engine: bool) -> Suspicion:
    """What to think of a shard after one more death.

    A death of the engine counts against the cases in flight. A death of the whole process may have any cause, so it
    counts only against a case that was alone in flight.
    """
    if before is None or standing.low >= before.until:
        return Suspicion(int(engine), False, None, standing.reached)
    if not before.alone:
        return Suspicion(before.kills + int(engine), True, None, max(before.until, standing.reached))
    same = before.mark is None or before.mark == standing.mark
    return Suspicion(before.kills + 1 if same else 1, True, standing.mark, before.until)


@dataclass
class _Worker:
    shards: dict[Shard, Standing | None] = field(default_factory=dict)
    last: Shard | None = None
    tally: Tally = field(default_factory=Tally)
    heard: float = field(default_factory=time.monotonic)
    moved: float = field(default_factory=time.monotonic)


@dataclass
class _Renewal:
    """A policy's new text, and the shards of which it was told where they began under it."""

    policy: Policy
    begun: set[Shard] = field(default_factory=set)

    def news(self, begins: Mapping[Shard, int]) -> list[News]:
        fresh = {shard: at for shard, at in begins.items() if shard not in self.begun}
        self.begun |= fresh.keys()
        places = ", ".join(f"{shard.source}/{shard.id} at {at}" for shard, at in fresh.items())
        policy = self.policy
        text = f"policy {policy.name}: version {policy.version} ({policy.hash[:12]}) begins: {places}"
        return [News(NewsKind.POLICY, text)] if fresh else []


@dataclass(frozen=True, slots=True)
class Status:
    """The run at a glance: seconds since each replica at work was heard of, and since it last got anywhere.

    `news` is what came in since the last status; `canaries`, of a run that is over, all that were judged.
    """

    tally: Tally
    heard: Mapping[str, float]
    moved: Mapping[str, float]
    finished: bool
    news: tuple[News, ...] = ()
    canaries: tuple[CanaryCheck, ...] = ()


class Death(StrEnum):
    """How a replica's loop ended, as far as its cases are concerned."""

    NONE = "none"
    PROCESS = "process"
    ENGINE = "engine"


class Board:
    """Hands out shards in order; keeps neighbours with the replica that read up to them, so files are read once.

    The shards of a stream are handed out by the stream's own broker; the board is told of it (`adopt`).
    """

    def __init__(self, shards: Sequence[Shard], window: int) -> None:
        self._waiting = list(shards)
        self._window = window
        self._workers: dict[str, _Worker] = {}
        self._suspicions: dict[Shard, Suspicion] = {}
        self._retired = Tally()
        self._news: list[News] = []
        self._told: dict[str, int] = {}
        self._renewed: dict[str, _Renewal] = {}

    def next(self, replica: str) -> Grant | Literal["wait"] | None:
        """The next shard for this replica; "wait" while others may yet give one back; None when all are settled."""
        worker = self._workers.setdefault(replica, _Worker())
        worker.heard = time.monotonic()
        if not self._waiting:
            return "wait" if any(other.shards for other in self._workers.values()) else None
        shard = self._waiting.pop(self._choose(worker.last))
        worker.shards[shard] = None
        worker.last = shard
        suspicion = self._suspicions.get(shard)
        return Grant(shard, suspicion.caution(self._window) if suspicion else None)

    def adopt(self, replica: str, shard: Shard) -> Caution | None:
        """A stream's broker gave this replica the shard, whoever had it before. How much care it needs."""
        for worker in self._workers.values():
            worker.shards.pop(shard, None)
        worker = self._workers.setdefault(replica, _Worker())
        worker.heard = time.monotonic()
        worker.shards[shard] = None
        suspicion = self._suspicions.get(shard)
        return suspicion.caution(self._window) if suspicion else None

    def _choose(self, last: Shard | None) -> int:
        """The successor of the last shard if it waits; otherwise the middle of the longest stretch, or the first."""
        for index, shard in enumerate(self._waiting):
            if last is not None and shard.source == last.source and shard.id.startswith(f"{last.stop}-"):
                return index
        busy = any(worker.shards for worker in self._workers.values())
        return len(self._waiting) // 2 if busy else 0

    def done(self, replica: str, shard: Shard) -> None:
        """Every case of the shard is committed."""
        if worker := self._workers.get(replica):
            worker.shards.pop(shard, None)

    def renew(self, former: Sequence[Policy], policies: Sequence[Policy]) -> None:
        """Replicas take in changed texts. Where each shard begins under one is news, once, whoever has the shard."""
        for old, new in zip(former, policies, strict=True):
            if old.track != new.track:
                self._renewed.pop(old.track, None)
                self._renewed[new.track] = _Renewal(new)

    def report(self, replica: str, report: Report) -> None:
        """What a replica says of itself. Of one that has no shard, or was given up, only the news count."""
        told = self._told.get(replica, 0)
        self._news += report.news[told if told <= len(report.news) else 0 :]
        self._told[replica] = len(report.news)
        for policy, renewal in self._renewed.items():
            self._news += renewal.news(report.begins.get(policy, {}))
        worker = self._workers.get(replica)
        if worker is None:
            return
        worker.heard = time.monotonic()
        if report.tally.judged > worker.tally.judged or not any(each.flying for each in report.standings.values()):
            worker.moved = worker.heard
        if report.tally.settled >= worker.tally.settled:
            worker.tally = report.tally
        for shard in [s for s, known in worker.shards.items() if s.stream and known and s not in report.standings]:
            del worker.shards[shard]
        for shard, standing in report.standings.items():
            known = worker.shards.get(shard)
            if shard in worker.shards and (known is None or standing.mark >= known.mark):
                worker.shards[shard] = standing

    def note(self, news: News) -> None:
        """Something that a replica has to say before it has a loop."""
        self._news.append(news)

    def ended(self, replica: str, death: Death) -> None:
        """The replica's loop is over, well or not. Its shards go back to the front."""
        worker = self._workers.pop(replica, None)
        if worker is None:
            return
        self._retired += worker.tally
        for shard, standing in worker.shards.items():
            if death is not Death.NONE and standing is not None and standing.flying:
                engine = death is Death.ENGINE
                self._suspicions[shard] = suspect(self._suspicions.get(shard), standing, engine=engine)
            if not shard.stream:
                self._waiting.insert(0, shard)

    def status(self) -> Status:
        now = time.monotonic()
        news, self._news = tuple(self._news), []
        working = {name: worker for name, worker in self._workers.items() if worker.shards}
        return Status(
            tally=sum((worker.tally for worker in self._workers.values()), self._retired),
            heard={name: now - worker.heard for name, worker in working.items()},
            moved={name: now - worker.moved for name, worker in working.items()},
            finished=not self._waiting and not working,
            news=news,
        )
