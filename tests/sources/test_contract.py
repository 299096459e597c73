"""What every source promises, tried on each of them: two shards of 5,000 items."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from assay.contracts import Grant, Shard, Source
from assay.records import Item, ItemKind, Place, Turn
from sources.memory import MemorySource
from tests.sources.workshop import config, source_of, write

ROWS = 10_000
Made = tuple[Source, Callable[[], list[Shard]]]


def _memory(_: Path) -> Made:
    shards = [Shard("memory", "0-5000", 5000), Shard("memory", "5000-10000", 10_000)]
    arrivals = {
        shard: [
            Item(f"i{n}", ItemKind.TEXT, (Turn("user", f"text {n}"),), Place("memory", shard.id, n))
            for n in range(first, first + 5000)
        ]
        for shard, first in zip(shards, (0, 5000), strict=True)
    }
    source = MemorySource([Grant(shard) for shard in shards], arrivals)
    return source, lambda: list(source.done)


def _parquet(folder: Path) -> Made:
    ids, texts = [f"i{n}" for n in range(ROWS)], [f"text {n}" for n in range(ROWS)]
    source, claims = source_of(config(write(folder / "a.parquet", {"id": ids, "text": texts}, row_group_size=5000)))
    return source, lambda: claims.settled


@pytest.fixture(params=[_memory, _parquet], ids=["memory", "parquet"])
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Made:
    make: Callable[[Path], Made] = request.param
    return make(tmp_path)


def _assigned(source: Source) -> Shard:
    (grant,) = source.poll(0, 1.0).assigned
    return grant.shard


def test_nothing_is_delivered_between_assignment_and_seek(made: Made) -> None:
    source, _ = made
    shard = _assigned(source)
    for _ in range(3):
        polled = source.poll(100, 0.0)
        assert not polled.arrivals
        assert not polled.assigned
    source.seek(shard, None)
    assert source.poll(100, 1.0).arrivals


def test_items_come_in_order_and_none_is_left_out(made: Made) -> None:
    source, _ = made
    positions: list[int] = []
    while True:
        polled = source.poll(777, 1.0)
        positions.extend(arrival.place.position for arrival in polled.arrivals)
        for grant in polled.assigned:
            source.seek(grant.shard, None)
        if polled.ended:
            break
    assert positions == list(range(ROWS))


def test_room_is_never_exceeded(made: Made) -> None:
    source, _ = made
    source.seek(_assigned(source), None)
    assert not source.poll(0, 0.0).arrivals
    assert len(source.poll(1, 1.0).arrivals) == 1
    assert len(source.poll(7, 1.0).arrivals) == 7


@pytest.mark.parametrize("position", [0, 1, 4095, 4096, 4999])
def test_delivery_begins_where_it_was_sought(made: Made, position: int) -> None:
    source, _ = made
    source.seek(_assigned(source), position)
    assert [a.place.position for a in source.poll(1, 1.0).arrivals] == [position]


def test_a_shard_can_be_sought_again_while_it_is_read_and_after(made: Made) -> None:
    source, _ = made
    shard = _assigned(source)
    source.seek(shard, 4000)
    source.poll(500, 1.0)
    source.seek(shard, 10)
    assert source.poll(1, 1.0).arrivals[0].place.position == 10
    source.seek(shard, 4990)
    polled = source.poll(100, 1.0)
    assert list(polled.reached) == [shard]
    source.seek(shard, 4998)
    assert [a.place.position for a in source.poll(10, 1.0).arrivals] == [4998, 4999]


def test_the_poll_that_finishes_a_shard_assigns_the_next(made: Made) -> None:
    source, _ = made
    shard = _assigned(source)
    source.seek(shard, 4990)
    polled = source.poll(100, 1.0)
    assert len(polled.arrivals) == 10
    assert list(polled.reached) == [shard]
    assert [grant.shard.stop for grant in polled.assigned] == [10_000]
    assert not polled.ended


def test_a_shard_sought_to_its_stop_is_finished_at_once(made: Made) -> None:
    source, _ = made
    shard = _assigned(source)
    source.seek(shard, shard.stop)
    polled = source.poll(100, 1.0)
    assert not polled.arrivals
    assert list(polled.reached) == [shard]


def test_a_source_ends_after_its_last_item_and_stays_ended(made: Made) -> None:
    source, _ = made
    source.seek(_assigned(source), 4999)
    polled = source.poll(2, 1.0)
    assert not polled.ended
    source.seek(polled.assigned[0].shard, 9999)
    polled = source.poll(2, 1.0)
    assert [a.place.position for a in polled.arrivals] == [9999]
    assert polled.ended
    assert source.poll(2, 0.0).ended


def test_a_shard_is_done_once_it_is_acknowledged_to_its_stop(made: Made) -> None:
    source, done = made
    shard = _assigned(source)
    source.seek(shard, None)
    source.acknowledge({shard: 4999})
    assert not done()
    source.acknowledge({shard: 5000})
    source.acknowledge({shard: 5000})
    assert done() == [shard]
