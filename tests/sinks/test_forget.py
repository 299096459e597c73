"""Forgetting takes the content, and leaves the counts."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest
from deltalake import DeltaTable

from assay.config import DeltaConfig
from assay.contracts import Move
from assay.records import Origin, Outcome, Stage
from sinks.counts import count_by_track
from sinks.delta import DeltaSink
from sinks.forget import Forgotten, Wanted, forget
from sinks.upkeep import vacuum
from tests.sinks.outcomes import DAY, SHARD, rejection, verdict

SECRET = "a sentence that nobody else wrote"


def secret(position: int, id: str = "i1") -> Outcome:
    outcome = verdict(position, text=SECRET, id=id, carried=(("who", SECRET),))
    result = replace(outcome.judgement.result, rationale=SECRET, reasoning=SECRET)  # type: ignore[call-arg]
    return replace(outcome, judgement=replace(outcome.judgement, result=result), key="ab" * 32)


@pytest.fixture
def sink(tmp_path: Path) -> DeltaSink:
    return DeltaSink(DeltaConfig(kind="delta", path=str(tmp_path)), str(tmp_path))


def rows(path: Path, where: str = "true") -> list[tuple[object, ...]]:
    files = DeltaTable(str(path / "verdicts")).file_uris()
    columns = (
        "item_id, status, position, policy_id, run_id, rationale, reasoning, raw, content_hash, case_key, reused_item"
    )
    return duckdb.execute(
        f"SELECT {columns} FROM read_parquet(?, union_by_name = true) WHERE {where} ORDER BY position", [files]
    ).fetchall()


def test_an_items_rows_lose_all_but_their_place(tmp_path: Path, sink: DeltaSink) -> None:
    copied = replace(verdict(3), stage=Stage.REUSED, origin=Origin("run-1", "i1", DAY))
    sink.commit([secret(1), verdict(2), copied, rejection(4, id="i1", raw=SECRET.encode())], {"track/a": Move(None, 5)})
    before = count_by_track(str(tmp_path))
    assert forget(str(tmp_path), Wanted(item="i1")) == Forgotten(verdicts=1, rejected=1, files=1)
    assert forget(str(tmp_path), Wanted(item="i1")).rows == 0
    gone, left, copy, bad = rows(tmp_path)
    assert gone == (None, "forgotten", 1, "spam", "run-1", None, None, None, None, None, None)
    assert bad == (None, "forgotten", 4, "spam", "run-1", None, None, None, None, None, None)
    assert left[:2] == ("i2", "verdict")
    assert copy[:2] == ("i3", "verdict")
    assert copy[-1] is None, "its row named the forgotten item"
    assert count_by_track(str(tmp_path)) == before
    assert sink.ledger(["track/a"]) == {"track/a": 5}
    assert sink.settled(SHARD, verdict().policy, verdict().judge) == {1, 2, 3, 4}


def test_after_the_vacuum_nothing_of_it_is_on_the_disk(tmp_path: Path, sink: DeltaSink) -> None:
    sink.commit([secret(1), verdict(2)], {})
    forget(str(tmp_path), Wanted(item="i1"))
    table = DeltaTable(str(tmp_path / "verdicts"))
    assert vacuum(table, 1) == 0, "readers of an hour ago still need it"
    table.vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False)
    for file in tmp_path.rglob("*"):
        if file.is_file():
            assert SECRET.encode() not in file.read_bytes()
    assert [row[1] for row in rows(tmp_path)] == ["forgotten", "verdict"]


def test_a_content_is_forgotten_wherever_it_came(tmp_path: Path, sink: DeltaSink) -> None:
    copy, other = (rejection(4, id="copy", raw=SECRET.encode()), rejection(5, id="other", raw=b"\xff\x00"))
    sink.commit([secret(1), secret(2, id="other"), verdict(3), copy, other], {})
    assert forget(str(tmp_path), Wanted(content_hash=str(secret(1).item.content_hash))).rows == 3  # type: ignore[union-attr]
    assert [row[1] for row in rows(tmp_path)] == ["forgotten", "forgotten", "verdict", "forgotten", "rejected"]


def test_what_is_old_is_forgotten(tmp_path: Path, sink: DeltaSink) -> None:
    sink.commit([secret(1), replace(verdict(2), judged_at=DAY + timedelta(days=2))], {})
    assert forget(str(tmp_path), Wanted(before=DAY + timedelta(days=1))).rows == 1
    assert [row[1] for row in rows(tmp_path)] == ["forgotten", "verdict"]


@pytest.mark.parametrize("id", ["x' OR '1'='1", "\\' OR true --", "i1'; DROP", "", "ünïcode\u0000", "%"])
def test_an_id_is_never_anything_else_than_an_id(tmp_path: Path, sink: DeltaSink, id: str) -> None:
    sink.commit([secret(1, id=id), verdict(2), verdict(3)], {})
    assert forget(str(tmp_path), Wanted(item=id)).rows == 1
    assert [row[1] for row in rows(tmp_path)] == ["forgotten", "verdict", "verdict"]
    last = max((tmp_path / "verdicts" / "_delta_log").glob("*.json")).read_text()
    assert len(id) < 3 or (id not in last and id.encode().hex() not in last)


def test_a_writer_goes_on_while_rows_are_forgotten(tmp_path: Path, sink: DeltaSink) -> None:
    sink.commit([secret(0)], {"track/a": Move(None, 1)})
    over = threading.Event()
    written = 1

    def write() -> None:
        nonlocal written
        while not over.is_set():
            sink.commit([verdict(written)], {"track/a": Move(written, written + 1)})
            written += 1

    thread = threading.Thread(target=write)
    thread.start()
    try:
        assert forget(str(tmp_path), Wanted(item="i1")).rows >= 1
        assert forget(str(tmp_path), Wanted(item="i0")).rows == 0
    finally:
        over.set()
        thread.join()
    assert [row[2] for row in rows(tmp_path)] == list(range(written))
    assert json.dumps(sink.ledger(["track/a"])) == json.dumps({"track/a": written})
