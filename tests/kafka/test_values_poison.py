"""Any bytes that a topic may hold become one item or one rejection with the bytes as they came."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.records import BadItem, Item, ItemKind, Place, Reason
from sources.kafka_values import RawRecord, Values
from tests.kafka.raw_records import CHAT, EVERYTHING, NOON, NOON_MS, TEXTS, arrive, bad, config, item, record

POISON: list[tuple[str, object, Reason]] = [
    ("not JSON", b'{"id": "a", "text": ', Reason.NOT_JSON),
    ("two values", b'{"id": "a"} {"text": "t"}', Reason.NOT_JSON),
    ("NaN", b'{"id": "a", "text": "t", "n": NaN}', Reason.NOT_JSON),
    ("-Infinity", b'{"id": "a", "text": "t", "n": [-Infinity]}', Reason.NOT_JSON),
    ("a number too long", b'{"id": "a", "text": "t", "n": ' + b"9" * 5000 + b"}", Reason.NOT_JSON),
    ("nested lists", b'{"n": ' + b"[" * 10_000 + b"]" * 10_000 + b"}", Reason.NOT_JSON),
    ("nested objects", b'{"n":' * 10_000 + b"1" + b"}" * 10_000, Reason.NOT_JSON),
    ("nested and unfinished", b"[" * 500_000, Reason.NOT_JSON),
    ("a byte order mark", b'\xef\xbb\xbf{"id": "a", "text": "t"}', Reason.NOT_JSON),
    ("utf-16 with its mark", '{"id": "a", "text": "t"}'.encode("utf-16"), Reason.INVALID_UTF8),
    ("utf-16 without", '{"id": "a", "text": "t"}'.encode("utf-16-le"), Reason.NOT_JSON),
    ("utf-32", '{"id": "a", "text": "t"}'.encode("utf-32-be"), Reason.NOT_JSON),
    ("a control character", b'{"id": "a", "text": "\x00"}', Reason.NOT_JSON),
    ("invalid UTF-8", b'{"id": "a", "text": "caf\xe9"}', Reason.INVALID_UTF8),
    ("invalid UTF-8 that is not used", b'{"id": "a", "text": "t", "x": "\xff"}', Reason.INVALID_UTF8),
    ("half a pair as bytes", b'{"id": "a", "text": "\xed\xa0\x80"}', Reason.SURROGATE),
    ("white space", b" \n", Reason.NOT_JSON),
    ("a list", [1], Reason.WRONG_TYPE),
    ("a text", '"t"', Reason.WRONG_TYPE),
    ("null", b"null", Reason.WRONG_TYPE),
    ("5 MB", {"id": "a", "text": "x" * 5_000_000}, Reason.TOO_LONG),
    ("5 MB of nothing", b"\x00" * 5_000_000, Reason.TOO_LONG),
    ("no value", None, Reason.TOMBSTONE),
    ("no bytes", b"", Reason.EMPTY),
]


@pytest.mark.parametrize(("value", "reason"), [case[1:] for case in POISON], ids=[case[0] for case in POISON])
def test_poison_is_a_rejection_with_its_bytes(value: object, reason: Reason) -> None:
    given = record(value, key=b"k")
    got = bad(Values(config(TEXTS | {"carry": ["@key"]})).arrival(given))
    assert (got.reason, got.raw, got.place) == (reason, given.value or b"", Place("events", "3", 7))
    assert (got.id, got.kind, got.time, got.carried) == (None, ItemKind.TEXT, NOON, (("@key", "k"),))


WRONG: list[tuple[str, dict[str, object], Reason, str | None]] = [
    ("no id", {"text": "t"}, Reason.MISSING_ID, None),
    ("null id", {"id": None, "text": "t"}, Reason.MISSING_ID, None),
    ("empty id", {"id": "", "text": "t"}, Reason.MISSING_ID, None),
    ("true as id", {"id": True, "text": "t"}, Reason.WRONG_TYPE, None),
    ("a float as id", {"id": 1.0, "text": "t"}, Reason.WRONG_TYPE, None),
    ("a list as id", {"id": ["a"], "text": "t"}, Reason.WRONG_TYPE, None),
    ("half a pair as id", {"id": "\ud800", "text": "t"}, Reason.SURROGATE, None),
    ("no content", {"id": "a"}, Reason.EMPTY, "a"),
    ("blank content", {"id": "a", "text": " \u2003\n"}, Reason.EMPTY, "a"),
    ("a number as content", {"id": "a", "text": 1}, Reason.WRONG_TYPE, "a"),
    ("an object as content", {"id": "a", "text": {"t": "t"}}, Reason.WRONG_TYPE, "a"),
    ("half a pair in content", {"id": 5, "text": "x\udfff"}, Reason.SURROGATE, "5"),
    ("a number as prompt", {"id": "a", "prompt": 1, "response": "r"}, Reason.WRONG_TYPE, "a"),
    ("false as response", {"id": "a", "prompt": "p", "response": False}, Reason.WRONG_TYPE, "a"),
    ("a chat of one object", {"id": "a", "chat": {"role": "user", "content": "hi"}}, Reason.WRONG_TYPE, "a"),
    ("a number as chat", {"id": "a", "chat": 0}, Reason.WRONG_TYPE, "a"),
    ("a chat without turns", {"id": "a", "chat": []}, Reason.EMPTY, "a"),
    ("a turn that is text", {"id": "a", "chat": ["hi"]}, Reason.BAD_CHAT, "a"),
    ("an unknown role", {"id": "a", "chat": [{"role": "\ud800", "content": "hi"}]}, Reason.BAD_CHAT, "a"),
    ("parts as content", {"id": "a", "chat": [{"role": "user", "content": [{"text": "t"}]}]}, Reason.BAD_CHAT, "a"),
    ("nobody to judge", {"id": "a", "chat": CHAT[:1]}, Reason.BAD_CHAT, "a"),
    ("half a pair in a turn", {"id": "a", "chat": [{"role": "assistant", "content": "\ud800"}]}, Reason.SURROGATE, "a"),
    ("a chat text that is none", {"id": "a", "chat": "[" * 10_000}, Reason.BAD_CHAT, "a"),
    ("half a pair in a chat text", {"id": "a", "chat": '[{"x": "\ud800"}]'}, Reason.SURROGATE, "a"),
    ("half a pair carried", {"id": "a", "text": "t", "extra": "\ud800"}, Reason.SURROGATE, "a"),
    ("half a pair carried deep", {"id": "a", "text": "t", "extra": [{"\ud800": 1}]}, Reason.SURROGATE, "a"),
]


@pytest.mark.parametrize(("value", "reason", "known"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_an_object_that_is_no_item_is_a_rejection_with_its_id(
    value: dict[str, object], reason: Reason, known: str | None
) -> None:
    given = record({"time": NOON_MS} | value)
    got = bad(Values(config(EVERYTHING)).arrival(given))
    assert (got.reason, got.id, got.raw, got.time) == (reason, known, given.value, NOON)
    got.detail.encode()


def test_half_a_pair_in_what_nobody_reads_is_no_matter() -> None:
    assert item(arrive({"id": "a", "text": "t", "other": "\ud800"})).id == "a"


@pytest.mark.parametrize(("key", "value", "other"), [("tombstones", None, b""), ("empty", b"", None)])
def test_tombstones_and_empty_values_may_be_skipped(key: str, value: bytes | None, other: bytes | None) -> None:
    skipping: dict[str, Any] = {key: "skip"}
    assert arrive(value, **skipping) is None
    assert isinstance(arrive(other, **skipping), BadItem)


def test_a_record_of_the_greatest_length_is_read() -> None:
    value = json.dumps({"id": "a", "text": "é" * 100}, ensure_ascii=False).encode()
    assert isinstance(arrive(value, max_record_bytes=len(value)), Item)
    assert bad(arrive(value, max_record_bytes=len(value) - 1)).reason is Reason.TOO_LONG


@pytest.mark.parametrize("place", ["key", "header"])
def test_carried_bytes_that_are_no_text_are_rejected(place: str) -> None:
    values = Values(config(TEXTS | {"carry": ["@key", "@header.h"]}))
    key, header = (b"\xff", b"h") if place == "key" else (b"k", b"\xff")
    got = bad(values.arrival(record({"id": "a", "text": "t"}, key=key, headers=[("h", header)])))
    assert (got.id, got.reason) == ("a", Reason.INVALID_UTF8)
    assert got.carried == ((("@header.h", "h"),) if place == "key" else (("@key", "k"),))


ANY_TEXT = st.text(st.characters(exclude_categories=()))
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4),
    max_leaves=12,
)
FUZZED = Values(config(EVERYTHING | {"carry": ["extra", "a.b", "@key", "@header.h", "@value"]}))
PLAIN = Values(config({"id": "@key", "text": "@value", "chat": "@header.h"}, value={"kind": "text"}))


def _survives(values: Values, given: RawRecord) -> None:
    arrival = values.arrival(given)
    assert arrival is not None
    assert arrival.place == Place(given.topic, str(given.partition), given.offset)
    shown: list[str] = [arrival.id or "", *(text for pair in arrival.carried for text in pair)]
    if isinstance(arrival, BadItem):
        assert arrival.raw == (given.value or b"")
        shown.append(arrival.detail)
    else:
        assert arrival.id
        shown += [turn.content for turn in (*arrival.context, *arrival.judged)]
    for text in shown:
        text.encode()


@given(
    st.none() | st.binary() | ANY_TEXT.map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.none() | st.binary(),
    st.none() | st.binary(),
    st.none() | st.integers(-(2**63), 2**63 - 1),
)
def test_any_bytes_make_one_arrival(
    value: bytes | None, key: bytes | None, header: bytes | None, moment: int | None
) -> None:
    for values in (FUZZED, PLAIN):
        _survives(values, RawRecord("events", 3, 7, moment, key, value, [("h", header)]))


@given(st.dictionaries(st.sampled_from(["id", "text", "prompt", "response", "chat", "time", "extra", "a"]), ANY_JSON))
def test_any_json_makes_one_arrival(value: dict[str, object]) -> None:
    _survives(FUZZED, record(value))


@given(
    st.lists(st.dictionaries(st.sampled_from(["role", "content"]), st.sampled_from(["user", "assistant"]) | ANY_JSON))
)
def test_any_chat_makes_one_arrival(chat: list[dict[str, object]]) -> None:
    _survives(FUZZED, record({"id": "a", "chat": chat}))


@pytest.mark.parametrize("depth", range(850, 1000, 5))
def test_what_is_only_just_parsed_may_be_too_deep_to_carry(depth: int) -> None:
    _survives(FUZZED, record(b'{"id": "a", "text": "t", "extra": ' + b"[" * depth + b"]" * depth + b"}"))


def test_a_rejection_says_what_is_wrong() -> None:
    assert bad(arrive(b"[" * 10_000)).detail == "the value is nested too deep"
    assert "char 7" in bad(arrive(b'{"id": \x00}')).detail
    assert "NaN" in bad(arrive(b'{"id": NaN}')).detail
    assert "source.max_record_bytes is 5" in bad(arrive(b"too long", max_record_bytes=5)).detail
