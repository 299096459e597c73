"""The Delta sink: outcomes and ledger moves in one commit of table `verdicts`.

How a commit stays exact: we know every transaction number as of one version V of the table, and ask Delta for version
V + 1. Delta gives a version to one writer only, so if anybody committed since, we are turned away, read what they
moved, check our moves against it, and ask for the next version, or refuse.

Durability: when `commit` returns on a local file system, data and log entry have been handed to the disk (fsync); the
data file is on disk before the log names it, so power loss never leaves a log that names a broken file. On an object
store the store's own promise holds.
"""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from threading import Lock
from uuid import uuid4

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable, Transaction
from deltalake.transaction import AddAction

from assay.config import DeltaConfig
from assay.contracts import Move, Shard
from assay.errors import AssayError, FatalError, Refused, TransientError
from assay.policy import Policy
from assay.records import JudgeIdentity, Outcome
from sinks.counts import settled_positions
from sinks.delta_log import COMMIT_ID, DeltaLog, LogGap
from sinks.delta_table import FOREIGN, NO_HOOKS, ensure_table, locate, open_table, translate
from sinks.schema import LATER, PARTITION, SCHEMA, to_table

VERDICTS = "verdicts"
PATIENCE_SECONDS = 60.0
REOPEN_AFTER = 25
_LONGEST_PAUSE = 0.25
_STALE_SECONDS = 1800.0
"""Files written longer ago are not committed any more: a vacuum deletes what nobody refers to after an hour."""
STATISTICS = ("policy_id", "policy_hash", "run_id", "position")
"""Columns whose bounds the log has for each file."""


class DeltaSink:
    """Outcomes in the Delta table `<path>/verdicts`, which is created if it isn't there, or FatalError (`create`).

    `path` is a local path or a URI, already resolved. Any number of sinks, in any number of processes, may share a
    table. `commit` keeps trying for `patience` seconds against other writers and passing errors. Raises InputError
    for a table that is damaged or not ours.
    """

    def __init__(
        self, config: DeltaConfig, path: str, *, patience: float = PATIENCE_SECONDS, create: bool = True
    ) -> None:
        self._at = locate(path, VERDICTS)
        if not create and open_table(self._at) is None:
            raise FatalError(f"{self._at.uri}: the table is gone; bring it back, or start the run again for a new one")
        self._path = path
        self._patience = patience
        self._table = ensure_table(self._at, SCHEMA, (PARTITION,), table_properties(config), LATER)
        self._schema = self._table.schema()
        self._log = DeltaLog(self._at.filesystem, self._at.root)
        self._lock = Lock()
        self._version = -1
        self._values: dict[str, int] = {}
        self._opened = self._table.version()
        self._days: set[str] = set()
        self._seen: set[str] = set()

    def ledger(self, keys: Collection[str]) -> dict[str, int]:
        with self._lock:
            try:
                self._catch_up()
            except FOREIGN as error:
                raise translate(error, self._at.uri) from error
            return {key: self._values[key] for key in keys if key in self._values}

    def commit(self, outcomes: Sequence[Outcome], moves: Mapping[str, Move]) -> None:
        if not outcomes and not moves:
            return
        with self._lock:
            try:
                files = [self._write(day, part) for day, part in _by_day(to_table(outcomes))] if outcomes else []
            except FOREIGN as error:
                raise translate(error, self._at.uri) from error
            self._append(files, moves)

    def settled(self, shard: Shard, policy: Policy, judge: JudgeIdentity, since: int = 0) -> frozenset[int]:
        return settled_positions(self._path, shard, policy, judge, since)

    def close(self) -> None:
        """Nothing is held open between calls."""

    def _append(self, files: list[AddAction], moves: Mapping[str, Move]) -> None:
        """Get one log entry in, once. Whatever an attempt says, the log is asked first before another one is made."""
        commit_id = uuid4().hex
        self._seen.clear()
        stale = time.time() + _STALE_SECONDS
        failure: AssayError | None = None
        for pause in _pauses(self._patience):
            try:
                self._catch_up(strict=failure is not None)
                if commit_id in self._seen:
                    return
                self._check(moves)
                if isinstance(failure, FatalError):
                    raise failure
                if time.time() > stale:
                    raise TransientError(f"{self._at.uri}: this process slept; its files may have been vacuumed")
                self._enter(files, moves, commit_id)
                return
            except FOREIGN as error:
                failure = translate(error, self._at.uri)
            time.sleep(pause)
        raise failure or TransientError(f"{self._at.uri}: no commit within {self._patience} seconds")

    def _enter(self, files: list[AddAction], moves: Mapping[str, Move], commit_id: str) -> None:
        """Ask for the version after the one we know. Raises if it is taken, or anything else goes wrong."""
        self._table.create_write_transaction(
            files,
            "append",
            self._schema,
            partition_by=[PARTITION],
            commit_properties=CommitProperties(
                custom_metadata={COMMIT_ID: commit_id},
                max_commit_retries=0,
                app_transactions=[Transaction(key, move.now) for key, move in moves.items()],
            ),
            post_commithook_properties=NO_HOOKS,
        )
        self._sync(self._log.path(self._version + 1))

    def _check(self, moves: Mapping[str, Move]) -> None:
        for key, move in moves.items():
            if self._values.get(key) != move.was:
                raise Refused(f"ledger key {key} holds {self._values.get(key)}, not {move.was}: the shard has moved on")

    def _catch_up(self, *, strict: bool = False) -> None:
        """Bring snapshot and ledger to the latest version, and note the ids of the commits in between in `_seen`.

        With `strict` a gap in the log is an error (TransientError), as the ids would then be incomplete.
        """
        self._renew()
        latest = self._table.version()
        if latest < self._version:
            raise FatalError(f"{self._at.uri}: the table was replaced while in use; start the run again")
        try:
            if self._version < 0:
                raise LogGap("not read yet")
            while self._version < latest:
                entry = self._log.entry(self._version + 1)
                self._values.update(entry.txns)
                self._version += 1
                self._seen.add(entry.commit_id or "")
        except LogGap as gap:
            if strict:
                raise TransientError(f"{self._at.uri}: can't tell whether the last commit happened: {gap}") from gap
            self._load()

    def _renew(self) -> None:
        """Move the snapshot to the latest version. One opened long ago gets slow: it replays all since its opening."""
        if self._table.version() - self._opened >= REOPEN_AFTER:
            self._table = DeltaTable(self._at.uri)
            self._opened = self._table.version()
        else:
            self._table.update_incremental()

    def _load(self) -> None:
        """Read the whole ledger; the log may be cleaned up under us, then the newer checkpoint serves."""
        for attempt in range(5):
            latest = self._table.version()
            try:
                self._values = self._log.txns(latest)
            except LogGap as gap:
                time.sleep(0.05 * attempt)
                self._table = DeltaTable(self._at.uri)
                problem = gap
            else:
                self._version = self._opened = latest
                return
        raise TransientError(f"{self._at.uri}: the log can't be read: {problem}") from problem

    def _write(self, day: str, rows: pa.Table) -> AddAction:
        folder = f"{PARTITION}={day}"
        if day not in self._days:
            self._at.filesystem.create_dir(f"{self._at.root}/{folder}", recursive=True)
            self._days.add(day)
        name = f"{folder}/{uuid4()}.parquet"
        path = f"{self._at.root}/{name}"
        pq.write_table(rows.drop_columns([PARTITION]), path, filesystem=self._at.filesystem, compression="zstd")
        self._sync(path)
        size = self._at.filesystem.get_file_info(path).size
        return AddAction(name, size, {PARTITION: day}, int(time.time() * 1000), True, statistics(rows))

    def _sync(self, path: str) -> None:
        """Hand a local file and its name to the disk."""
        if not self._at.local:
            return
        for target in (path, os.path.dirname(path)):
            handle = os.open(target, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)


