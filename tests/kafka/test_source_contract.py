"""What every source promises, tried on a Kafka topic: 10,000 records in two partitions.

The same as `tests/sources/test_contract.py`. Both partitions are assigned at once, so what that file says of shards
that come one after the other is said here of two side by side. A stream delivers what the broker has sent so far:
where that file wants all that there is room for in one poll, a few polls may bring it.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator

import pytest

from assay.contracts import Polled, Shard, Source
from tests.kafka.broker import Topics
from tests.kafka.workshop import config_of, source_of

ROWS = 10_000
EACH = ROWS // 2
Start = Callable[[], tuple[Source, dict[str, Shard]]]


@pytest.fixture(scope="module")
def topic(kafka: Topics) -> str:
    name = f"contract-{uuid.uuid4().hex[:12]}"
    kafka.create_topic(name, 2)
    made = [(n // EACH, {"id": f"i{n}", "text": f"text {n}"}) for n in range(ROWS)]
    kafka.produce(name, [(partition, None, json.dumps(value).encode(), [], None) for partition, value in made])
    return name


@pytest.fixture
def start(kafka: Topics, topic: str, topic_name: str) -> Iterator[Start]:
    """A source in a group of its own with both shards assigned and neither sought."""
    sources: list[Source] = []

    def start_() -> tuple[Source, dict[str, Shard]]:
        source = source_of(config_of(kafka, topic, group=topic_name), {(topic, 0): EACH, (topic, 1): EACH})
        sources.append(source)
        shards: dict[str, Shard] = {}
        while len(shards) < 2:
            polled = source.poll(0, 1.0)
            assert not polled.arrivals
            shards |= {grant.shard.id: grant.shard for grant in polled.assigned}
        return source, shards

    yield start_
    for source in sources:
        source.close()


def _positions(polled: Polled, shard: Shard) -> list[int]:
    return [arrival.place.position for arrival in polled.arrivals if arrival.place.shard == shard.id]


def _next(source: Source, room: int) -> Polled:
    """The next poll that brings items. Fails after half a minute."""
    for _ in range(30):
        polled = source.poll(room, 1.0)
        if polled.arrivals:
            return polled
    raise AssertionError("nothing came")


def test_nothing_is_delivered_between_assignment_and_seek(start: Start) -> None:
    source, shards = start()
    for _ in range(3):
        polled = source.poll(100, 0.2)
        assert not polled.arrivals
        assert not polled.assigned
        assert not polled.reached
    source.seek(shards["1"], None)
    assert {arrival.place.shard for arrival in _next(source, 100).arrivals} == {"1"}


def test_items_come_in_order_and_none_is_left_out(start: Start) -> None:
    source, shards = start()
    for shard in shards.values():
        source.seek(shard, None)
    found: dict[str, list[int]] = {"0": [], "1": []}
    reached: dict[Shard, int] = {}
    while set(reached.values()) != {EACH} or len(reached) < 2:
        polled = source.poll(777, 1.0)
        for name, shard in shards.items():
            found[name] += _positions(polled, shard)
            if shard in polled.reached:
                assert not found[name] or found[name][-1] < polled.reached[shard]
        reached |= polled.reached
    assert found == {"0": list(range(EACH)), "1": list(range(EACH))}


def test_room_is_never_exceeded(start: Start) -> None:
    source, shards = start()
    for shard in shards.values():
        source.seek(shard, None)
    assert not source.poll(0, 0.2).arrivals
    assert len(_next(source, 1).arrivals) == 1
    for _ in range(20):
        assert len(source.poll(7, 0.2).arrivals) <= 7


@pytest.mark.parametrize("position", [0, 1, 4095, 4096, 4999])
def test_delivery_begins_where_it_was_sought(start: Start, position: int) -> None:
    source, shards = start()
    source.seek(shards["0"], position)
    assert _positions(_next(source, 1), shards["0"]) == [position]


def test_a_shard_can_be_sought_again_while_it_is_read_and_after(start: Start) -> None:
    source, shards = start()
    shard = shards["0"]
    source.seek(shard, 4000)
    _next(source, 500)
    source.seek(shard, 10)
    assert _positions(_next(source, 1), shard) == [10]
    source.seek(shard, 4990)
    while source.poll(100, 1.0).reached.get(shard) != EACH:
        pass
    source.seek(shard, 4998)
    assert _positions(_next(source, 10), shard) == [4998, 4999]


def test_a_shard_sought_to_its_stop_is_finished_at_once(start: Start) -> None:
    source, shards = start()
    source.seek(shards["0"], shards["0"].stop)
    polled = source.poll(100, 1.0)
    assert not polled.arrivals
    assert polled.reached == {shards["0"]: EACH}


def test_a_source_stays_ended_after_it_was_closed(start: Start) -> None:
    source, shards = start()
    source.seek(shards["0"], 0)
    source.close()
    for _ in range(2):
        assert source.poll(2, 0.0).ended
