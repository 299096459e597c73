"""Avro records are items like any other; bytes that are none, and schemas that would be dangerous, are refused."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.config import KafkaConfig
from assay.errors import InputError
from assay.records import Arrival, BadItem, Item, ItemKind, Reason, Turn
from sources.kafka_values import RawRecord, Values

SCHEMA: dict[str, Any] = {
    "type": "record",
    "name": "Event",
    "namespace": "tests",
    "fields": [
        {"name": "id", "type": {"type": "string", "logicalType": "uuid"}},
        {"name": "text", "type": ["null", "string", "bytes"]},
        {
            "name": "chat",
            "type": [
                "null",
                {
                    "type": "array",
                    "items": {
                        "type": "record",
                        "name": "Message",
                        "fields": [{"name": "role", "type": "string"}, {"name": "content", "type": "string"}],
                    },
                },
            ],
        },
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "user", "type": {"type": "map", "values": ["null", "string", "double"]}},
    ],
}
COLUMNS = {"id": "id", "text": "text", "chat": "chat", "time": "at", "carry": ["user.name", "user"]}
ID = UUID("00000000-0000-4000-8000-000000000001")
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ROW = {"id": ID, "text": "grüße", "chat": None, "at": NOON, "user": {"name": "ann"}}


@pytest.fixture(scope="module")
def schema_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("avro") / "event.avsc"
    path.write_text(json.dumps(SCHEMA))
    return path


def values(path: Path, header_bytes: int = 0, **keys: Any) -> Values:
    value = {"kind": "avro", "schema_file": str(path), "header_bytes": header_bytes}
    given: dict[str, Any] = {"value": value, "columns": COLUMNS, "topics": ("events",)} | keys
    return Values(KafkaConfig(kind="kafka", bootstrap="broker:9092", group="audit", **given))


def encoded(row: dict[str, Any], schema: dict[str, Any] = SCHEMA) -> bytes:
    stream = io.BytesIO()
    fastavro.schemaless_writer(stream, fastavro.parse_schema(schema), row)
    return stream.getvalue()


def arrive(reader: Values, value: bytes | None) -> Arrival | None:
    return reader.arrival(RawRecord("events", 0, 5, None, None, value))


def rejected(reader: Values, value: bytes | None) -> Reason:
    arrival = arrive(reader, value)
    assert isinstance(arrival, BadItem)
    assert arrival.raw == (value or b"")
    return arrival.reason


def test_a_record_is_an_item(schema_file: Path) -> None:
    got = arrive(values(schema_file), encoded(ROW))
    assert isinstance(got, Item)
    assert (got.id, got.kind, got.judged, got.time) == (str(ID), ItemKind.TEXT, (Turn("user", "grüße"),), NOON)
    assert got.carried == (("user.name", "ann"), ("user", '{"name": "ann"}'))


def test_bytes_are_text_if_they_are_utf_8(schema_file: Path) -> None:
    got = arrive(values(schema_file), encoded(ROW | {"text": "grüße".encode()}))
    assert isinstance(got, Item)
    assert got.judged[0].content == "grüße"
    assert rejected(values(schema_file), encoded(ROW | {"text": b"\xff"})) is Reason.INVALID_UTF8


def test_an_array_of_records_is_a_chat(schema_file: Path) -> None:
    chat = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "ho"}]
    got = arrive(values(schema_file), encoded(ROW | {"chat": chat}))
    assert isinstance(got, Item)
    assert (got.kind, got.context, got.judged) == (ItemKind.CHAT, (Turn("user", "hi"),), (Turn("assistant", "ho"),))


def test_the_header_goes_before_the_record(schema_file: Path) -> None:
    reader = values(schema_file, header_bytes=5)
    assert isinstance(arrive(reader, b"\x00\x00\x00\x00\x07" + encoded(ROW)), Item)
    assert rejected(reader, b"\x00\x00") is Reason.NOT_AVRO
    assert rejected(reader, b"\x00\x00\x00\x00\x07") is Reason.NOT_AVRO


def test_what_is_no_record_is_a_rejection(schema_file: Path) -> None:
    reader, value = values(schema_file), encoded(ROW)
    assert rejected(reader, value + b"\x00") is Reason.NOT_AVRO
    assert rejected(reader, value[:-1]) is Reason.NOT_AVRO
    assert rejected(reader, b'{"id": "a", "text": "t"}') is Reason.NOT_AVRO
    assert rejected(reader, b"\xff" * 100) is Reason.NOT_AVRO
    assert rejected(reader, value.replace("ü".encode(), b"\xff\xff")) is Reason.INVALID_UTF8
    assert rejected(reader, None) is Reason.TOMBSTONE
    assert rejected(reader, b"") is Reason.EMPTY


@given(st.binary(min_size=1), st.integers(0, 60))
def test_any_bytes_make_one_arrival(schema_file: Path, noise: bytes, at: int) -> None:
    reader, whole = values(schema_file), encoded(ROW)
    for value in (noise, whole[:at] + noise + whole[at + len(noise) :]):
        arrival = arrive(reader, value)
        assert isinstance(arrival, Item) or (isinstance(arrival, BadItem) and arrival.raw == value)


def _schema(path: Path, content: str) -> Path:
    path.write_text(content)
    return path


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is no Avro schema"),
        ('{"type": "record"}', "is no Avro schema"),
        ('{"type": "record", "name": "A", "fields": [{"name": "x", "type": "nowhere"}]}', "is no Avro schema"),
        ("3", "is no Avro schema"),
        ("[" * 10_000, "is no Avro schema"),
        ('"string"', "not a record"),
        ('["null", "string"]', "not a record"),
        (
            '{"type": "record", "name": "A", "fields": [{"name": "x", "type": ["null", "A"]}]}',
            "A contains itself",
        ),
        (
            '{"type": "record", "name": "A", "fields": [{"name": "x", "type": {"type": "array", "items": "null"}}]}',
            "has no bound",
        ),
        (
            '{"type": "record", "name": "A", "fields": [{"name": "x", "type": {"type": "map", "values":'
            ' {"type": "array", "items": {"type": "record", "name": "B", "fields": []}}}}]}',
            "has no bound",
        ),
    ],
)
def test_a_schema_that_is_none_or_dangerous_is_refused(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(InputError, match=rf"source\.value\.schema_file: .*{message}"):
        values(_schema(tmp_path / "bad.avsc", content))


def test_an_absent_schema_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"source\.value\.schema_file: .*gone\.avsc can't be read"):
        values(tmp_path / "gone.avsc")
