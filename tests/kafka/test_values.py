"""Any bytes that a topic may hold become one item or one rejection with the bytes as they came."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.config import KafkaConfig, ParquetConfig
from assay.errors import InputError
from assay.records import Arrival, BadItem, Item, ItemKind, Place, Reason, Turn
from sources.kafka_values import RawRecord, Values
from sources.rows import Rows

NOON_MS = 1_767_268_800_000
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
TEXTS = {"id": "id", "text": "text"}
EVERYTHING = {
    "id": "id",
    "text": "text",
    "prompt": "prompt",
    "response": "response",
    "chat": "chat",
    "time": "time",
    "carry": ["extra"],
}
CHAT = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "ho"}]


def config(columns: dict[str, Any] | None = None, **keys: Any) -> KafkaConfig:
    keys = {"bootstrap": "broker:9092", "topics": ("events",), "group": "audit"} | keys
    return KafkaConfig(kind="kafka", columns=columns or TEXTS, **keys)


def record(value: object, **keys: Any) -> RawRecord:
    """A record of these bytes, or of anything else as JSON."""
    raw = value if value is None or isinstance(value, bytes) else json.dumps(value).encode()
    return RawRecord("events", 3, 7, **({"timestamp_ms": NOON_MS, "key": None, "value": raw} | keys))


def arrive(value: object, columns: dict[str, Any] | None = None, **keys: Any) -> Arrival | None:
    return Values(config(columns, **keys)).arrival(record(value))


def item(arrival: Arrival | None) -> Item:
    assert isinstance(arrival, Item), arrival
    return arrival


def bad(arrival: Arrival | None) -> BadItem:
    assert isinstance(arrival, BadItem), arrival
    return arrival


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


AGREED: list[dict[str, Any]] = [
    {"id": "a", "text": "t", "extra": "x", "time": "2026-01-01T12:00:00"},
    {"id": None, "text": "t"},
    {"id": "", "text": "t"},
    {"id": "b", "text": None},
    {"id": "c", "text": " "},
    {"id": "d", "prompt": "p", "response": "r"},
    {"id": "e", "prompt": None, "response": "r"},
    {"id": "f", "prompt": "p", "response": ""},
    {"id": "g", "prompt": "p", "text": "t"},
    {"id": "h", "chat": CHAT, "text": "t", "response": "r"},
    {"id": "i", "chat": []},
    {"id": "j", "chat": [{"role": "robot", "content": "x"}]},
    {"id": "k", "chat": [{"role": "assistant", "content": None}]},
    {"id": "l", "chat": CHAT[:1]},
    {"id": "m", "text": "t", "time": "noon"},
    {"id": "n", "chat": [*CHAT, {"role": "developer", "content": "ü"}]},
]


@pytest.mark.parametrize("judged", ["last_assistant", "last_user", "whole"])
def test_kafka_and_parquet_agree(judged: Any) -> None:
    chats = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
    names = ("id", "text", "prompt", "response", "time", "extra")
    batch = pa.RecordBatch.from_pydict(
        {name: pa.array([row.get(name) for row in AGREED], pa.string()) for name in names}
        | {"chat": pa.array([row.get("chat") for row in AGREED], chats)}
    )
    parquet = ParquetConfig(kind="parquet", path="x", columns=EVERYTHING, judged=judged)  # type: ignore[arg-type]
    values = Values(config(EVERYTHING, judged=judged))
    from_rows = Rows(parquet, "events", {}).arrivals("3", range(len(AGREED)), batch, frozenset())
    for row, theirs in zip(AGREED, from_rows, strict=True):
        ours = values.arrival(record(row)._replace(offset=theirs.place.position))
        assert _told(ours) == _told(theirs)


def _told(arrival: Arrival | None) -> object:
    """All of an item; of a rejection all but how it says it and the bytes, which are the source's own."""
    if isinstance(arrival, BadItem):
        return arrival.id, arrival.kind, arrival.reason, arrival.place, arrival.time, arrival.carried
    return arrival


@pytest.mark.parametrize("extra", ["x", "", 1, -(2**53), True, 1.5, ["é", None], {"a": [False]}, None])
def test_carried_values_agree(extra: object) -> None:
    batch = pa.RecordBatch.from_pydict({"id": ["a"], "text": ["t"], "extra": [extra]})
    columns: Any = TEXTS | {"carry": ["extra"]}
    (theirs,) = Rows(ParquetConfig(kind="parquet", path="x", columns=columns), "events", {}).arrivals(
        "3", [7], batch, frozenset()
    )
    assert item(arrive({"id": "a", "text": "t", "extra": extra}, columns)).carried == item(theirs).carried


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
