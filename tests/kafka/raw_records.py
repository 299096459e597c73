"""Records as they come from a topic, and what becomes of them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from assay.config import KafkaConfig
from assay.records import Arrival, BadItem, Item
from sources.kafka_values import RawRecord, Values

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
