"""What tests put into topics, and what they find there and in the table."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from sinks.counts import active_files
from tests.kafka.broker import Topics
from tests.kafka.stream_place import StreamPlace, record, wait_until

MIB = 2**20


def rows_of(place: StreamPlace) -> list[dict[str, Any]]:
    """Every row of the table as it is, bytes and all."""
    files = active_files(str(place.folder / "out" / "audit"), "verdicts") or []
    rows: list[dict[str, Any]] = pa.concat_tables([pq.ParquetFile(file).read() for file in files]).to_pylist()
    return rows


def told(kafka: Topics, topic: str) -> list[Any]:
    """Every message of a topic."""
    client = KafkaConsumer(
        bootstrap_servers=kafka.address,
        isolation_level="read_committed",
        enable_auto_commit=False,
        max_partition_fetch_bytes=16 * MIB,
    )
    partitions = [TopicPartition(topic, number) for number in client.partitions_for_topic(topic)]
    client.assign(partitions)
    client.seek_to_beginning(*partitions)
    ends, found, deadline = client.end_offsets(partitions), [], time.monotonic() + 30
    while any(client.position(one) < ends[one] for one in partitions):
        assert time.monotonic() < deadline
        found += [message for batch in client.poll(timeout_ms=200).values() for message in batch]
    client.close()
    return found


def visible(kafka: Topics, topic: str) -> set[tuple[str, int, int]]:
    """What a plain consumer of committed records sees."""
    return {(message.topic, message.partition, message.offset) for message in told(kafka, topic)}


def delete_before(kafka: Topics, topic: str, offset: int) -> None:
    admin = kafka.admin()
    admin.delete_records({TopicPartition(topic, 0): offset})
    admin.close()


def produce_large(
    kafka: Topics, topic: str, values: Sequence[tuple[str, bytes | None]]
) -> dict[tuple[str, int, int], tuple[str, bytes | None]]:
    """Values of up to 8 MiB, each with a word of the caller's, over three partitions; where each one went."""
    producer = KafkaProducer(bootstrap_servers=kafka.address, acks="all", max_request_size=8 * MIB)
    sent = [
        (producer.send(topic, value=value, key=b"any", partition=number % 3), word, value)
        for number, (word, value) in enumerate(values)
    ]
    places = [(future.get(timeout=60), word, value) for future, word, value in sent]
    producer.close()
    return {(topic, at.partition, at.offset): (word, value) for at, word, value in places}


def compacted(kafka: Topics, topic: str) -> None:
    """A topic of one key from which the broker has removed some records."""
    kafka.create_topic(
        topic,
        cleanup_policy="compact",
        min_cleanable_dirty_ratio="0.01",
        segment_ms=100,
        min_compaction_lag_ms=0,
        max_compaction_lag_ms=100,
    )
    counted = Count(0)

    def removed() -> bool:
        for _ in range(10):
            kafka.produce(topic, [(0, b"one key", record(counted.up()), (), None)])
        return len(visible(kafka, topic)) < counted.value - 5

    wait_until(removed)


def aborting(kafka: Topics, topic: str) -> None:
    """Offsets 0 to 2 of a transaction that was committed, 4 to 6 of one that was not, 8 of another that was."""
    kafka.create_topic(topic)
    producer = KafkaProducer(bootstrap_servers=kafka.address, transactional_id=topic)
    producer.init_transactions()
    for commit, numbers in ((True, range(3)), (False, range(3, 6)), (True, range(6, 7))):
        producer.begin_transaction()
        for number in numbers:
            producer.send(topic, value=record(number), partition=0)
        producer.flush()
        (producer.commit_transaction if commit else producer.abort_transaction)()
    producer.close()


@dataclass
class Count:
    """A number that goes up."""

    value: int

    def up(self) -> int:
        self.value += 1
        return self.value
