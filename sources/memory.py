"""Items that are already in memory: for jobs fed by a program, and for tests of what reads a source."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from assay.contracts import Grant, Shard
from assay.records import Arrival
from sources.shards import ShardSource


class MemorySource(ShardSource):
    """Delivers `arrivals`, listed per shard in order of position, for the shards that `grants` hands out.

    `done` lists the shards that were acknowledged up to their stop.
    """

    def __init__(self, grants: Iterable[Grant], arrivals: Mapping[Shard, Sequence[Arrival]]) -> None:
        claims = _Listed(iter(grants))
        super().__init__(claims, self._from)
        self.done: Sequence[Shard] = claims.settled
        self._arrivals = arrivals

    def _from(self, shard: Shard, position: int | None) -> Iterator[Arrival]:
        first = 0 if position is None else position
        return (a for a in self._arrivals[shard] if a.place.position >= first)


class _Listed:
    def __init__(self, grants: Iterator[Grant]) -> None:
        self._grants = grants
        self.settled: list[Shard] = []

    def next(self) -> Grant | None:
        return next(self._grants, None)

    def done(self, shard: Shard) -> None:
        self.settled.append(shard)
