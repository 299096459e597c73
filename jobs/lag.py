"""How far a stream is behind its topics, measured beside the run: ends from the broker, positions from the table."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from assay.config import KafkaConfig
from assay.contracts import Shard
from assay.errors import AssayError
from jobs.stream_marks import shards_of
from sources.kafka_client import Survey
from sources.kafka_watch import Watch

_EVERY_SECONDS = 2.0

Positions = Callable[[Sequence[Shard]], Mapping[Shard, int | None]]


@dataclass(frozen=True, slots=True)
class Lag:
    """Offsets between each partition's position and its end, and seconds since the positions last moved."""

    partitions: Mapping[Shard, int]
    commit_age: float

    def text(self) -> str:
        """`lag 120 (events/0 100, events/1 20), last commit 0.4 s ago`; partitions without lag are left out."""
        behind = [f"{shard.source}/{shard.id} {lag:,}" for shard, lag in self.partitions.items() if lag]
        where = f" ({', '.join(behind)})" if behind else ""
        return f"lag {sum(self.partitions.values()):,}{where}, last commit {self.commit_age:,.1f} s ago"


def lag_of(seen: Survey, shard: Shard, position: int | None) -> int:
    """How many offsets of a partition are left; without a position all that it has."""
    one = shard.source, int(shard.id)
    return max(0, seen.ends[one] - (seen.begins[one] if position is None else position))


class LagGauge:
    """The latest measurement and what the broker said then; None before the first. Old while the broker is away."""

    def __init__(self) -> None:
        self.latest: Lag | None = None
        self.seen: Survey | None = None
        self._positions: Mapping[Shard, int | None] = {}
        self._moved = time.monotonic()

    def measure(self, seen: Survey, positions: Mapping[Shard, int | None]) -> None:
        if positions != self._positions:
            self._positions, self._moved = positions, time.monotonic()
        lags = {shard: lag_of(seen, shard, position) for shard, position in positions.items()}
        self.seen, self.latest = seen, Lag(lags, time.monotonic() - self._moved)


@contextmanager
def lag_gauge(config: KafkaConfig, positions: Positions) -> Iterator[LagGauge]:
    """Measures every two seconds in a thread, and once more when the block ends: then with the partitions of then."""
    gauge, over = LagGauge(), threading.Event()
    watch = Watch(config)

    def measure(*, anew: bool) -> None:
        with suppress(AssayError):
            seen = watch.look(anew=anew)
            gauge.measure(seen, positions(shards_of(seen, None)))

    def go_on() -> None:
        while not over.wait(_EVERY_SECONDS):
            measure(anew=False)
        measure(anew=True)
        watch.close()

    thread = threading.Thread(target=go_on, name="assay-lag", daemon=True)
    thread.start()
    try:
        yield gauge
    finally:
        over.set()
        thread.join(timeout=10)
