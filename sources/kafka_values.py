"""From Kafka records to items. One that makes no sense becomes a BadItem with its value as read; the rest go on."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import TypeVar
from uuid import UUID

from assay.config import AvroValue, KafkaConfig
from assay.errors import InputError, RecordError
from assay.records import Arrival, BadItem, Item, ItemKind, Place, Reason, Turn
from sources.chats import JsonChat, ParsedChat
from sources.content import kind_of, turns_of
from sources.kafka_avro import AvroReader
from sources.kafka_fields import Fields, RawRecord, getter, is_virtual, record_time
from sources.values import as_text, as_time, decoded, shown

__all__ = ["RawRecord", "Values"]

_NO_FIELDS: Fields = {}
_UNCAPPED = sys.maxsize  # the value's size is checked before it is parsed
_Known = TypeVar("_Known")


class Values:
    """Turns records into arrivals. Keeps nothing from one record to the next.

    Raises InputError for an Avro schema that can't be used, and for columns that name fields where values are text.
    """

    def __init__(self, config: KafkaConfig) -> None:
        columns = config.columns
        self._config, self._columns = config, columns
        self._id, self._time = getter(columns.id), getter(columns.time)
        self._text, self._chat = getter(columns.text), getter(columns.chat)
        self._prompt, self._response = getter(columns.prompt), getter(columns.response)
        self._only_texts = not (columns.chat or columns.response)
        self._carried = tuple((name, getter(name)) for name in columns.carry)
        self._fields, self._unreadable = _reader(config)

    def arrival(self, record: RawRecord) -> Arrival | None:
        """The record as an item, or as a rejection if it is no good. None: the config says to skip such a record.

        Raises nothing, whatever the bytes.
        """
        fields = _NO_FIELDS
        try:
            if not record.value and self._skipped(record.value):
                return None
            fields = self._fields(self._present(record.value))
            return self._item(record, fields)
        except RecordError as error:
            return self._bad(record, fields, error)
        except Exception as error:  # noqa: BLE001 - no record may stop its partition
            detail = f"the record can't be read ({type(error).__name__})"
            return self._bad(record, fields, RecordError(self._unreadable, detail))

    def _skipped(self, value: bytes | None) -> bool:
        return (self._config.tombstones if value is None else self._config.empty) == "skip"

    def _present(self, value: bytes | None) -> bytes:
        if value is None:
            raise RecordError(Reason.TOMBSTONE, "the record has no value")
        if not value:
            raise RecordError(Reason.EMPTY, "the value has no bytes")
        if len(value) > (cap := self._config.max_record_bytes):
            detail = f"the value has {len(value)} bytes; source.max_record_bytes is {cap}"
            raise RecordError(Reason.TOO_LONG, detail)
        return value

    def _item(self, record: RawRecord, fields: Fields) -> Item:
        item_id = self._item_id(record, fields)
        kind, context, judged = self._content(record, fields)
        time = self._item_time(record, fields)
        carried: tuple[tuple[str, str], ...] = ()
        if self._carried:
            found = [(name, _carried(of(record, fields), name)) for name, of in self._carried]
            carried = tuple((name, text) for name, text in found if text is not None)
        return Item(item_id, kind, judged, _place(record), context, time, carried)

    def _bad(self, record: RawRecord, fields: Fields, error: RecordError) -> BadItem:
        """The rejection, with all that is known of the record."""
        kind = kind_of(self._columns, self._chat(record, fields), self._response(record, fields))
        carried = [(name, _known(partial(_carried, of(record, fields), name))) for name, of in self._carried]
        return BadItem(
            id=_known(partial(self._item_id, record, fields)),
            kind=kind,
            reason=error.reason,
            detail=error.detail,
            raw=record.value or b"",
            place=_place(record),
            time=_known(partial(self._item_time, record, fields)),
            carried=tuple((name, text) for name, text in carried if text is not None),
        )

    def _item_id(self, record: RawRecord, fields: Fields) -> str:
        value = self._id(record, fields)
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        text = _text(value, f"column {self._columns.id!r}")
        if not text:
            raise RecordError(Reason.MISSING_ID, f"column {self._columns.id!r} is absent, null or empty")
        return text

    def _item_time(self, record: RawRecord, fields: Fields) -> datetime | None:
        name = self._columns.time
        time = record_time(record) if name is None else as_time(self._time(record, fields))
        if isinstance(time, str):
            what = "the record's timestamp is" if name is None else f"column {name!r} holds"
            raise RecordError(Reason.WRONG_TYPE, f"{what} no time: {time[:100]!r}")
        return time

    def _content(self, record: RawRecord, fields: Fields) -> tuple[ItemKind, tuple[Turn, ...], tuple[Turn, ...]]:
        if self._only_texts:  # the usual stream: a shorter way to the same turns
            text = _text(self._text(record, fields), "the content")
            if text and not text.isspace():
                return ItemKind.TEXT, (), (Turn("user", text),)
        chat, response = self._chat(record, fields), self._response(record, fields)
        kind = kind_of(self._columns, chat, response)
        content: str | JsonChat | ParsedChat | None
        prompt = None
        if chat is not None:
            content = _chat(chat)
        elif kind is ItemKind.COMPLETION:
            prompt = _text(self._prompt(record, fields), "the prompt")
            content = _text(response, "the response")
        else:
            content = _text(self._text(record, fields), "the content")
        return kind, *turns_of(kind, content, prompt, self._config.judged, _UNCAPPED)


def _reader(config: KafkaConfig) -> tuple[Callable[[bytes], Fields], Reason]:
    """What turns a value into its fields, and the reason for a value with which it fails."""
    if isinstance(config.value, AvroValue):
        return AvroReader(config.value).fields, Reason.NOT_AVRO
    if config.value.kind == "json":
        return _json_fields, Reason.NOT_JSON
    columns = config.columns
    for key in ("id", "text", "prompt", "response", "chat", "time"):
        _check_virtual(getattr(columns, key), key)
    for name in columns.carry:
        _check_virtual(name, "carry")
    return lambda _value: _NO_FIELDS, Reason.WRONG_TYPE


def _check_virtual(name: str | None, key: str) -> None:
    if name is not None and not is_virtual(name):
        raise InputError(
            f"source.columns.{key}: {name!r}: values of kind text have no fields; "
            "there are @value, @key, @header.NAME, @offset and @timestamp"
        )


def _constant(name: str) -> object:
    raise RecordError(Reason.NOT_JSON, f"the value holds {name}, which JSON does not have")


_DECODER = json.JSONDecoder(parse_constant=_constant)


def _parsed(text: str) -> object:
    """As `_DECODER.decode`, without its two searches for white space where there is none around the value."""
    if text[:1] == "{":
        parsed, end = _DECODER.raw_decode(text)
        if end == len(text):
            return parsed
    return _DECODER.decode(text)


def _json_fields(value: bytes) -> Fields:
    text = decoded(value)
    if not isinstance(text, str):
        text = as_text(text, "the value")
    try:
        fields = _parsed(text)
    except RecursionError:
        raise RecordError(Reason.NOT_JSON, "the value is nested too deep") from None
    except ValueError as error:
        raise RecordError(Reason.NOT_JSON, f"the value is not JSON: {error}") from None
    if not isinstance(fields, dict):
        raise RecordError(Reason.WRONG_TYPE, f"the value is no object but {type(fields).__name__}")
    return fields


def _text(value: object, what: str) -> str | None:
    """A value that is to be text. Raises RecordError (wrong_type, invalid_utf8, surrogate)."""
    if isinstance(value, str):
        if not value.isascii():
            _check_surrogates(value, what)
        return value
    if value is None:
        return None
    if isinstance(value, bytes):
        return as_text(decoded(value), what)
    if isinstance(value, UUID | datetime):
        return str(value) if isinstance(value, UUID) else value.isoformat()
    raise RecordError(Reason.WRONG_TYPE, f"{what} is not text but {type(value).__name__}")


def _check_surrogates(text: str, what: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise RecordError(Reason.SURROGATE, f"{what} holds half of a surrogate pair") from None


def _chat(value: object) -> JsonChat | ParsedChat:
    if isinstance(value, list):
        return ParsedChat(value)
    text = _text(value, "the chat")
    assert text is not None
    return JsonChat(text)


def _carried(value: object, name: str) -> str | None:
    return _text(shown(value), f"column {name!r}")


def _known(find: Callable[[], _Known]) -> _Known | None:
    """What a rejected record still tells of itself."""
    try:
        return find()
    except Exception:  # noqa: BLE001 - its rejection has a reason already
        return None


def _place(record: RawRecord) -> Place:
    return Place(record.topic, str(record.partition), record.offset)
