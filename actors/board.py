"""Who works on which shard, and with how much care. Plain Python; one process asks it for the whole run."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from actors.loop import Report
from assay.contracts import Caution, Grant, Shard, Standing, Tally

_CONDEMNED_AFTER = 3


@dataclass(frozen=True, slots=True)
class Suspicion:
    """A shard on which replicas died.

    `kills`: deaths put down to the suspect so far. `alone`: cases go one at a time now. `mark`: where the shard stood
    when the suspect was alone in flight; None while any case in the region may be the one. `until`: end of the region.
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


def suspect(before: Suspicion | None, standing: Standing) -> Suspicion:
    """What to think of a shard after one more death."""
    if before is None or standing.low >= before.until:
        return Suspicion(1, False, None, standing.reached)
    if not before.alone:
        return Suspicion(2, True, None, max(before.until, standing.reached))
    same = before.mark is None or before.mark == standing.mark
    return Suspicion(before.kills + 1 if same else 1, True, standing.mark, before.until)


@dataclass
class _Worker:
    shards: dict[Shard, Standing | None] = field(default_factory=dict)
    last: Shard | None = None
    tally: Tally = field(default_factory=Tally)
    heard: float | None = None


@dataclass(frozen=True, slots=True)
class Status:
    """The run at a glance. `silent` names replicas at work that have not reported for long, with the seconds."""

    tally: Tally
    waiting: int
    working: int
    silent: Mapping[str, float]
    finished: bool


class Board:
    """Hands out shards in order; keeps neighbours with the replica that read up to them, so files are read once."""

    def __init__(self, shards: Sequence[Shard], window: int) -> None:
        self._waiting = list(shards)
        self._window = window
        self._workers: dict[str, _Worker] = {}
        self._suspicions: dict[Shard, Suspicion] = {}
        self._retired = Tally()

    def next(self, replica: str) -> Grant | Literal["wait"] | None:
        """The next shard for this replica; "wait" while others may yet give one back; None when all are settled."""
        worker = self._worker(replica)
        if not self._waiting:
            return "wait" if any(other.shards for other in self._workers.values()) else None
        shard = self._waiting.pop(self._choose(worker.last))
        worker.shards[shard] = None
        worker.last = shard
        suspicion = self._suspicions.get(shard)
        return Grant(shard, suspicion.caution(self._window) if suspicion else None)

    def _choose(self, last: Shard | None) -> int:
        """The successor of the last shard if it waits; otherwise the middle of the longest stretch, or the first."""
        for index, shard in enumerate(self._waiting):
            if last is not None and shard.source == last.source and shard.id.startswith(f"{last.stop}-"):
                return index
        busy = any(worker.shards for worker in self._workers.values())
        return len(self._waiting) // 2 if busy else 0

    def done(self, replica: str, shard: Shard) -> None:
        """Every case of the shard is committed."""
        self._worker(replica).shards.pop(shard, None)

    def report(self, replica: str, report: Report) -> None:
        worker = self._worker(replica)
        worker.tally, worker.heard = report.tally, time.monotonic()
        for shard, standing in report.standings.items():
            if shard in worker.shards:
                worker.shards[shard] = standing

    def ended(self, replica: str, *, suspicious: bool) -> None:
        """The replica's loop is over, well or not. Its shards go back to the front; `suspicious`: a case may be why."""
        worker = self._workers.pop(replica, None)
        if worker is None:
            return
        self._retired += worker.tally
        for shard, standing in worker.shards.items():
            if suspicious:
                known = standing or Standing(0, 0, 0)
                self._suspicions[shard] = suspect(self._suspicions.get(shard), known)
            self._waiting.insert(0, shard)

    def status(self) -> Status:
        now = time.monotonic()
        working = {name: worker for name, worker in self._workers.items() if worker.shards}
        return Status(
            tally=sum((worker.tally for worker in self._workers.values()), self._retired),
            waiting=len(self._waiting),
            working=sum(len(worker.shards) for worker in working.values()),
            silent={name: now - worker.heard for name, worker in working.items() if worker.heard is not None},
            finished=not self._waiting and not working,
        )

    def _worker(self, replica: str) -> _Worker:
        return self._workers.setdefault(replica, _Worker())
