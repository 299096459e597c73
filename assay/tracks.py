"""Settling in order what finishes out of order.

A track holds the outcomes of one shard under one policy. Cases are admitted in order of position and finish in any
order; an outcome is released for commit only when every case before it has finished, so that what is committed always
ends exactly at the position that is committed with it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from assay.contracts import Move
from assay.records import Outcome


@dataclass(frozen=True, slots=True)
class Release:
    """Outcomes that may be committed, with the move that has to be committed beside them."""

    outcomes: Sequence[Outcome]
    move: Move


class Track:
    """Positions and outcomes of one shard under one policy.

    `was` is the ledger's value (None: no entry). Cases before `floor` or in `skip` are settled elsewhere.
    """

    def __init__(self, was: int | None, floor: int, skip: frozenset[int] = frozenset()) -> None:
        self.committed = was
        self.settled = max(was or 0, floor)
        self._floor = self.settled
        self._skip = skip
        self._pending: deque[int] = deque()
        self._finished: dict[int, Outcome] = {}
        self._ready: list[Outcome] = []
        self._reached = self.settled

    def wants(self, position: int) -> bool:
        """Whether the item at this position still needs an outcome here."""
        return position >= self._floor and position not in self._skip

    def admit(self, position: int) -> None:
        """A case begins. Positions come in rising order."""
        self._pending.append(position)
        self._reached = position + 1

    def reach(self, position: int) -> None:
        """Every item before `position` has been admitted, or needs no outcome here."""
        self._reached = max(self._reached, position)
        self._settle()

    def finish(self, outcome: Outcome) -> None:
        """A case that was admitted has its outcome."""
        self._finished[outcome.item.place.position] = outcome
        self._settle()

    def _settle(self) -> None:
        while self._pending and self._pending[0] in self._finished:
            position = self._pending.popleft()
            self._ready.append(self._finished.pop(position))
            self.settled = position + 1
        if not self._pending:
            self.settled = max(self.settled, self._reached)

    @property
    def ready(self) -> int:
        """Outcomes that `release` would give now."""
        return len(self._ready)

    def release(self) -> Release | None:
        """What can be committed now, taken out of the track; None if nothing moved since the last commit."""
        if self.settled == (self.committed or 0):
            return None
        outcomes, self._ready = self._ready, []
        return Release(outcomes, Move(self.committed, self.settled))

    def commit(self, move: Move) -> None:
        """The ledger now holds this move."""
        self.committed = move.now
