"""How far a stream is behind its topics, measured beside the run: ends from the broker, positions from the table."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from assay.config import KafkaConfig
from assay.contracts import Shard
from assay.errors import AssayError
from sources.kafka_client import Watch

_EVERY_SECONDS = 2.0

Positions = Callable[[], Mapping[Shard, int | None]]


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


class LagGauge:
    """The latest measurement (None before the first) and the ends it is made of. Old while the broker is away."""

    def __init__(self) -> None:
        self.latest: Lag | None = None
        self.ends: Mapping[tuple[str, int], int] = {}


@contextmanager
def lag_gauge(config: KafkaConfig, shards: Sequence[Shard], positions: Positions) -> Iterator[LagGauge]:
    """Measures every two seconds in a thread, until the block ends."""
    gauge, over = LagGauge(), threading.Event()
    watch = Watch(config, [(shard.source, int(shard.id)) for shard in shards])

    def measure() -> None:
        before: Mapping[Shard, int | None] = {}
        moved = time.monotonic()
        while not over.wait(_EVERY_SECONDS):
            try:
                ends, now = watch.ends(), positions()
            except AssayError:
                continue
            moved = time.monotonic() if now != before else moved
            before = now
            lags = {shard: max(0, ends[shard.source, int(shard.id)] - (now[shard] or 0)) for shard in shards}
            gauge.ends = ends
            gauge.latest = Lag(lags, time.monotonic() - moved)
        watch.close()

    thread = threading.Thread(target=measure, name="assay-lag", daemon=True)
    thread.start()
    try:
        yield gauge
    finally:
        over.set()
        thread.join(timeout=10)
