"""Every row that makes no sense becomes one rejection with its raw bytes, and the rows around it are delivered."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from assay.errors import InputError
from assay.records import BadItem, Item, ItemKind, Reason, Turn
from sources.plan import plan
from tests.sources.workshop import config, only_bad, read, write

CHAT = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))


def _as_text(*values: bytes | None) -> pa.Array:
    """A text column with any bytes, as a careless writer leaves them."""
    raw = pa.array(values, pa.binary())
    return pa.Array.from_buffers(pa.string(), len(raw), raw.buffers())


def _texts(folder: Path, *values: bytes | None) -> list[Item | BadItem]:
    ids = [f"i{n}" for n in range(len(values))]
    return read(config(write(folder / "a.parquet", {"id": ids, "text": _as_text(*values)})))


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, Reason.EMPTY),
        (b"", Reason.EMPTY),
        (b" \n\t\xc2\xa0", Reason.EMPTY),
        (b"ab\xff\xfe", Reason.INVALID_UTF8),
        (b"\xc3", Reason.INVALID_UTF8),
        (b"x\xed\xa0\x80", Reason.SURROGATE),
    ],
)
def test_a_bad_text_is_a_rejection_and_its_neighbours_go_on(
    tmp_path: Path, value: bytes | None, reason: Reason
) -> None:
    arrivals = _texts(tmp_path, b"before", value, "dänach".encode())
    bad = only_bad(arrivals)
    assert (bad.id, bad.reason, bad.raw, bad.place.position) == ("i1", reason, value or b"", 1)
    assert [a.judged[0].content for a in arrivals if isinstance(a, Item)] == ["before", "dänach"]


def test_control_characters_are_content(tmp_path: Path) -> None:
    (item,) = _texts(tmp_path, b"a\x00b\x1b[31m")
    assert isinstance(item, Item)
    assert item.judged == (Turn("user", "a\x00b\x1b[31m"),)


def test_a_50_mb_text_is_too_long_and_kept_whole(tmp_path: Path) -> None:
    value = b"spam and " * 5_900_000
    bad = only_bad(_texts(tmp_path, b"before", value, b"after"))
    assert bad.reason is Reason.TOO_LONG
    assert bad.raw == value
    assert str(len(value)) in bad.detail


def test_length_is_counted_in_bytes(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", {"id": ["fits", "not"], "text": ["ü" * 50, "ü" * 51]})
    assert only_bad(read(config(path, caps={"content_bytes": 100}))).id == "not"


def test_ids_that_are_missing_or_no_text(tmp_path: Path) -> None:
    arrivals = read(
        config(write(tmp_path / "a.parquet", {"id": _as_text(None, b"", b"\xff", b"ok"), "text": list("abcd")}))
    )
    assert [a.reason if isinstance(a, BadItem) else a.id for a in arrivals] == [
        Reason.MISSING_ID,
        Reason.MISSING_ID,
        Reason.INVALID_UTF8,
        "ok",
    ]
    assert [a.raw for a in arrivals if isinstance(a, BadItem)] == [b"a", b"b", b"c"]


def test_all_but_the_first_of_equal_ids_are_rejected(tmp_path: Path) -> None:
    long = "x" * 100
    write(tmp_path / "a.parquet", {"id": ["1", "2", "1", None, None, long], "text": list("abcdef")})
    write(tmp_path / "b.parquet", {"id": [2, 3], "text": list("gh")})
    write(tmp_path / "c.parquet", {"id": [long, long + "y"], "text": list("ij")})
    arrivals = read(config(tmp_path))
    repeated = [a.raw for a in arrivals if isinstance(a, BadItem) and a.reason is Reason.DUPLICATE_ID]
    assert repeated == [b"c", b"g", b"i"]
    assert plan(config(tmp_path)).duplicates == 3
    kept = read(config(tmp_path, duplicate_ids="keep"))
    assert [a.reason for a in kept if isinstance(a, BadItem)] == [Reason.MISSING_ID] * 2


def test_whether_an_id_is_a_duplicate_does_not_depend_on_the_selection(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", {"id": ["1", "1"], "text": list("ab"), "n": [0, 1]})
    assert only_bad(read(config(path, where="n = 1"))).reason is Reason.DUPLICATE_ID


def test_a_column_that_is_no_id_is_an_input_error(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", {"id": pa.repeat(1, 1_000_002), "text": pa.repeat("x", 1_000_002)})
    with pytest.raises(InputError, match="duplicate_ids: keep"):
        plan(config(path))


def test_times_of_every_type_are_utc(tmp_path: Path) -> None:
    moment = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
    naive = pa.array([moment.replace(tzinfo=None)], pa.timestamp("ns"))
    seconds = int(moment.timestamp())
    columns: list[Any] = [
        naive,
        pa.array([moment], pa.timestamp("ms", "America/New_York")),
        ["2024-05-06T09:08:09+02:00"],
        ["2024-05-06 07:08:09"],
        [seconds],
        [seconds * 1000],
        [seconds * 10**9],
    ]
    for column in columns:
        path = write(tmp_path / "a.parquet", {"id": [1], "text": ["x"], "at": column})
        (item,) = read(config(path, {"id": "id", "text": "text", "time": "at"}))
        assert item.time == moment
        assert item.time.tzinfo is UTC


@pytest.mark.parametrize(
    "column", [["soon", None], pa.array([2**62, None], pa.timestamp("us")), pa.array([2**31 - 1, None], pa.date32())]
)
def test_a_time_that_is_none_is_a_rejection(tmp_path: Path, column: Any) -> None:
    path = write(tmp_path / "a.parquet", {"id": [1, 2], "text": ["x", "y"], "at": column})
    bad, good = read(config(path, {"id": "id", "text": "text", "time": "at"}))
    assert isinstance(bad, BadItem)
    assert (bad.reason, bad.raw) == (Reason.WRONG_TYPE, b"x")
    assert isinstance(good, Item)
    assert good.time is None


def test_carried_columns_are_text(tmp_path: Path) -> None:
    carry = ["s", "i", "b", "t", "l"]
    path = write(
        tmp_path / "a.parquet",
        {
            "id": ["1", "2"],
            "text": ["x", "y"],
            "s": _as_text(b"fine", b"\xff"),
            "i": [7, None],
            "b": [True, None],
            "t": [datetime(2024, 1, 2, tzinfo=UTC), None],
            "l": [["ü"], None],
        },
    )
    good, bad = read(config(path, {"id": "id", "text": "text", "carry": carry}))
    assert good.carried == (
        ("s", "fine"),
        ("i", "7"),
        ("b", "True"),
        ("t", "2024-01-02T00:00:00+00:00"),
        ("l", '["ü"]'),
    )
    assert isinstance(bad, BadItem)
    assert (bad.reason, bad.raw) == (Reason.INVALID_UTF8, b"y")


def test_a_row_is_a_chat_else_a_completion_else_a_text(tmp_path: Path) -> None:
    chat = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]
    path = write(
        tmp_path / "a.parquet",
        {
            "id": [1, 2, 3, 4],
            "text": ["t"] * 3 + [None],
            "p": ["ask", "ask", None, None],
            "r": ["answer", "answer", None, None],
            "c": pa.array([chat, None, None, None], CHAT),
        },
    )
    columns = {"id": "id", "text": "text", "prompt": "p", "response": "r", "chat": "c"}
    arrivals = read(config(path, columns))
    shapes = [(a.kind, a.context, a.judged) for a in arrivals if isinstance(a, Item)]
    assert shapes == [
        (ItemKind.CHAT, (Turn("user", "hi"),), (Turn("assistant", "hello"),)),
        (ItemKind.COMPLETION, (Turn("user", "ask"),), (Turn("assistant", "answer"),)),
        (ItemKind.TEXT, (), (Turn("user", "t"),)),
    ]
    assert only_bad(arrivals).reason is Reason.EMPTY


TURNS = [("system", "be kind"), ("user", "q1"), ("assistant", "a1"), ("user", "q2")]


@pytest.mark.parametrize(
    ("judged", "context", "shown"),
    [("last_assistant", TURNS[:2], TURNS[2:3]), ("last_user", TURNS[:3], TURNS[3:]), ("whole", [], TURNS)],
)
@pytest.mark.parametrize("as_json", [True, False])
def test_the_judged_turns_of_a_chat(
    tmp_path: Path, judged: str, context: list[tuple[str, str]], shown: list[tuple[str, str]], as_json: bool
) -> None:
    chat = [{"role": role, "content": content} for role, content in TURNS]
    column = [json.dumps(chat)] if as_json else pa.array([chat], CHAT)
    path = write(tmp_path / "a.parquet", {"id": [1], "chat": column})
    (item,) = read(config(path, {"id": "id", "chat": "chat"}, judged=judged))
    assert isinstance(item, Item)
    assert item.context == tuple(Turn(*turn) for turn in context)
    assert item.judged == tuple(Turn(*turn) for turn in shown)


@pytest.mark.parametrize(
    ("chat", "reason"),
    [
        ("not json", Reason.BAD_CHAT),
        ("{}", Reason.BAD_CHAT),
        ("[1]", Reason.BAD_CHAT),
        ("[" * 100_000, Reason.BAD_CHAT),
        ('[{"role": "king", "content": "x"}]', Reason.BAD_CHAT),
        ('[{"role": "assistant", "content": ["x"]}]', Reason.BAD_CHAT),
        ('[{"role": "user", "content": "x"}]', Reason.BAD_CHAT),
        ("[]", Reason.EMPTY),
        ('[{"role": "assistant", "content": null}]', Reason.EMPTY),
        ('[{"role": "assistant", "content": "\\ud800"}]', Reason.SURROGATE),
        ('[{"role": "\\ud800", "content": "x"}]', Reason.BAD_CHAT),
        ('[{"role": "assistant", "content": "' + "x" * 1000 + '"}]', Reason.TOO_LONG),
    ],
)
def test_a_bad_json_chat_is_a_rejection(tmp_path: Path, chat: str, reason: Reason) -> None:
    fine = '[{"role": "assistant", "content": "fine"}]'
    path = write(tmp_path / "a.parquet", {"id": [1, 2], "chat": [chat, fine]})
    cap = 1000 if reason is Reason.TOO_LONG else 2**20
    bad, good = read(config(path, {"id": "id", "chat": "chat"}, caps={"content_bytes": cap}))
    assert isinstance(good, Item)
    assert isinstance(bad, BadItem)
    assert (bad.kind, bad.reason, bad.raw) == (ItemKind.CHAT, reason, chat.encode())
    bad.detail.encode()


def test_a_bad_turn_in_a_list_chat_is_a_rejection_with_its_bytes(tmp_path: Path) -> None:
    struct = pa.StructArray.from_arrays(
        [pa.array(["user", "assistant", "assistant"]), _as_text(b"hi", b"\xff!", b"fine")], names=["role", "content"]
    )
    path = write(tmp_path / "a.parquet", {"id": [1, 2, 3], "chat": pa.ListArray.from_arrays([0, 2, 3, 3], struct)})
    bad, good, empty = read(config(path, {"id": "id", "chat": "chat"}))
    assert isinstance(bad, BadItem)
    assert bad.reason is Reason.INVALID_UTF8
    assert b'"content": "\xff!"' in bad.raw
    assert isinstance(good, Item)
    assert isinstance(empty, BadItem)
    assert empty.reason is Reason.EMPTY
