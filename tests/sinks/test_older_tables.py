"""Tables that earlier versions of assay made, with fewer columns."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from deltalake import write_deltalake

from jobs.sql import query
from sinks.lookup import TableLookup
from sinks.schema import LATER, PARTITION, to_table
from tests.sinks.outcomes import verdict
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


def test_a_table_of_an_earlier_version_can_be_read_as_it_is(tmp_path: Path) -> None:
    old = to_table([verdict(0)]).drop_columns(list(LATER))
    write_deltalake(f"{tmp_path}/verdicts", old, partition_by=[PARTITION])
    assert query(str(tmp_path), "select case_key from verdicts").to_pylist() == [{"case_key": None}]
