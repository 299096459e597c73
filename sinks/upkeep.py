"""Keeping the table quick: small files are joined, the log gets checkpoints, what nobody needs is deleted.

Runs beside the writers, in another thread or process. Nothing here touches rows or transactions: joining files changes
no data, a checkpoint holds every transaction, and only log entries older than a checkpoint are cleaned up.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow.compute as pc
from deltalake import DeltaTable

from assay.config import DeltaConfig
from assay.errors import InputError, TransientError
from sinks.delta import VERDICTS
from sinks.delta_log import DeltaLog
from sinks.delta_table import FOREIGN, NO_HOOKS, Location, add_actions, locate, open_table, translate
from sinks.flagged_apart import put_flagged_apart
from sinks.replacing import alone
from sinks.schema import PARTITION

CHECKPOINT_EVERY = 50
COMPACT_EVERY = 100
SHORTEST_VACUUM_HOURS = 1
_SMALL_TARGET = 32 * 2**20
_LARGE_TARGET = 256 * 2**20
_VACUUM_EVERY_SECONDS = 6 * 3600.0
_TABLES = (VERDICTS, "runs", "policies")


@dataclass(frozen=True, slots=True)
class OptimizeReport:
    """What `optimize` did to the table `verdicts`. `removed` counts files deleted from storage."""

    files_before: int
    files_after: int
    bytes_before: int
    bytes_after: int
    removed: int


class Upkeep:
    """Call `tick` about once a second while a run writes to the table under `path`, and after it. For one thread.

    What is due goes by the table, not by the run, so that many short runs are tended to like a long one.

    `tick` raises TransientError when the storage fails; the run need not stop for that, the next tick tries again.
    """

    def __init__(self, config: DeltaConfig, path: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._at = locate(path, VERDICTS)
        self._hours = config.vacuum_hours
        self._clock = clock
        self._checkpointed: int | None = None
        self._compacted = 0
        self._vacuumed = clock()

    def tick(self) -> None:
        """Do what is due: a checkpoint every 50 commits, joining of files every 100, a vacuum every six hours."""
        try:
            table = open_table(self._at)
            if table is not None:
                self._tend(table)
        except FOREIGN as error:
            raise translate(error, self._at.uri) from error

    def _tend(self, table: DeltaTable) -> None:
        version = table.version()
        if self._checkpointed is None:
            self._checkpointed = max(0, DeltaLog(self._at.filesystem, self._at.root).checkpoint(version))
            self._compacted = version - len(table.file_uris())
        if self._at.local and version - self._compacted >= COMPACT_EVERY:
            compact(table, self._at, _SMALL_TARGET, datetime.now(UTC).date().isoformat())
            self._compacted = table.version()
        if version - self._checkpointed >= CHECKPOINT_EVERY:
            table.create_checkpoint()
            table.cleanup_metadata()
            self._checkpointed = table.version()
        if self._clock() - self._vacuumed >= _VACUUM_EVERY_SECONDS:
            vacuum(table, self._hours)
            self._vacuumed = self._clock()


def optimize(config: DeltaConfig, path: str) -> OptimizeReport:
    """Join small files, put what is flagged apart, write a checkpoint, delete log entries and files that nobody needs.

    Raises InputError if there is no table yet, TransientError if other writers or the storage get in the way.
    """
    before = _require(locate(path, VERDICTS))
    files_before, bytes_before = _measure(before)
    removed = 0
    for name in _TABLES:
        at = locate(path, name)
        try:
            if (table := open_table(at)) is not None:
                removed += _optimize_one(table, at, config.vacuum_hours, apart=name == VERDICTS)
        except FOREIGN as error:
            raise translate(error, at.uri) from error
    files_after, bytes_after = _measure(_require(locate(path, VERDICTS)))
    return OptimizeReport(files_before, files_after, bytes_before, bytes_after, removed)


def compact(table: DeltaTable, at: Location, target_bytes: int, day: str | None = None) -> bool:
    """Join files smaller than `target_bytes`, in one day's partition or in all. False if others are at it."""
    with alone(at) as granted:
        if granted:
            _join(table, target_bytes, day)
        return granted


def _join(table: DeltaTable, target_bytes: int, day: str | None = None) -> None:
    table.update_incremental()
    table.optimize.compact(
        partition_filters=[(PARTITION, "=", day)] if day else None,
        target_size=target_bytes,
        max_concurrent_tasks=1,
        post_commithook_properties=NO_HOOKS,
    )


def vacuum(table: DeltaTable, hours: float) -> int:
    """Delete files that nothing has referred to for `hours` (an hour at least); how many were deleted.

    Leftovers of crashed writers go too. A file that a living writer is about to commit looks the same, but is younger.
    """
    removed = table.vacuum(
        retention_hours=max(SHORTEST_VACUUM_HOURS, math.ceil(hours)),
        dry_run=False,
        enforce_retention_duration=False,
        full=True,
        post_commithook_properties=NO_HOOKS,
    )
    return len(removed)


def _optimize_one(table: DeltaTable, at: Location, hours: float, *, apart: bool) -> int:
    with alone(at) as granted:
        if not granted:
            raise TransientError(f"{at.uri}: another process joins its files; try again when it is through")
        _join(table, _LARGE_TARGET)
        if apart:
            put_flagged_apart(table, at)
    removed = vacuum(table, hours)
    table.update_incremental()
    table.create_checkpoint()
    table.cleanup_metadata()
    return removed


def _require(at: Location) -> DeltaTable:
    table = open_table(at)
    if table is None:
        raise InputError(f"{at.uri}: nothing audited yet; run assay backfill first")
    return table


def _measure(table: DeltaTable) -> tuple[int, int]:
    actions = add_actions(table)
    return actions.num_rows, pc.sum(actions["size_bytes"]).as_py() or 0
