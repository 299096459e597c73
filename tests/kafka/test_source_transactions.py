"""A position after the last stable offset: it was read without regard to transactions, one of which is still open."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from kafka import KafkaProducer

from tests.kafka.broker import Topics
from tests.kafka.workshop import Driver, config_of, records, source_of


@pytest.fixture
def producer(kafka: Topics, topic_name: str) -> Iterator[KafkaProducer]:
    """Has a transaction open: offsets 3 to 5 of the topic, after three records that are no part of any."""
    kafka.create_topic(topic_name)
    kafka.produce(topic_name, records(0, range(3)))
    producer = KafkaProducer(bootstrap_servers=kafka.address, transactional_id=topic_name)
    producer.init_transactions()
    producer.begin_transaction()
    _send(producer, topic_name, 3)
    yield producer
    producer.close()


def _send(producer: KafkaProducer, topic: str, count: int) -> None:
    for _, _, value, _, _ in records(0, range(count)):
        producer.send(topic, value=value, partition=0)
    producer.flush()


@pytest.mark.parametrize(("commits", "offsets"), [(True, [6, 7]), (False, [])])
def test_it_is_read_from_there_when_the_transaction_is_over(
    kafka: Topics, topic_name: str, producer: KafkaProducer, commits: bool, offsets: list[int]
) -> None:
    driver = Driver(source_of(config_of(kafka, topic_name)), {0: 6}).at(p0=6)
    _send(producer, topic_name, 2)
    for _ in range(5):
        driver.poll()
    assert not driver.arrivals
    (producer.commit_transaction if commits else producer.abort_transaction)()
    kafka.produce(topic_name, records(0, range(1)))
    *read, last = driver.at(p0=10).offsets()
    assert read == offsets
    assert last in (8, 9), "before or after the mark that ends the transaction"
    driver.source.close()


def test_it_is_no_loss_where_the_end_is_before_it(kafka: Topics, topic_name: str, producer: KafkaProducer) -> None:
    driver = Driver(source_of(config_of(kafka, topic_name), {(topic_name, 0): 3}), {0: 6}).at(p0=3)
    assert not driver.arrivals
    driver.source.close()
    producer.abort_transaction()
