"""How far a shard is under one policy, when cases finish in any order.

A track knows which cases were admitted and which have finished. Outcomes may be committed as they finish; what is
kept in order is the position: everything before it has an outcome.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from assay.records import Outcome


class Track:
    """Positions and outcomes of one shard under one policy.

    The ledger stands at `start`. `skip` are the positions from there on that have an outcome already.
    """

    def __init__(self, start: int, skip: frozenset[int] = frozenset()) -> None:
        self.start = start
        self.skip = skip
        self._pending: deque[int] = deque()
        self._finished: set[int] = set()
        self._ready: list[Outcome] = []
        self._reached = start
        self.settled = start
        """Every case before this position has finished, here or earlier."""
        self.ahead = max(skip) + 1 if skip else start
        """The position after the last case that has finished."""

    def wants(self, position: int) -> bool:
        """Whether the item at this position still needs an outcome here."""
        return position >= self.start and position not in self.skip

    def successor(self, start: int) -> Track:
        """The track of another text of the same policy, which begins at `start` and leaves out what has an outcome."""
        return Track(start, frozenset(position for position in self.skip if position >= start))

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
        position = outcome.item.place.position
        self._finished.add(position)
        self._ready.append(outcome)
        self.ahead = max(self.ahead, position + 1)
        self._settle()

    def _settle(self) -> None:
        while self._pending and self._pending[0] in self._finished:
            self._finished.discard(self._pending.popleft())
        self.settled = self._pending[0] if self._pending else self._reached

    @property
    def idle(self) -> bool:
        """Nothing is under way, and nothing waits to be committed."""
        return not self._pending and not self._ready

    @property
    def ready(self) -> Sequence[Outcome]:
        """The outcomes that finished since the last release."""
        return tuple(self._ready)

    def release(self) -> Sequence[Outcome]:
        """What is ready; from now on it is not."""
        outcomes, self._ready = self._ready, []
        return outcomes
