"""What the source tests build with: files, configs, claims, and a driver that reads a source as the loop does."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from assay.config import ParquetConfig
from assay.contracts import Grant, Shard, Source
from assay.records import Arrival, BadItem
from sources.parquet import ParquetSource
from sources.plan import plan


class ListedClaims:
    """Hands out shards in order and remembers which were reported done."""

    def __init__(self, shards: Iterable[Shard]) -> None:
        self._waiting = list(shards)
        self.settled: list[Shard] = []

    def next(self) -> Grant | None:
        return Grant(self._waiting.pop(0)) if self._waiting else None

    def done(self, shard: Shard) -> None:
        self.settled.append(shard)


def config(path: Path | str, columns: dict[str, Any] | None = None, **keys: Any) -> ParquetConfig:
    """A source config: columns id and text unless said otherwise."""
    return ParquetConfig(kind="parquet", path=str(path), columns=columns or {"id": "id", "text": "text"}, **keys)


def write(path: Path, columns: dict[str, Any], **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path, **options)
    return path


def source_of(given: ParquetConfig) -> tuple[ParquetSource, ListedClaims]:
    planned = plan(given)
    claims = ListedClaims(planned.shards)
    return ParquetSource(given, planned, claims), claims


def drain(source: Source, room: int = 100) -> list[Arrival]:
    """Everything that a source delivers, from the beginning of each shard, acknowledged as it finishes."""
    arrivals: list[Arrival] = []
    while True:
        polled = source.poll(room, 1.0)
        assert len(polled.arrivals) <= room
        arrivals.extend(polled.arrivals)
        for grant in polled.assigned:
            source.seek(grant.shard, None)
        source.acknowledge({shard: shard.stop for shard in polled.reached if shard.stop is not None})
        if polled.ended:
            source.close()
            return arrivals


def read(given: ParquetConfig) -> list[Arrival]:
    return drain(source_of(given)[0])


def only_bad(arrivals: list[Arrival]) -> BadItem:
    """The one rejection among the arrivals."""
    (bad,) = [arrival for arrival in arrivals if isinstance(arrival, BadItem)]
    return bad


def peak_mib() -> int:
    """This process's own peak memory. (`ru_maxrss` would begin at that of the process which started it.)"""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")) // 1024
