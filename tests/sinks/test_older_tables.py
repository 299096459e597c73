"""Tables that earlier versions of assay made, with fewer columns."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from deltalake import write_deltalake

from assay.contracts import Shard
from assay.records import Mode
from jobs.sql import query
from sinks.counts import count_by_track, count_outcomes, settled_positions
from sinks.lookup import TableLookup
from sinks.messages import dead_letters, verdict_messages
from sinks.replay import dead_letter_rows, verdict_rows
from sinks.schema import LATER, PARTITION, to_table
from tests.sinks.outcomes import JUDGE, SPAM, rejection, verdict
from tests.sinks.stand import open_sink


def test_a_table_of_an_earlier_version_gets_the_columns_that_it_lacks(tmp_path: Path) -> None:
    at, old = f"{tmp_path}/verdicts", to_table([verdict(0)]).drop_columns(list(LATER))
    write_deltalake(at, old, partition_by=[PARTITION])
    with ThreadPoolExecutor(4) as threads:
        sinks = list(threads.map(lambda _: open_sink(str(tmp_path)), range(4)))
    for number, each in enumerate(sinks, start=1):
        each.commit([replace(verdict(number), key="ab" * 32)], {})
    found = query(str(tmp_path), "select position, case_key, reused_run from outcomes order by position").to_pylist()
    assert [(row["position"], row["case_key"]) for row in found] == [(0, None), *((n, "ab" * 32) for n in range(1, 5))]
    lookup = TableLookup(str(tmp_path))
    lookup.catch_up()
    assert len(lookup.find(["ab" * 32])) == 1
    lookup.close()


def test_rows_of_an_earlier_version_are_live_wherever_they_are_counted_or_told(tmp_path: Path) -> None:
    path, stream = str(tmp_path), Shard("events", "0", stream=True)
    old = to_table([verdict(0, shard=stream), rejection(5, shard=stream)]).drop_columns(list(LATER))
    write_deltalake(f"{path}/verdicts", old, partition_by=[PARTITION])
    shadow = SPAM.model_copy(update={"mode": Mode.SHADOW})
    for step in range(2):
        assert settled_positions(path, stream, SPAM, JUDGE) == {0, 5}
        assert settled_positions(path, stream, shadow, JUDGE) == ({0, 1, 5} if step else frozenset())
        assert {track.mode: count.rows for track, count in count_by_track(path).items()} == (
            {"live": 2, "shadow": 3} if step else {"live": 2}
        )
        count = count_outcomes(path, "run-1")
        assert (count.verdicts, count.flagged, count.shadow, count.shadow_flagged) == (
            1 + 2 * step,
            1,
            2 * step,
            2 * step,
        )
        kept = list(verdict_rows(path, stream, 0))
        assert [rows.num_rows for rows in kept] == [1]
        assert [one.position for rows in kept for one in verdict_messages(rows)] == [0]
        (unread,) = dead_letter_rows(path, stream, 0)
        assert [one.position for one in dead_letters(unread)] == [5]
        assert unread.num_rows == 1
        assert [row["n"] for row in query(path, "select count(*) as n from outcomes").to_pylist()] == [2]
        if not step:
            unread_too = replace(rejection(5, shard=stream), policy=shadow)
            open_sink(path).commit([*(verdict(n, shard=stream, under=shadow) for n in range(2)), unread_too], {})


def test_a_table_of_an_earlier_version_can_be_read_as_it_is(tmp_path: Path) -> None:
    old = to_table([verdict(0)]).drop_columns(list(LATER))
    write_deltalake(f"{tmp_path}/verdicts", old, partition_by=[PARTITION])
    assert query(str(tmp_path), "select case_key from verdicts").to_pylist() == [{"case_key": None}]
