"""Batches on a real broker: every codec, names of headers that are no UTF-8, batches that can't be read."""

from __future__ import annotations

import gzip
import struct

import pytest
from kafka import KafkaProducer, TopicPartition
from kafka.codec import zstd_encode
from kafka.consumer.fetcher import Fetcher
from kafka.record import MemoryRecords
from kafka.record.default_records import DefaultRecordBatchBuilder
from kafka.record.util import calc_crc32c

from assay.errors import FatalError, InputError
from assay.records import BadItem, Item
from sources import kafka_batches
from tests.kafka.broker import Topics
from tests.kafka.workshop import Driver, config_of, record, records, source_of

NAME = "Grösse"


def batch(codec: int = 0, count: int = 3, headers: list[tuple[str, bytes]] | None = None) -> bytearray:
    """A batch as brokers send it, whose offsets begin at 0."""
    builder = DefaultRecordBatchBuilder(
        magic=2,
        compression_type=codec,
        is_transactional=False,
        producer_id=-1,
        producer_epoch=-1,
        base_sequence=-1,
        batch_size=2**20,
    )
    for offset in range(count):
        builder.append(offset, 1_700_000_000_000, None, b"v" * 200, headers or [])
    return bytearray(builder.build())


def read(raw: bytes) -> Fetcher.PartitionRecords:
    return kafka_batches._Records(0, TopicPartition("t", 7), MemoryRecords(bytes(raw)), check_crcs=True)


def _signed(raw: bytearray) -> bytearray:
    struct.pack_into(">I", raw, 17, calc_crc32c(memoryview(raw)[21:]))
    struct.pack_into(">i", raw, 8, len(raw) - 12)
    return raw


def test_every_codec_of_kafka_is_read(kafka: Topics, topic_name: str) -> None:
    kafka.create_topic(topic_name)
    for number, codec in enumerate((None, "gzip", "snappy", "lz4", "zstd")):
        producer = KafkaProducer(bootstrap_servers=kafka.address, compression_type=codec, linger_ms=50)
        for _, _, value, _, _ in records(0, range(number * 100, number * 100 + 100)):
            producer.send(topic_name, value=value, partition=0)
        producer.close()
    driver = Driver(source_of(config_of(kafka, topic_name))).at(p0=500)
    driver.source.close()
    assert driver.offsets() == list(range(500))
    assert [arrival.id for arrival in driver.arrivals] == [f"p0-{n}" for n in range(500)]


def test_a_header_whose_name_is_not_utf8_is_read_like_any_other(
    kafka: Topics, topic_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kafka.create_topic(topic_name)
    kafka.produce(topic_name, [record(0, 0)])
    producer = KafkaProducer(bootstrap_servers=kafka.address)
    with monkeypatch.context() as patch:
        patch.setattr("kafka.record.default_records.DefaultRecordBatchBuilder._maybe_compress", _spoil)
        producer.send(topic_name, value=record(0, 1)[2], headers=[(NAME, b"7"), ("plain", b"8")], partition=0).get(30)
    producer.close()
    kafka.produce(topic_name, [record(0, 2)])
    columns = {"id": "id", "text": "text", "carry": ["@header.plain", "@header.Gr\ufffd\ufffdsse"]}
    driver = Driver(source_of(config_of(kafka, topic_name, columns=columns))).at(p0=3)
    driver.source.close()
    assert driver.offsets() == [0, 1, 2]
    odd = driver.arrivals[1]
    assert isinstance(odd, Item | BadItem)
    assert dict(odd.carried) == {"@header.plain": "8", "@header.Gr\ufffd\ufffdsse": "7"}


def _spoil(builder: DefaultRecordBatchBuilder) -> bool:
    """The name's two bytes of one letter become two that are no UTF-8."""
    builder._buffer[:] = bytes(builder._buffer).replace("ö".encode(), b"\xff\xfe")
    return False


def test_many_odd_names_in_one_batch_cost_nothing_but_their_letters() -> None:
    raw = _signed(bytearray(bytes(batch(count=500, headers=[(NAME, b"7")])).replace("ö".encode(), b"\xff\xfe")))
    found = read(raw).take(1000)
    assert [one.offset for one in found] == list(range(500))
    assert {one.headers[0] for one in found} == {("Gr\ufffd\ufffdsse", b"7")}


@pytest.mark.parametrize("codec", [5, 6, 7])
def test_a_codec_that_nobody_knows_is_an_input_error(codec: int) -> None:
    raw = batch()
    struct.pack_into(">h", raw, 21, codec)
    part = read(_signed(raw))
    for _ in range(3):
        with pytest.raises(InputError, match=r"topic t, partition 7: the batch of offset 0 .*type: \d.*zstandard"):
            part.take(10)


def test_a_corrupt_batch_is_told_again_and_again_after_what_came_before_it() -> None:
    good, bad = batch(), batch()
    struct.pack_into(">q", bad, 0, 3)
    bad[-1] ^= 1
    part = read(good + bad)
    assert [one.offset for one in part.take(10)] == [0, 1, 2]
    for _ in range(3):
        with pytest.raises(FatalError, match=r"topic t, partition 7: the batch of offset 3 .*crc.*on_gap: skip"):
            part.take(10)


@pytest.mark.parametrize("codec", [1, 2, 3, 4])
def test_what_can_not_be_unpacked_is_a_corrupt_batch(codec: int) -> None:
    raw = batch(codec)
    raw[61:] = b"\xff" * (len(raw) - 61)
    with pytest.raises(FatalError, match="the batch of offset 0 can't be read: it can't be unpacked"):
        read(_signed(raw)).take(10)


@pytest.mark.parametrize(("codec", "pack"), [(1, gzip.compress), (4, zstd_encode)])
def test_a_batch_that_unpacks_to_too_much_is_not_unpacked(
    codec: int, pack: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka_batches, "MAX_BATCH_BYTES", 2**20)
    assert callable(pack)
    raw = batch()
    struct.pack_into(">h", raw, 21, codec)
    raw[61:] = pack(bytes(2**20 + 1))
    with pytest.raises(FatalError, match="it unpacks to more than 1048576 bytes"):
        read(_signed(raw)).take(10)