def table_properties(config: DeltaConfig) -> dict[str, str]:
    """Properties of a new table: a day of log is kept, transactions never expire, few columns have statistics.

    Statistics of every column would be parsed again at each commit: 36 columns made a commit three times as slow.
    """
    return {
        "delta.logRetentionDuration": "interval 1 days",
        "delta.dataSkippingStatsColumns": ",".join(STATISTICS),
        "delta.deletedFileRetentionDuration": f"interval {round(max(1.0, config.vacuum_hours) * 3600)} seconds",
    }


def _by_day(rows: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    days = pc.unique(rows[PARTITION])
    for day in days:
        yield day.as_py().isoformat(), rows if len(days) == 1 else rows.filter(pc.equal(rows[PARTITION], day))


def statistics(rows: pa.Table) -> str:
    """Delta's per-file statistics, so that readers can skip files: row count, and bounds of a few columns."""
    bounds = {name: pc.min_max(rows[name]) for name in STATISTICS}
    return json.dumps(
        {
            "numRecords": rows.num_rows,
            "minValues": {name: bound["min"].as_py() for name, bound in bounds.items()},
            "maxValues": {name: bound["max"].as_py() for name, bound in bounds.items()},
        }
    )


def _pauses(patience: float) -> Iterator[float]:
    """Jittered pauses between attempts, growing, until `patience` seconds are over; always at least two attempts."""
    deadline = time.monotonic() + patience
    longest = 0.002
    yield random.uniform(0, longest)
    while time.monotonic() < deadline:
        longest = min(longest * 1.5, _LONGEST_PAUSE)
        yield random.uniform(0, longest)
