"""The Kafka source on a real broker: what it delivers, from where, and up to where."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.structs import OffsetAndMetadata

from assay.config import KafkaConfig
from assay.contracts import Shard
from assay.errors import InputError
from assay.records import BadItem, Reason
from sources.kafka import KafkaSource
from sources.kafka_client import survey
from tests.kafka.broker import Topics
from tests.kafka.workshop import Driver, config_of, record, records, source_of

Open = Callable[..., Driver]


@pytest.fixture
def opened() -> Iterator[Open]:
    """Opens sources, to be closed after the test."""
    sources: list[KafkaSource] = []

    def open_(
        config: KafkaConfig,
        positions: Mapping[int, int | None] | None = None,
        ends: Mapping[tuple[str, int], int] | None = None,
    ) -> Driver:
        sources.append(source_of(config, ends))
        return Driver(sources[-1], positions)

    yield open_
    for source in sources:
        source.close()


def _delete_before(kafka: Topics, topic: str, offset: int) -> None:
    admin: KafkaAdminClient = kafka.admin()
    admin.delete_records({TopicPartition(topic, 0): offset})
    admin.close()


def _committed(kafka: Topics, config: KafkaConfig, partition: int = 0) -> int | None:
    client = KafkaConsumer(bootstrap_servers=kafka.address, group_id=config.group)
    try:
        offset: int | None = client.committed(TopicPartition(config.topics[0], partition))
        return offset
    finally:
        client.close()


def test_every_record_of_every_partition_comes_once_and_in_order(kafka: Topics, topic_name: str, opened: Open) -> None:
    kafka.create_topic(topic_name, 3)
    kafka.produce(topic_name, [record(p, n) for n in range(500) for p in range(3)])
    driver = opened(config_of(kafka, topic_name)).at(p0=500, p1=500, p2=500)
    for partition in range(3):
        assert driver.offsets(partition) == list(range(500))
    assert {a.id for a in driver.arrivals} == {f"p{p}-{n}" for p in range(3) for n in range(500)}
    assert driver.owned["0"] == Shard(topic_name, "0", None, stream=True)
    assert not driver.news


def test_records_that_come_later_are_delivered(kafka: Topics, topic_name: str, opened: Open) -> None:
    kafka.create_topic(topic_name)
    driver = opened(config_of(kafka, topic_name)).at(p0=0)
    kafka.produce(topic_name, records(0, range(5)))
    assert driver.at(p0=5).offsets() == list(range(5))


def test_nothing_is_delivered_before_it_is_sought(kafka: Topics, topic_name: str, opened: Open) -> None:
    kafka.create_topic(topic_name)
    kafka.produce(topic_name, records(0, range(5)))
    driver = opened(config_of(kafka, topic_name))
    driver.seeking = False
    driver.until(lambda me: me.owned)
    for _ in range(3):
        polled = driver.poll()
        assert not polled.arrivals
        assert not polled.reached
    driver.source.seek(driver.owned["0"], 3)
    assert driver.at(p0=5).offsets() == [3, 4]


def test_it_begins_at_the_position_sought_and_not_where_the_group_committed(
    kafka: Topics, topic_name: str, opened: Open
) -> None:
    kafka.create_topic(topic_name)
    kafka.produce(topic_name, records(0, range(10)))
    config = config_of(kafka, topic_name)
    client = KafkaConsumer(bootstrap_servers=kafka.address, group_id=config.group)
    client.commit({TopicPartition(topic_name, 0): OffsetAndMetadata(8, "", -1)})
    client.close()
    assert opened(config, {0: 4}).at(p0=10).offsets() == list(range(4, 10))


def test_without_a_position_it_begins_at_the_first_offset_or_a_time(
    kafka: Topics, topic_name: str, opened: Open
) -> None:
    kafka.create_topic(topic_name)
    kafka.produce(topic_name, [record(0, n, timestamp=1_700_000_000_000 + 1000 * n) for n in range(10)])
    _delete_before(kafka, topic_name, 2)
    for start in ("earliest", "latest"):  # where `latest` is, the job has settled before
        driver = opened(config_of(kafka, topic_name, group=f"a-{start}", start=start)).at(p0=10)
        assert driver.offsets() == list(range(2, 10))
    time_of_seven = datetime.fromtimestamp(1_700_000_006.5, UTC)
    assert opened(config_of(kafka, topic_name, group="b", start=time_of_seven)).at(p0=10).offsets() == [7, 8, 9]
    later = datetime.fromtimestamp(1_800_000_000, UTC)
    driver = opened(config_of(kafka, topic_name, group="c", start=later)).at(p0=10)
    kafka.produce(topic_name, records(0, range(10, 12)))
    assert driver.at(p0=12).offsets() == [10, 11]


def test_room_is_never_exceeded(kafka: Topics, topic_name: str, opened: Open) -> None:
    kafka.create_topic(topic_name, 2)
    kafka.produce(topic_name, [record(p, n) for n in range(30) for p in range(2)])
    driver = opened(config_of(kafka, topic_name)).until(lambda me: len(me.owned) == 2)
    driver.until(lambda me: me.reached.items() == {"0": 30, "1": 30}.items(), room=7)
    assert driver.offsets(0) == driver.offsets(1) == list(range(30))


def test_a_shard_can_be_sought_again_while_it_is_read(kafka: Topics, topic_name: str, opened: Open) -> None:
    kafka.create_topic(topic_name, 2)
    kafka.produce(topic_name, [record(p, n) for n in range(50) for p in range(2)])
    driver = opened(config_of(kafka, topic_name)).until(lambda me: len(me.offsets(0)) >= 10, room=10)
    driver.arrivals.clear()
    driver.source.seek(driver.owned["0"], 5)
    driver.at(p0=50, p1=50)
    assert driver.offsets(0) == list(range(5, 50))


def test_without_room_it_stays_in_the_group_and_keeps_what_it_has(kafka: Topics, topic_name: str, opened: Open) -> None:
    kafka.create_topic(topic_name, 2)
    kafka.produce(topic_name, [record(p, n) for n in range(100) for p in range(2)])
    driver = opened(config_of(kafka, topic_name, session_seconds=1.5)).until(lambda me: me.arrivals, room=10)
    until = time.monotonic() + 5
    while time.monotonic() < until:
        polled = driver.poll(room=0, timeout=0.05)
        assert not polled.arrivals
    assert not driver.revoked
    driver.at(p0=100, p1=100)
    assert driver.offsets(0) == driver.offsets(1) == list(range(100))


def test_heartbeats_go_on_while_nobody_polls(kafka: Topics, topic_name: str, opened: Open) -> None:
    kafka.create_topic(topic_name)
    kafka.produce(topic_name, records(0, range(10)))
    driver = opened(config_of(kafka, topic_name, session_seconds=1.5)).until(lambda me: me.arrivals, room=5)
    time.sleep(5)
    assert driver.at(p0=10).offsets() == list(range(10))
    assert not driver.revoked


def test_the_group_is_told_what_is_settled(kafka: Topics, topic_name: str, opened: Open) -> None:
    kafka.create_topic(topic_name, 2)
    kafka.produce(topic_name, [record(p, n) for n in range(10) for p in range(2)])
    config = config_of(kafka, topic_name)
    driver = opened(config).at(p0=10, p1=10)
    driver.source.acknowledge({driver.owned["0"]: 7})
    driver.until(lambda _: _committed(kafka, config) == 7)
    driver.source.acknowledge({driver.owned["1"]: 9})
    driver.source.close()
    assert _committed(kafka, config, 1) == 9


def test_it_stops_at_the_ends_that_it_is_given(kafka: Topics, topic_name: str, opened: Open) -> None:
    kafka.create_topic(topic_name, 2)
    kafka.produce(topic_name, [record(p, n) for n in range(20) for p in range(2)])
    config = config_of(kafka, topic_name)
    ends = survey(config).ends
    assert ends == {(topic_name, 0): 20, (topic_name, 1): 20}
    kafka.produce(topic_name, records(0, range(20, 40)))
    driver = opened(config, ends={**ends, (topic_name, 1): 5}).at(p0=20, p1=5)
    for _ in range(5):
        driver.poll()
    assert driver.offsets(0) == list(range(20))
    assert driver.offsets(1) == list(range(5))
    assert driver.owned["1"].stop == 5
    driver.arrivals.clear()
    for position in (18, 0):
        driver.source.seek(driver.owned["0"], position)
        driver.until(lambda me: me.offsets(0)[-1:] == [19])
        assert driver.offsets(0) == list(range(position, 20))
        driver.arrivals.clear()


def test_records_that_compaction_removed_are_passed(kafka: Topics, topic_name: str, opened: Open) -> None:
    kafka.create_topic(
        topic_name,
        cleanup_policy="compact",
        min_cleanable_dirty_ratio="0.01",
        segment_ms=100,
        min_compaction_lag_ms=0,
        max_compaction_lag_ms=100,
    )
    value = record(0, 0)[2]
    for _ in range(100):
        kafka.produce(topic_name, [(0, b"one key", value, [], None)])
    deadline = time.monotonic() + 60
    end, offsets = 0, list(range(100))
    while len(offsets) > 50 and time.monotonic() < deadline:
        time.sleep(0.3)
        kafka.produce(topic_name, [(0, b"one key", value, [], None)])
        config = config_of(kafka, topic_name, group=f"{topic_name}-{end}")
        end = survey(config).ends[topic_name, 0]
        offsets = opened(config).at(p0=end).offsets()
    assert len(offsets) <= 50
    assert offsets == sorted(set(offsets))
    assert offsets[-1] == end - 1


def test_an_aborted_transaction_is_passed_and_the_end_is_reached(kafka: Topics, topic_name: str, opened: Open) -> None:
    kafka.create_topic(topic_name)
    producer = KafkaProducer(bootstrap_servers=kafka.address, transactional_id=topic_name)
    producer.init_transactions()
    for commit, numbers in ((True, range(3)), (False, range(3, 6))):
        producer.begin_transaction()
        for _, _, value, _, _ in records(0, numbers):
            producer.send(topic_name, value=value, partition=0)
        producer.flush()
        (producer.commit_transaction if commit else producer.abort_transaction)()
    config = config_of(kafka, topic_name)
    ends = survey(config).ends
    assert ends[topic_name, 0] == 8
    assert opened(config, ends=ends).at(p0=8).offsets() == [0, 1, 2]
    open_ = config_of(kafka, topic_name, group="uncommitted", isolation_level="read_uncommitted")
    assert opened(open_).at(p0=8).offsets() == [0, 1, 2, 4, 5, 6]
    producer.begin_transaction()
    producer.send(topic_name, value=record(0, 9)[2], partition=0)
    producer.flush()
    assert survey(config).ends[topic_name, 0] == 8
    assert survey(open_).ends[topic_name, 0] == 9
    producer.abort_transaction()
    producer.close()


def test_a_gap_stops_it_and_says_what_is_lost(kafka: Topics, topic_name: str, opened: Open) -> None:
    kafka.create_topic(topic_name)
    kafka.produce(topic_name, records(0, range(10)))
    _delete_before(kafka, topic_name, 6)
    driver = opened(config_of(kafka, topic_name), {0: 2})
    with pytest.raises(InputError, match=rf"{topic_name}, partition 0.*offset 2 to before 6 .*source.on_gap: skip"):
        driver.until(lambda me: me.arrivals)


def test_a_gap_becomes_one_rejection_if_the_config_says_so(kafka: Topics, topic_name: str, opened: Open) -> None:
    kafka.create_topic(topic_name)
    kafka.produce(topic_name, records(0, range(10)))
    _delete_before(kafka, topic_name, 6)
    driver = opened(config_of(kafka, topic_name, on_gap="skip"), {0: 2}).at(p0=10)
    gap = driver.arrivals[0]
    assert isinstance(gap, BadItem)
    assert gap.reason is Reason.GAP
    assert "offset 2 to before 6" in gap.detail
    assert driver.offsets() == [2, 6, 7, 8, 9]
    assert [news.text for news in driver.news] == [gap.detail]


def test_retention_that_overtakes_it_while_it_reads_is_a_gap_too(kafka: Topics, topic_name: str, opened: Open) -> None:
    kafka.create_topic(topic_name)
    driver = opened(config_of(kafka, topic_name, on_gap="skip")).at(p0=0)
    driver.poll(room=0)
    kafka.produce(topic_name, records(0, range(10)))
    _delete_before(kafka, topic_name, 4)
    time.sleep(0.5)
    driver.at(p0=10)
    assert driver.offsets() in ([0, 4, 5, 6, 7, 8, 9], list(range(10)))


def test_a_position_after_the_end_is_refused(kafka: Topics, topic_name: str, opened: Open) -> None:
    kafka.create_topic(topic_name)
    kafka.produce(topic_name, records(0, range(3)))
    with pytest.raises(InputError, match=r"read up to offset 5, but it ends at 3.*another sink\.path"):
        opened(config_of(kafka, topic_name), {0: 5}).until(lambda me: me.arrivals)
