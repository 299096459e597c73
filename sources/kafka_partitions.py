"""The partitions that a consumer has: what rebalances did to them, and how far each is read."""

from __future__ import annotations

import threading
from collections.abc import Collection
from dataclasses import dataclass, field

from kafka import ConsumerRebalanceListener, KafkaConsumer, TopicPartition

from assay.contracts import Shard


@dataclass(frozen=True, slots=True)
class Wish:
    """A seek not yet carried out. `beyond_since`: when its position was first found to be after the log's end."""

    position: int | None
    beyond_since: float | None = None


@dataclass(slots=True)
class Partition:
    """One that is ours. It is read from when its wish has been carried out; `position` is the next offset."""

    shard: Shard
    wish: Wish | None = None
    position: int | None = None
    flowing: bool = False

    @property
    def read(self) -> bool:
        return self.wish is None and self.position is not None

    @property
    def wanted(self) -> bool:
        """There may be more to read of it."""
        return self.read and (self.shard.stop is None or (self.position or 0) < self.shard.stop)

    @property
    def reached(self) -> int:
        position = self.position or 0
        return position if self.shard.stop is None else min(position, self.shard.stop)

    def wish_for(self, wish: Wish) -> None:
        self.wish, self.position = wish, None


@dataclass(slots=True)
class Changes:
    """What rebalances came to: a partition lost and won again is in both, one won and lost again in neither."""

    assigned: dict[TopicPartition, None] = field(default_factory=dict)
    revoked: dict[TopicPartition, None] = field(default_factory=dict)

    def lose(self, partition: TopicPartition) -> None:
        if partition in self.assigned:
            del self.assigned[partition]
        else:
            self.revoked[partition] = None


class Listener(ConsumerRebalanceListener):  # type: ignore[misc]
    """Called on the client's own thread, while a poll waits. Notes what happened, and lets nothing flow unasked.

    A new partition is paused and given a position of no meaning, so that the client neither fetches it nor looks for an
    offset that the group committed.
    """

    def __init__(self, client: KafkaConsumer) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._changes = Changes()

    def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        with self._lock:
            for partition in sorted(assigned):
                self._client.pause(partition)
                self._client.seek(partition, 0)
                self._changes.assigned[partition] = None

    def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        with self._lock:
            for partition in sorted(revoked):
                self._changes.lose(partition)

    def take(self) -> Changes:
        """The changes since the last time."""
        with self._lock:
            changes, self._changes = self._changes, Changes()
        return changes


def partition_of(shard: Shard) -> TopicPartition:
    return TopicPartition(shard.source, int(shard.id))
