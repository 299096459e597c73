"""What a column's name stands for in a Kafka record: a field of its value, or something of the record itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from sources.values import decoded

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HEADER = "@header."


class RawRecord(NamedTuple):
    """One record as it came. `timestamp_ms` counts since 1970 in UTC; None or -1: the record has none."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int | None
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]] = ()


Fields = Mapping[str, object]
Getter = Callable[[RawRecord, Fields], object]
"""A column's value: None where there is none, bytes where it should be text and is not UTF-8. Raises nothing."""


def getter(name: str | None) -> Getter:
    """The getter of a column. `None` names no column, whose values are all None.

    `@key`, `@value`, `@offset`, `@timestamp` and `@header.NAME` (the last of that name) are of the record; every other
    name is a field of the value: the one of exactly that name, else along the dots into nested objects.
    """
    if name is None:
        return lambda _record, _fields: None
    if name.startswith(_HEADER):
        return _header(name.removeprefix(_HEADER))
    return _OF_THE_RECORD.get(name) or _field(name)


def is_virtual(name: str) -> bool:
    """Whether the column is of the record itself and not of its value's fields."""
    return name in _OF_THE_RECORD or name.startswith(_HEADER)


def record_time(record: RawRecord) -> datetime | str | None:
    """The record's timestamp; as text if no calendar has it."""
    if record.timestamp_ms is None or record.timestamp_ms == -1:
        return None
    try:
        return _EPOCH + timedelta(milliseconds=record.timestamp_ms)
    except OverflowError:
        return str(record.timestamp_ms)


def _header(name: str) -> Getter:
    def last(record: RawRecord, _fields: Fields) -> object:
        return decoded(next((value for key, value in reversed(record.headers) if key == name), None))

    return last


def _field(name: str) -> Getter:
    first, *rest = name.split(".")
    if not rest:
        return lambda _record, fields: fields.get(name)

    def nested(_record: RawRecord, fields: Fields) -> object:
        if name in fields:
            return fields[name]
        value = fields.get(first)
        for part in rest:
            if not isinstance(value, dict):
                return None
            value = value.get(part)
        return value

    return nested


_OF_THE_RECORD: Mapping[str, Getter] = {
    "@key": lambda record, _: decoded(record.key),
    "@value": lambda record, _: decoded(record.value),
    "@offset": lambda record, _: f"{record.topic}/{record.partition}/{record.offset}",
    "@timestamp": lambda record, _: record_time(record),
}
