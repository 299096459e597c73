"""The Kafka source on a real broker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from assay.contracts import Shard
from sources.kafka import KafkaSource
from tests.kafka.broker import Topics
from tests.kafka.workshop import Driver, config_of, record, source_of


@pytest.fixture
def opened() -> Iterator[list[KafkaSource]]:
    """Sources to be closed after the test."""
    sources: list[KafkaSource] = []
    yield sources
    for source in sources:
        source.close()


def test_every_record_of_every_partition_comes_once_and_in_order(
    kafka: Topics, topic_name: str, opened: list[KafkaSource]
) -> None:
    kafka.create_topic(topic_name, 3)
    kafka.produce(topic_name, [one for n in range(500) for one in records_of_each(n)])
    source = source_of(config_of(kafka, topic_name))
    opened.append(source)
    driver = Driver(source).at(p0=500, p1=500, p2=500)
    for partition in range(3):
        assert driver.offsets(partition) == list(range(500))
    assert {a.id for a in driver.arrivals} == {f"p{p}-{n}" for p in range(3) for n in range(500)}
    assert driver.owned["0"] == Shard(topic_name, "0", None, stream=True)


def records_of_each(number: int) -> list[tuple[int, bytes | None, bytes | None, list[tuple[str, bytes]], int | None]]:
    return [record(partition, number) for partition in range(3)]  # type: ignore[misc]
