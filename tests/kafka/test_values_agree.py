"""The same fields make the same item, whether a topic or a Parquet file holds them."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from assay.config import ParquetConfig
from assay.records import Arrival, BadItem
from sources.kafka_values import Values
from sources.rows import Rows
from tests.kafka.raw_records import CHAT, EVERYTHING, TEXTS, arrive, config, item, record

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
