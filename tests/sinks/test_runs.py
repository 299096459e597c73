"""Table `runs`, and counting what a run wrote."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from assay.errors import InputError
from jobs.sql import query
from sinks.counts import RunCount, TrackCount, TrackName, count_by_track, count_outcomes
from sinks.runs import RunLog, RunRecord, RunState
from tests.sinks.outcomes import DAY, JUDGE, SHARD, SPAM, rejection, verdict
from tests.sinks.stand import open_sink

RUNNING = RunRecord("run-1", "nightly", RunState.RUNNING, DAY, policies=("spam@1:ab",), config='{"name": "nightly"}')


def test_the_view_shows_each_run_as_it_last_stood(tmp_path: Path) -> None:
    path = str(tmp_path)
    open_sink(path)
    log = RunLog(path)
    log.write(RUNNING)
    log.write(replace(RUNNING, run_id="run-2", message="odd \ud800"))
    done = replace(
        RUNNING, state=RunState.DONE, ended_at=DAY + timedelta(minutes=1), verdicts=3, rejected_by_reason={"empty": 2}
    )
    RunLog(path).write(done)
    first, second = query(path, "SELECT * FROM runs ORDER BY run_id").to_pylist()
    assert (first["state"], first["verdicts"], first["rejected_by_reason"]) == ("done", 3, [("empty", 2)])
    assert (second["state"], second["ended_at"], second["message"]) == ("running", None, "odd \\ud800")
    assert query(path, "SELECT count(*) AS n FROM run_rows")["n"].to_pylist() == [3]


def test_a_foreign_runs_table_is_refused(tmp_path: Path) -> None:
    (tmp_path / "runs" / "_delta_log").mkdir(parents=True)
    (tmp_path / "runs" / "_delta_log" / f"{0:020d}.json").write_text("nonsense")
    with pytest.raises(InputError):
        RunLog(str(tmp_path))


def test_counts_of_a_run_and_of_tracks(tmp_path: Path) -> None:
    path = str(tmp_path)
    assert count_outcomes(path, "run-1") == RunCount(0, 0, {})
    assert count_by_track(path) == {}
    sink = open_sink(path)
    assert count_outcomes(path, "run-1") == RunCount(0, 0, {})
    sink.commit([verdict(0), verdict(1), rejection(2), replace(verdict(3), run_id="run-2")], {})
    assert count_outcomes(path, "run-1") == RunCount(2, 2, {"invalid_utf8": 1})
    assert count_outcomes(path, "run-1").outcomes == 3
    sink.commit([verdict(1)], {})
    track = TrackName(SHARD.source, SHARD.id, SPAM.hash, JUDGE.name, JUDGE.revision, JUDGE.settings_hash)
    assert count_by_track(path) == {track: TrackCount(rows=5, positions=4)}


def test_positions_are_counted_exactly_across_blocks(tmp_path: Path) -> None:
    sink = open_sink(str(tmp_path))
    positions = [0, 65535, 65536, 65536, 131071, 131072, 10**12]
    sink.commit([verdict(position) for position in positions], {})
    assert list(count_by_track(str(tmp_path)).values()) == [TrackCount(rows=7, positions=6)]
