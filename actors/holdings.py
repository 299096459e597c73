"""All shards that one loop owns at present."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from actors.holding import Batch, Holding
from assay.contracts import Move, Shard, Standing
from assay.records import Outcome, Place


@dataclass(frozen=True, slots=True)
class Release:
    """One commit over all shards. No moves: nothing to commit."""

    outcomes: Sequence[Outcome]
    moves: Mapping[str, Move]
    batches: Sequence[tuple[Holding, Batch]]

    @property
    def holdings(self) -> list[Holding]:
        return [holding for holding, _ in self.batches]

    @property
    def moved(self) -> list[Holding]:
        """Shards that got further by it, or have reached their end."""
        return [holding for holding, batch in self.batches if batch.moves or holding.complete]

    def committed(self) -> None:
        """It is in the table now."""
        for holding, batch in self.batches:
            holding.committed(batch)


class Holdings:
    """Holdings by the names of their shards, and what they come to together."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, str], Holding] = {}

    def __iter__(self) -> Iterator[Holding]:
        return iter(self._held.values())

    def add(self, holding: Holding) -> None:
        self._held[holding.shard.source, holding.shard.id] = holding

    def of(self, shard: Shard) -> Holding | None:
        return self._held.get((shard.source, shard.id))

    def at(self, place: Place) -> Holding | None:
        return self._held.get((place.source, place.shard))

    def drop(self, shard: Shard) -> Holding | None:
        """The shard is not ours any more: what is under way for it comes to nothing."""
        holding = self._held.pop((shard.source, shard.id), None)
        if holding is not None:
            holding.lost = True
        return holding

    def reach(self, reached: Mapping[Shard, int]) -> None:
        """Every item of these shards before these positions was read. Of shards that are not ours nothing is noted."""
        for shard, position in reached.items():
            if holding := self.of(shard):
                holding.reach(position)

    @property
    def unsettled(self) -> int:
        """Cases that began and are not committed."""
        return sum(holding.unsettled for holding in self)

    @property
    def size(self) -> int:
        """Characters of all that was read and is not committed."""
        return sum(holding.size for holding in self)

    @property
    def care(self) -> int | None:
        """Cases that may be uncommitted at once under the strictest caution that still holds."""
        return min((holding.care.window for holding in self if holding.care), default=None)

    @property
    def standings(self) -> dict[Shard, Standing]:
        return {holding.shard: holding.standing for holding in self}

    @property
    def begins(self) -> dict[str, dict[Shard, int]]:
        """By `Policy.track`: where each shard of a stream began under that text, as far as this owner knows."""
        found: dict[str, dict[Shard, int]] = {}
        for holding in self:
            for policy, position in holding.begins.items() if holding.shard.stream else ():
                found.setdefault(policy, {})[holding.shard] = position
        return found

    def release(self) -> Release:
        """Everything that can be committed now."""
        batches = [(holding, holding.release()) for holding in self]
        outcomes = [outcome for _, batch in batches for outcome in batch.outcomes]
        return Release(outcomes, {key: move for _, batch in batches for key, move in batch.moves.items()}, batches)
