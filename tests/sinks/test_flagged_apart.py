"""Rows that flag are put into row groups of their own: the same rows, in the same table, beside writers."""

from __future__ import annotations

import json
import threading
from dataclasses import replace as changed
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from assay.config import DeltaConfig
from assay.contracts import Move
from assay.errors import TransientError
from assay.records import Outcome, Verdict
from jobs.sql import query
from sinks.counts import active_files, count_by_track
from sinks.delta_table import locate
from sinks.forget import Wanted, forget
from sinks.replacing import ROWS, files_of, pieces, replace, write_beside
from sinks.upkeep import optimize
from tests.sinks.outcomes import DAY, rejection, verdict
from tests.sinks.stand import open_sink

MANY = 10_500
CONFIG = DeltaConfig(kind="delta", path="out")


def outcome(position: int) -> Outcome:
    """Each seventh flags, each fortieth has no verdict."""
    flagged = verdict(position)
    if position % 40 == 3:
        return rejection(position)
    if position % 7 == 0:
        return flagged
    assert isinstance(flagged.judgement.result, Verdict)
    clean = changed(flagged.judgement.result, violation=False, rule_ids=(), severity=0)
    return changed(flagged, judgement=changed(flagged.judgement, result=clean))


@pytest.fixture(scope="module")
def outcomes() -> list[Outcome]:
    return [outcome(position) for position in range(MANY)]


def commit(path: Path, outcomes: list[Outcome], key: str = "track/a") -> None:
    sink = open_sink(str(path))
    at = sink.ledger([key]).get(key)
    sink.commit(outcomes, {key: Move(at, (at or 0) + len(outcomes))})


def rows_of(path: Path) -> pa.Table:
    files = [pq.read_table(file, partitioning=None) for file in active_files(str(path), "verdicts") or []]
    return pa.concat_tables(files).sort_by("position")


def only_file(path: Path) -> str:
    (file,) = active_files(str(path), "verdicts") or []
    return file


def kinds_in(path: str) -> list[list[bool | None]]:
    """Which values of `violation` each row group of a file has."""
    file = pq.ParquetFile(path)
    groups = (file.read_row_group(group, columns=["violation"]) for group in range(file.num_row_groups))
    return [pc.unique(rows["violation"]).to_pylist() for rows in groups]


def last_entry(path: Path) -> list[dict[str, dict[str, object]]]:
    newest = max((path / "verdicts" / "_delta_log").glob("*.json"))
    return [json.loads(line) for line in newest.read_text().splitlines()]


def test_what_flags_comes_first_in_row_groups_of_its_own(tmp_path: Path, outcomes: list[Outcome]) -> None:
    commit(tmp_path, outcomes[:6000])
    commit(tmp_path, outcomes[6000:])
    before, tracks = rows_of(tmp_path), count_by_track(str(tmp_path))
    optimize(CONFIG, str(tmp_path))
    first, *others = kinds_in(only_file(tmp_path))
    assert first == [True]
    assert others
    assert all(True not in values for values in others)
    assert rows_of(tmp_path) == before
    assert count_by_track(str(tmp_path)) == tracks
    assert open_sink(str(tmp_path)).ledger(["track/a"]) == {"track/a": MANY}


