"""What is particular to the Delta sink: other processes, unclear errors, damaged and foreign tables."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import random
import shutil
import signal
import time
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import DeltaError

from assay.config import DeltaConfig
from assay.contracts import Move
from assay.errors import FatalError, InputError, Refused, TransientError
from sinks.counts import active_files, count_by_track
from sinks.delta import REOPEN_AFTER, DeltaSink
from sinks.delta_table import locate, translate
from tests.sinks.outcomes import JUDGE, SHARD, SPAM, verdict
from tests.sinks.stand import TRACK, Crash, FaultySink, commit_own, compete, open_sink

SPAWN = multiprocessing.get_context("spawn")


def positions(path: str) -> list[int]:
    """Position of every row, doubled ones twice."""
    files = active_files(path, "verdicts") or []
    return sorted(
        at for file in files for at in pa.parquet.read_table(file, columns=["position"])["position"].to_pylist()
    )


def run_all(target: object, arguments: list[tuple[object, ...]]) -> None:
    workers = [SPAWN.Process(target=target, args=args) for args in arguments]  # type: ignore[arg-type]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0] * len(workers)


def test_processes_that_open_at_once_and_share_a_table_lose_and_double_nothing(tmp_path: Path) -> None:
    path = str(tmp_path / "out")
    run_all(commit_own, [(path, name, 12) for name in "abc"])
    assert positions(path) == sorted([*range(24)] * 3)
    assert open_sink(path).ledger([f"track/{name}" for name in "abc"]) == {f"track/{name}": 24 for name in "abc"}


def test_processes_that_fight_for_one_track_settle_each_position_once(tmp_path: Path) -> None:
    path = str(tmp_path / "out")
    run_all(compete, [(path, 25)] * 3)
    assert positions(path) == list(range(25))
    assert open_sink(path).ledger([TRACK]) == {TRACK: 25}


def test_a_killed_writer_leaves_ledger_and_rows_equal(tmp_path: Path) -> None:
    path = str(tmp_path / "out")
    open_sink(path)
    moments = random.Random(11)
    for _ in range(5):
        before = open_sink(path).ledger([TRACK]).get(TRACK, 0)
        writer = SPAWN.Process(target=compete, args=(path, 10**9))
        writer.start()
        deadline = time.monotonic() + 30
        while open_sink(path).ledger([TRACK]).get(TRACK, 0) == before and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(moments.uniform(0, 0.05))
        os.kill(writer.pid or 0, signal.SIGKILL)
        writer.join()
        settled = open_sink(path).ledger([TRACK])[TRACK]
        assert settled > before
        assert positions(path) == list(range(settled))


@pytest.mark.parametrize("error", [OSError("timed out"), DeltaError("timed out")])
def test_a_commit_that_landed_with_an_error_is_found_and_not_repeated(tmp_path: Path, error: Exception) -> None:
    sink = FaultySink(str(tmp_path))
    sink.after.append(error)
    sink.commit([verdict(0)], {TRACK: Move(None, 1)})
    assert positions(str(tmp_path)) == [0]
    assert sink.ledger([TRACK]) == {TRACK: 1}


def test_a_commit_that_landed_is_found_behind_the_commits_of_others(tmp_path: Path) -> None:
    sink, other = FaultySink(str(tmp_path)), open_sink(str(tmp_path))

    sink.meanwhile = lambda: other.commit([], {TRACK: Move(1, 7)})
    sink.after.append(OSError("timed out"))
    sink.commit([verdict(0)], {TRACK: Move(None, 1)})
    assert positions(str(tmp_path)) == [0]
    assert sink.ledger([TRACK]) == {TRACK: 7}


def test_a_zombie_is_refused_even_if_the_fence_moves_between_its_look_and_its_commit(tmp_path: Path) -> None:
    zombie, owner = FaultySink(str(tmp_path)), open_sink(str(tmp_path))
    owner.commit([], {"fence/x": Move(None, 1)})

    def take_over() -> None:
        zombie.just_before = None
        owner.commit([], {"fence/x": Move(1, 2)})

    zombie.just_before = take_over
    with pytest.raises(Refused):
        zombie.commit([verdict(0)], {"fence/x": Move(1, 1), TRACK: Move(None, 1)})
    assert positions(str(tmp_path)) == []
    assert owner.ledger(["fence/x", TRACK]) == {"fence/x": 2}


def test_a_commit_overtaken_by_a_stranger_goes_in_behind_it(tmp_path: Path) -> None:
    sink, other = FaultySink(str(tmp_path)), open_sink(str(tmp_path))

    def overtake() -> None:
        sink.just_before = None
        other.commit([verdict(1)], {"track/other": Move(None, 2)})

    sink.just_before = overtake
    sink.commit([verdict(0)], {TRACK: Move(None, 1)})
    assert positions(str(tmp_path)) == [0, 1]
    assert sink.ledger([TRACK, "track/other"]) == {TRACK: 1, "track/other": 2}


def test_a_commit_that_did_not_land_is_tried_again_once(tmp_path: Path) -> None:
    sink = FaultySink(str(tmp_path))
    sink.before += [OSError("no answer"), OSError("no answer")]
    sink.commit([verdict(0)], {TRACK: Move(None, 1)})
    assert positions(str(tmp_path)) == [0]


def test_errors_that_stay_become_transient_after_the_patience_and_a_full_disk_fatal_at_once(tmp_path: Path) -> None:
    sink = FaultySink(str(tmp_path), patience=0.05)
    sink.before += [OSError("no answer")] * 10_000
    with pytest.raises(TransientError, match="no answer"):
        sink.commit([verdict(0)], {TRACK: Move(None, 1)})
    sink.before[:] = [OSError(errno.ENOSPC, "No space left on device")]
    with pytest.raises(FatalError, match="disk is full"):
        sink.commit([verdict(0)], {TRACK: Move(None, 1)})
    assert positions(str(tmp_path)) == []
    assert sink.ledger([TRACK]) == {}


@pytest.mark.parametrize("landed", [False, True])
def test_a_crash_shows_all_of_a_commit_or_nothing(tmp_path: Path, landed: bool) -> None:
    sink = FaultySink(str(tmp_path))
    (sink.after if landed else sink.before).append(Crash())
    with pytest.raises(Crash):
        sink.commit([verdict(0)], {TRACK: Move(None, 1)})
    assert positions(str(tmp_path)) == ([0] if landed else [])
    assert open_sink(str(tmp_path)).ledger([TRACK]) == ({TRACK: 1} if landed else {})


def test_foreign_errors_are_told_apart() -> None:
    assert isinstance(translate(DeltaError("write failed: No space (os error 28)"), "t"), FatalError)
    assert isinstance(translate(PermissionError(errno.EACCES, "denied"), "t"), FatalError)
    assert isinstance(translate(DeltaError("connection reset"), "t"), TransientError)


def test_a_table_that_is_not_ours_is_refused(tmp_path: Path) -> None:
    write_deltalake(f"{tmp_path}/a/verdicts", pa.table({"x": [1]}))
    with pytest.raises(InputError, match=r"no column 'item_id'.*another sink\.path"):
        open_sink(str(tmp_path / "a"))
    write_deltalake(f"{tmp_path}/b/verdicts", pa.table({"item_id": [1]}))
    with pytest.raises(InputError, match="column 'item_id' of the table there is"):
        open_sink(str(tmp_path / "b"))


def test_a_damaged_log_is_refused_with_a_way_out(tmp_path: Path) -> None:
    sink = open_sink(str(tmp_path))
    sink.commit([verdict(0)], {})
    log = tmp_path / "verdicts" / "_delta_log"
    (log / f"{0:020d}.json").write_text("}{ nonsense")
    with pytest.raises(InputError, match=r"another sink\.path"):
        open_sink(str(tmp_path))


def test_who_takes_over_a_table_that_is_gone_makes_no_new_one(tmp_path: Path) -> None:
    config = DeltaConfig(kind="delta", path=str(tmp_path))
    with pytest.raises(FatalError, match="the table is gone"):
        DeltaSink(config, config.path, create=False)
    assert not list(tmp_path.iterdir())
    DeltaSink(config, config.path)
    DeltaSink(config, config.path, create=False)


def test_a_table_replaced_under_a_writer_is_noticed(tmp_path: Path) -> None:
    sink = open_sink(str(tmp_path / "out"))
    for value in range(REOPEN_AFTER):
        sink.commit([], {TRACK: Move(value - 1 if value else None, value)})
    assert sink.ledger([TRACK]) == {TRACK: REOPEN_AFTER - 1}
    (tmp_path / "out").rename(tmp_path / "old")
    open_sink(str(tmp_path / "out"))
    with pytest.raises(FatalError, match="was replaced"):
        sink.ledger([TRACK])


@pytest.mark.parametrize("name", ["a%20b", "a*", "a?", "a[1]"])
def test_paths_that_readers_would_misread_are_refused(name: str) -> None:
    with pytest.raises(InputError, match=r"sink\.path"):
        locate(f"/tmp/{name}", "verdicts")


@pytest.mark.parametrize("name", ["with space", "hash#é", "it's", "file"])
def test_odd_paths_and_uris_work(tmp_path: Path, name: str) -> None:
    path = f"file://{tmp_path}/out" if name == "file" else str(tmp_path / name)
    sink = open_sink(path)
    sink.commit([verdict(5)], {TRACK: Move(None, 6)})
    assert sink.settled(SHARD, SPAM, JUDGE) == {5}
    assert open_sink(path).ledger([TRACK]) == {TRACK: 6}
    assert sum(count.rows for count in count_by_track(path).values()) == 1


def test_other_readers_see_statistics_and_partitions(tmp_path: Path) -> None:
    open_sink(str(tmp_path)).commit([verdict(3), verdict(8)], {})
    (action,) = pa.table(DeltaTable(f"{tmp_path}/verdicts").get_add_actions(flatten=True)).to_pylist()
    assert (action["num_records"], action["min.position"], action["max.position"]) == (2, 3, 8)
    assert str(action["partition.audit_day"]) == "2026-03-04"


def test_a_refused_commit_names_the_key(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=f"{TRACK} holds None, not 3"):
        open_sink(str(tmp_path)).commit([], {TRACK: Move(3, 4)})


def test_the_commits_id_is_in_the_log_and_transactions_never_expire(tmp_path: Path) -> None:
    open_sink(str(tmp_path)).commit([verdict(0)], {TRACK: Move(None, 1)})
    entry = (tmp_path / "verdicts" / "_delta_log" / f"{1:020d}.json").read_text()
    assert len(json.loads(entry.splitlines()[0])["commitInfo"]["assayCommit"]) == 32
    configuration = DeltaTable(f"{tmp_path}/verdicts").metadata().configuration
    assert "delta.setTransactionRetentionDuration" not in configuration


@pytest.mark.parametrize("name", ["../../outside.parquet", "..%2F..%2Foutside.parquet", "%2A%2A/%2A.parquet"])
def test_a_log_can_lead_no_reader_to_files_that_are_not_the_tables(tmp_path: Path, name: str) -> None:
    path = str(tmp_path / "audit")
    open_sink(path).commit([verdict(0)], {})
    (file,) = active_files(path, "verdicts") or []
    shutil.copy(file, tmp_path / "outside.parquet")
    added = {"path": name, "partitionValues": {"audit_day": "2026-01-01"}, "size": 1, "modificationTime": 0}
    entry = json.dumps({"add": {**added, "dataChange": True}})
    at = DeltaTable(f"{path}/verdicts").version() + 1
    (tmp_path / f"audit/verdicts/_delta_log/{at:020}.json").write_text(entry)
    with pytest.raises(FatalError, match="which is no file of the table"):
        active_files(path, "verdicts")


@pytest.mark.parametrize("column", ["policy_id", "source", "mode", "audit_day"])
def test_a_folder_that_readers_would_take_for_a_column_is_refused(tmp_path: Path, column: str) -> None:
    with pytest.raises(InputError, match=f"readers would take the folder {column}="):
        open_sink(f"{tmp_path}/{column}=x/audit")
    open_sink(f"{tmp_path}/team=x/audit").commit([verdict(0)], {})
    assert positions(f"{tmp_path}/team=x/audit") == [0]
