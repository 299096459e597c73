"""A value that makes sense is one item, mapped as the config says."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from assay.errors import InputError
from assay.records import Item, ItemKind, Place, Reason, Turn
from sources.kafka_values import Values
from tests.kafka.raw_records import CHAT, EVERYTHING, NOON, NOON_MS, TEXTS, arrive, bad, config, item, record


def test_a_text_is_an_item_at_its_offset_with_the_time_of_its_record() -> None:
    got = item(arrive({"id": "a", "text": "grüße"}))
    assert got == Item("a", ItemKind.TEXT, (Turn("user", "grüße"),), Place("events", "3", 7), (), NOON)


def test_a_completion_and_chats_in_both_forms() -> None:
    completion = item(arrive({"id": "a", "prompt": "p", "response": "r"}, EVERYTHING))
    assert (completion.kind, completion.context, completion.judged) == (
        ItemKind.COMPLETION,
        (Turn("user", "p"),),
        (Turn("assistant", "r"),),
    )
    as_list, as_text = (item(arrive({"id": "a", "chat": chat}, EVERYTHING)) for chat in (CHAT, json.dumps(CHAT)))
    assert as_list == as_text
    assert (as_list.kind, as_list.context, as_list.judged) == (
        ItemKind.CHAT,
        (Turn("user", "hi"),),
        (Turn("assistant", "ho"),),
    )


def test_a_field_of_exactly_the_name_goes_before_the_path() -> None:
    columns = {"id": "user.id", "text": "body.parts.text", "carry": ["user.tags", "user.gone", "user.id.deeper"]}
    nested = {"user": {"id": 12, "tags": ["é", 1, None]}, "body": {"parts": {"text": "t"}}}
    got = item(arrive(nested, columns))
    assert (got.id, got.judged[0].content, got.carried) == ("12", "t", (("user.tags", '["é", 1, null]'),))
    assert item(arrive(nested | {"user.id": "flat"}, columns)).id == "flat"
    assert bad(arrive(nested | {"user.id": None}, columns)).reason is Reason.MISSING_ID


def test_columns_of_the_record_itself() -> None:
    carry = ["@key", "@header.trace", "@header.gone", "@timestamp", "@value"]
    values = Values(config({"id": "@offset", "text": "text", "time": "@timestamp", "carry": carry}))
    headers = [("trace", b"first"), ("trace", "ü".encode()), ("other", None)]
    got = item(values.arrival(record({"text": "t"}, key=b"k", headers=headers)))
    assert (got.id, got.time) == ("events/3/7", NOON)
    assert dict(got.carried) == {
        "@key": "k",
        "@header.trace": "ü",
        "@timestamp": "2026-01-01T12:00:00+00:00",
        "@value": '{"text": "t"}',
    }


def test_a_field_may_begin_with_an_at_sign() -> None:
    assert item(arrive({"@id": "a", "text": "t"}, {"id": "@id", "text": "text"})).id == "a"


def test_plain_text_values() -> None:
    values = Values(config({"id": "@key", "text": "@value", "time": "@header.at"}, value={"kind": "text"}))
    got = item(values.arrival(record(b"any { text", key=b"k", headers=[("at", b"2026-01-01 12:00")])))
    assert (got.id, got.judged[0].content, got.time) == ("k", "any { text", NOON)
    broken = bad(values.arrival(record(b"caf\xe9", key=b"k", headers=[("at", b"2026-01-01 12:00")])))
    assert (broken.id, broken.reason, broken.raw, broken.time) == ("k", Reason.INVALID_UTF8, b"caf\xe9", NOON)


@pytest.mark.parametrize("columns", [{"id": "id", "text": "@value"}, {"id": "@key", "text": "@value", "carry": ["x"]}])
def test_plain_text_has_no_fields(columns: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"source\.columns\.(id|carry): '(id|x)'.*have no fields"):
        Values(config(columns, value={"kind": "text"}))


@pytest.mark.parametrize(
    ("given", "time"),
    [
        ("2026-01-01T12:00:00Z", NOON),
        ("2026-01-01 13:00+01:00", NOON),
        (NOON_MS // 1000, NOON),
        (NOON_MS, NOON),
        (NOON_MS * 10**6, NOON),
        (None, None),
    ],
)
def test_a_time_of_a_field(given: object, time: datetime | None) -> None:
    assert item(arrive({"id": "a", "text": "t", "time": given}, TEXTS | {"time": "time"})).time == time


@pytest.mark.parametrize("given", ["", "noon", "0000-00-00", 10**40, -(10**25), True, 1.5, [], {}, "\ud800"])
def test_a_time_that_is_none_is_a_wrong_type(given: object) -> None:
    got = bad(arrive({"id": "a", "text": "t", "time": given}, TEXTS | {"time": "time"}))
    assert (got.id, got.reason, got.time) == ("a", Reason.WRONG_TYPE, None)


@pytest.mark.parametrize("given", [2**63 - 1, -(2**63)])
def test_a_record_time_of_no_calendar_is_a_wrong_type(given: int) -> None:
    got = bad(Values(config()).arrival(record({"id": "a", "text": "t"}, timestamp_ms=given)))
    assert (got.id, got.reason, got.time) == ("a", Reason.WRONG_TYPE, None)


@pytest.mark.parametrize("given", [None, -1])
def test_a_record_may_have_no_time(given: int | None) -> None:
    assert item(Values(config()).arrival(record({"id": "a", "text": "t"}, timestamp_ms=given))).time is None
