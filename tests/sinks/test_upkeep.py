"""Upkeep and reading the log: nothing of rows or ledger is lost, whatever is joined, cleaned or checkpointed."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable
from pyarrow import fs

from assay.config import DeltaConfig
from assay.contracts import Move
from assay.errors import InputError, TransientError
from sinks.counts import active_files, count_by_track
from sinks.delta_log import DeltaLog, LogGap
from sinks.delta_table import locate
from sinks.upkeep import CHECKPOINT_EVERY, COMPACT_EVERY, Upkeep, compact, optimize
from tests.sinks.outcomes import DAY, verdict
from tests.sinks.stand import open_sink


def config(hours: float = 168) -> DeltaConfig:
    return DeltaConfig(kind="delta", path="out", vacuum_hours=hours)


def commit_many(path: Path, start: int, stop: int, day: datetime = DAY) -> dict[str, int]:
    """One row and one move of a rotating track per commit; the ledger as it then must be."""
    sink = open_sink(str(path))
    keys = [f"track/{number}" for number in range(7)]
    values = sink.ledger(keys)
    for position in range(start, stop):
        key = keys[position % 7]
        sink.commit([replace(verdict(position), judged_at=day)], {key: Move(values.get(key), position)})
        values[key] = position
    return values


def rows(path: Path) -> int:
    return sum(count.rows for count in count_by_track(str(path)).values())


def log_of(path: Path) -> Path:
    return path / "verdicts" / "_delta_log"


def forget_old_log(path: Path) -> None:
    """Make every entry as old as if days had passed, so that cleaning takes what a checkpoint covers."""
    old = time.time() - 3 * 86400
    for file in log_of(path).glob("*.json"):
        os.utime(file, (old, old))


def test_ticks_join_files_and_write_checkpoints_beside_a_writer(tmp_path: Path) -> None:
    upkeep = Upkeep(config(), str(tmp_path))
    upkeep.tick()
    open_sink(str(tmp_path))
    upkeep.tick()
    values = commit_many(tmp_path, 0, COMPACT_EVERY + 5)
    upkeep.tick()
    assert any(log_of(tmp_path).glob("*.checkpoint.parquet"))
    values |= commit_many(tmp_path, COMPACT_EVERY + 5, COMPACT_EVERY + 5 + CHECKPOINT_EVERY)
    upkeep.tick()
    assert rows(tmp_path) == COMPACT_EVERY + 5 + CHECKPOINT_EVERY
    assert open_sink(str(tmp_path)).ledger(list(values)) == values


def test_many_short_runs_are_tended_to_like_a_long_one(tmp_path: Path) -> None:
    for run in range(4):
        commit_many(tmp_path, run * 30, (run + 1) * 30, datetime.now(UTC))
        Upkeep(config(), str(tmp_path)).tick()
    assert any(log_of(tmp_path).glob("*.checkpoint.parquet"))
    assert len(active_files(str(tmp_path), "verdicts") or []) < 60
    assert rows(tmp_path) == 120


def test_optimize_keeps_rows_and_ledger_and_removes_leftovers(tmp_path: Path) -> None:
    values = commit_many(tmp_path, 0, 30)
    leftover = tmp_path / "verdicts" / "audit_day=2026-03-04" / "crashed.parquet"
    shutil.copy((active_files(str(tmp_path), "verdicts") or [""])[0], leftover)
    fresh = leftover.with_name("about-to-be-committed.parquet")
    shutil.copy(leftover, fresh)
    os.utime(leftover, (time.time() - 7200,) * 2)
    report = optimize(config(hours=0), str(tmp_path))
    assert (report.files_before, report.files_after) == (30, 1)
    assert report.removed >= 1
    assert not leftover.exists()
    assert fresh.exists()
    assert rows(tmp_path) == 30
    assert open_sink(str(tmp_path)).ledger(list(values)) == values


def test_the_ledger_outlives_a_cleaned_log(tmp_path: Path) -> None:
    sleeper = open_sink(str(tmp_path))
    values = commit_many(tmp_path, 0, 20)
    forget_old_log(tmp_path)
    optimize(config(), str(tmp_path))
    assert not (log_of(tmp_path) / f"{3:020d}.json").exists()
    values |= commit_many(tmp_path, 20, 24)
    assert open_sink(str(tmp_path)).ledger(list(values)) == values
    assert sleeper.ledger(list(values)) == values
    sleeper.commit([verdict(24)], {"track/0": Move(values["track/0"], 99)})
    assert rows(tmp_path) == 25


def test_optimize_without_a_table_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="assay backfill"):
        optimize(config(), str(tmp_path))


def checkpoint_rows(path: Path) -> tuple[int, pa.Table]:
    (file,) = log_of(path).glob("*.checkpoint.parquet")
    return int(file.name[:20]), pq.read_table(file)


@pytest.mark.parametrize("shape", ["single", "parts", "missing part", "v2 parquet", "v2 json"])
def test_every_kind_of_checkpoint_is_read(tmp_path: Path, shape: str) -> None:
    values = commit_many(tmp_path, 0, 10)
    DeltaTable(f"{tmp_path}/verdicts").create_checkpoint()
    version, table = checkpoint_rows(tmp_path)
    values |= commit_many(tmp_path, 10, 13)
    name = f"{version:020d}.checkpoint"
    uuid = "80a083e8-7026-4e79-81be-64bd76c43a11"
    if shape != "single":
        (log_of(tmp_path) / f"{name}.parquet").unlink()
    if shape == "v2 parquet":
        pq.write_table(table, log_of(tmp_path) / f"{name}.{uuid}.parquet")
    elif shape == "v2 json":
        txns = [{"txn": txn} for txn in table["txn"].to_pylist() if txn]
        (log_of(tmp_path) / f"{name}.{uuid}.json").write_text("\n".join(json.dumps(txn) for txn in txns))
    elif shape in ("parts", "missing part"):
        half = table.num_rows // 2 if shape == "parts" else 0
        pq.write_table(table.slice(0, half), log_of(tmp_path) / f"{name}.{1:010d}.{2:010d}.parquet")
        if shape == "parts":
            pq.write_table(table.slice(half), log_of(tmp_path) / f"{name}.{2:010d}.{2:010d}.parquet")
    log = DeltaLog(fs.LocalFileSystem(), f"{tmp_path}/verdicts")
    if shape == "missing part":
        assert log.txns(version + 3) == values
        return
    for old in range(version + 1):
        (log_of(tmp_path) / f"{old:020d}.json").unlink()
    assert log.txns(version + 3) == values
    with pytest.raises(LogGap):
        log.txns(version + 4)


def test_a_tick_vacuums_once_in_a_long_while(tmp_path: Path) -> None:
    commit_many(tmp_path, 0, 2)
    leftover = tmp_path / "verdicts" / "audit_day=2026-03-04" / "crashed.parquet"
    shutil.copy((active_files(str(tmp_path), "verdicts") or [""])[0], leftover)
    os.utime(leftover, (time.time() - 7200,) * 2)
    now = [0.0]
    upkeep = Upkeep(config(hours=1), str(tmp_path), clock=lambda: now[0])
    upkeep.tick()
    assert leftover.exists()
    now[0] = 7 * 3600.0
    upkeep.tick()
    assert not leftover.exists()
    assert rows(tmp_path) == 2


def test_two_who_join_the_same_files_double_no_row(tmp_path: Path) -> None:
    commit_many(tmp_path, 0, 30)
    at = locate(str(tmp_path), "verdicts")
    first, second = DeltaTable(at.uri), DeltaTable(at.uri)
    assert compact(first, at, 32 * 2**20)
    assert compact(second, at, 32 * 2**20)
    assert rows(tmp_path) == 30
    with open(f"{at.root}.lock", "ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert not compact(second, at, 32 * 2**20)
        with pytest.raises(TransientError, match="another process joins"):
            optimize(config(), str(tmp_path))
