"""`assay stream` and topics that change under it: partitions that are added, ends that are not where they were."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaProducer

from tests.kafka.broker import Topics
from tests.kafka.stream_place import StreamPlace, make_stream, messages, record
from tests.ray_cluster import SharedCluster

pytestmark = pytest.mark.slow


@pytest.fixture
def place(tmp_path: Path, kafka: Topics, topic_name: str, ray_cluster: SharedCluster) -> StreamPlace:
    return make_stream(tmp_path, kafka, topic_name).join(ray_cluster)


def started(place: StreamPlace) -> subprocess.Popen[str]:
    """The job, which has asked where the partitions end, and has no replica yet."""
    process = place.start("stream", "CONFIG", "--json")
    assert process.stderr is not None
    while "auditing" not in (line := process.stderr.readline()):
        assert line, process.communicate()
    return process


def parts(summary: dict[str, Any]) -> list[tuple[int, int | None, int | None, int, int]]:
    """Partition, began, position, items, lag."""
    return [
        tuple(part[key] for key in ("partition", "began", "position", "items", "lag")) for part in summary["partitions"]
    ]


def test_at_latest_nothing_is_lost_that_came_after_the_start(place: StreamPlace, kafka: Topics) -> None:
    place.config["source"]["start"] = "latest"
    kafka.create_topic(place.topic)
    kafka.produce(place.topic, messages(1, 5))
    process = started(place)
    kafka.produce(place.topic, messages(1, 3))
    place.wait_for_count(6, process)
    kafka.add_partitions(place.topic, 2)
    kafka.produce(place.topic, [(1, None, record(number), (), None) for number in range(4)])
    place.wait_for_count(14, process)
    summary = place.finish(process)
    assert parts(summary) == [(0, 5, 8, 3, 0), (1, None, 4, 4, 0)]
    assert summary["items"] == 7
    kafka.add_partitions(place.topic, 3)
    kafka.produce(place.topic, [(2, None, record(number), (), None) for number in range(2)])
    assert parts(place.stream()) == [(0, 8, 8, 0, 0), (1, 4, 4, 0, 0), (2, None, 2, 2, 0)]
    offsets = [(0, 5), (0, 6), (0, 7), (1, 0), (1, 1), (1, 2), (1, 3), (2, 0), (2, 1)]
    assert place.rows() == [(*at, policy) for at in offsets for policy in ("p0", "p1")]


def test_a_partition_that_no_replica_has_yet_is_lag_too(place: StreamPlace, kafka: Topics) -> None:
    kafka.create_topic(place.topic)
    kafka.produce(place.topic, messages(1, 5))
    process = place.start("stream", "CONFIG", "--json")
    place.wait_for_count(10, process)
    kafka.add_partitions(place.topic, 2)
    kafka.produce(place.topic, [(1, None, record(number), (), None) for number in range(6)])
    kafka.delete_before(place.topic, 1, 2)
    summary = place.finish(process)
    assert parts(summary)[0] == (0, None, 5, 5, 0)
    assert parts(summary)[1] in [(1, None, None, 0, 4), (1, None, 6, 4, 0)]


def test_a_ledger_that_is_past_an_open_transaction_is_at_the_end(place: StreamPlace, kafka: Topics) -> None:
    place.config["source"]["isolation_level"] = "read_uncommitted"
    kafka.create_topic(place.topic)
    kafka.produce(place.topic, messages(1, 3))
    producer = KafkaProducer(bootstrap_servers=kafka.address, transactional_id=place.topic)
    producer.init_transactions()
    producer.begin_transaction()
    for number in range(2):
        producer.send(place.topic, value=record(number), partition=0)
    producer.flush()
    assert parts(place.stream()) == [(0, None, 5, 5, 0)]
    place.config["source"]["isolation_level"] = "read_committed"
    summary = place.stream()
    assert (summary["state"], parts(summary)) == ("done", [(0, 5, 5, 0, 0)])
    process = started(place)
    producer.commit_transaction()
    producer.close()
    kafka.produce(place.topic, messages(1, 1))
    place.wait_for_count(12, process)
    summary = place.finish(process)
    assert parts(summary) in [[(0, 5, 7, 1, 0)], [(0, 5, 6, 1, 1)]]
    *read, last = (offset for _, offset, policy in place.rows() if policy == "p0")
    assert read == [0, 1, 2, 3, 4]
    assert last in (5, 6), "before or after the mark that ends the transaction"