def test_rows_keep_their_order_within_both_parts(tmp_path: Path, outcomes: list[Outcome]) -> None:
    commit(tmp_path, outcomes)
    optimize(CONFIG, str(tmp_path))
    positions = pq.read_table(only_file(tmp_path), partitioning=None)["position"].to_pylist()
    border = positions.index(max(positions[: MANY // 7 + 1])) + 1
    assert positions[:border] == sorted(positions[:border])
    assert positions[border:] == sorted(positions[border:])


def test_followers_of_the_table_are_told_that_nothing_changed(tmp_path: Path, outcomes: list[Outcome]) -> None:
    commit(tmp_path, outcomes)
    optimize(CONFIG, str(tmp_path))
    added = [entry["add"] for entry in last_entry(tmp_path) if "add" in entry]
    removed = [entry["remove"] for entry in last_entry(tmp_path) if "remove" in entry]
    assert [each["dataChange"] for each in (*added, *removed)] == [False, False]
    stats = json.loads(str(added[0]["stats"]))
    assert (stats["numRecords"], stats["maxValues"]["position"]) == (MANY, MANY - 1)


def test_a_file_that_is_in_order_is_not_written_again(tmp_path: Path, outcomes: list[Outcome]) -> None:
    commit(tmp_path, outcomes)
    optimize(CONFIG, str(tmp_path))
    files = active_files(str(tmp_path), "verdicts")
    optimize(CONFIG, str(tmp_path))
    assert active_files(str(tmp_path), "verdicts") == files


def test_small_files_and_files_of_one_kind_stay(tmp_path: Path, outcomes: list[Outcome]) -> None:
    later = DAY + timedelta(days=1)
    commit(tmp_path, outcomes[:500])
    commit(tmp_path, [changed(verdict(position), judged_at=later) for position in range(MANY)])
    files = set(active_files(str(tmp_path), "verdicts") or [])
    optimize(CONFIG, str(tmp_path))
    assert set(active_files(str(tmp_path), "verdicts") or []) == files


def test_queries_answer_as_before(tmp_path: Path, outcomes: list[Outcome]) -> None:
    commit(tmp_path, outcomes)
    asked = "SELECT item_id, rationale, score FROM flagged ORDER BY item_id LIMIT 50"
    counted = "SELECT * FROM prevalence(every := 'all')"
    before = [query(str(tmp_path), sql) for sql in (asked, counted)]
    optimize(CONFIG, str(tmp_path))
    assert [query(str(tmp_path), sql) for sql in (asked, counted)] == before


def test_what_is_forgotten_afterwards_is_gone(tmp_path: Path, outcomes: list[Outcome]) -> None:
    commit(tmp_path, outcomes)
    optimize(CONFIG, str(tmp_path))
    assert forget(str(tmp_path), Wanted(item="i7")).rows == 1
    optimize(CONFIG, str(tmp_path))
    found = query(str(tmp_path), "SELECT count(*) AS n, count(*) FILTER (item_id = 'i7') AS gone FROM outcomes")
    assert found.to_pylist() == [{"n": MANY - 1, "gone": 0}]
    assert len(kinds_in(only_file(tmp_path))) == 2


def test_a_writer_goes_on_meanwhile(tmp_path: Path, outcomes: list[Outcome]) -> None:
    commit(tmp_path, outcomes)
    over = threading.Event()
    written = 0

    def write() -> None:
        nonlocal written
        while not over.is_set():
            commit(tmp_path, [verdict(MANY + written)], key="track/b")
            written += 1

    thread = threading.Thread(target=write)
    thread.start()
    try:
        optimize(CONFIG, str(tmp_path))
    finally:
        over.set()
        thread.join()
    assert rows_of(tmp_path)["position"].to_pylist() == list(range(MANY + written))
    assert [True] in [values for file in active_files(str(tmp_path), "verdicts") or [] for values in kinds_in(file)]


def test_rows_that_somebody_else_removed_do_not_come_back(tmp_path: Path, outcomes: list[Outcome]) -> None:
    commit(tmp_path, outcomes[:20])
    at = locate(str(tmp_path), "verdicts")
    table = DeltaTable(at.uri)
    (file,) = files_of(table)
    new = write_beside(at, file, pieces(at, file.place(at), ROWS))
    DeltaTable(at.uri).delete("position < 5")
    with pytest.raises(TransientError, match="somebody else"):
        replace(at, table, {file: new}, changes_data=False)
    left = query(str(tmp_path), 'SELECT "position" FROM outcome_rows ORDER BY ALL')
    assert left["position"].to_pylist() == list(range(5, 20))
