"""The sample: enough items, of every kind, in many languages, each labelled under each policy."""

from __future__ import annotations

import csv
import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from assay.errors import InputError
from jobs.load import load_job
from jobs.sample import SCHEMA, write_sample

SAMPLE = Path(__file__).parents[2] / "configs" / "sample"
POLICIES = {policy.id for policy in load_job(SAMPLE.parent / "demo.yaml").policies}


@pytest.fixture(scope="module")
def items() -> list[dict[str, object]]:
    return [json.loads(line) for line in (SAMPLE / "items.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def labels() -> list[tuple[str, str, str]]:
    with (SAMPLE / "labels.csv").open(encoding="utf-8", newline="") as file:
        return [(row["item_id"], row["policy_id"], row["label"]) for row in csv.DictReader(file)]


def _kind(item: dict[str, object]) -> str:
    shape = frozenset(item) & {"text", "prompt", "response", "chat"}
    return {
        frozenset({"text"}): "text",
        frozenset({"prompt", "response"}): "completion",
        frozenset({"chat"}): "chat",
    }[shape]


def _content(item: dict[str, object]) -> str:
    return json.dumps([item.get(key) for key in ("text", "prompt", "response", "chat")], ensure_ascii=False)


def test_there_are_enough_items_of_every_kind_and_many_languages(items: list[dict[str, object]]) -> None:
    assert len({item["id"] for item in items}) == len(items) >= 300
    assert len({_content(item) for item in items}) == len(items)
    kinds = Counter(_kind(item) for item in items)
    assert set(kinds) == {"text", "completion", "chat"}
    assert min(kinds.values()) >= 40
    assert sum(count >= 5 for count in Counter(item["lang"] for item in items).values()) >= 8


def test_every_item_is_labelled_once_under_every_policy(
    items: list[dict[str, object]], labels: list[tuple[str, str, str]]
) -> None:
    assert len(POLICIES) >= 3
    expected = {(item["id"], policy) for item in items for policy in POLICIES}
    assert {(item, policy) for item, policy, _ in labels} == expected
    assert len(labels) == len(expected)


def test_both_classes_are_common_under_every_policy(labels: list[tuple[str, str, str]]) -> None:
    counts = Counter((policy, label) for _, policy, label in labels)
    assert {key: count for key, count in counts.items() if count < 30} == {}
    assert set(counts) == {(policy, label) for policy in POLICIES for label in "01"}
    violating = {item for item, _, label in labels if label == "1"}
    assert 0.35 <= len(violating) / len({item for item, _, _ in labels}) <= 0.45


def test_labels_stay_out_of_what_is_audited(items: list[dict[str, object]]) -> None:
    assert {key for item in items for key in item} <= set(SCHEMA.names)


def test_chats_end_with_the_turn_that_is_judged(items: list[dict[str, object]]) -> None:
    for item in items:
        chat = item.get("chat", [])
        assert isinstance(chat, list)
        assert not chat or chat[-1]["role"] == "assistant"


def test_the_parquet_file_holds_the_same_items(items: list[dict[str, object]], tmp_path: Path) -> None:
    out = tmp_path / "new" / "items.parquet"
    assert write_sample(SAMPLE, out) == len(items)
    file = pq.ParquetFile(out)
    assert file.metadata.num_row_groups > 3
    assert file.schema_arrow.equals(SCHEMA)
    rows = file.read().to_pylist()
    for row, item in zip(rows, items, strict=True):
        time = row.pop("created_at")
        assert time == datetime.fromisoformat(str(item["created_at"]))
        assert time.tzinfo is not None
        assert time < datetime.now(UTC)
        expected = {key: value for key, value in item.items() if key != "created_at"}
        assert {key: value for key, value in row.items() if value is not None} == expected
    assert [path.name for path in out.parent.iterdir()] == ["items.parquet"]


@pytest.mark.parametrize("line", ["{", "[]", '{"id": "a"}', '{"id": "a", "created_at": "soon"}'])
def test_a_line_that_is_no_item_is_named(line: str, tmp_path: Path) -> None:
    good = '{"id": "a", "created_at": "2026-10-01T06:51:14Z", "text": "hello"}'
    (tmp_path / "items.jsonl").write_text(f"{good}\n{line}\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"items\.jsonl:2"):
        write_sample(tmp_path, tmp_path / "items.parquet")


def test_a_key_that_the_file_has_no_column_for_is_refused(tmp_path: Path) -> None:
    line = '{"id": "a", "created_at": "2026-10-01T06:51:14Z", "text": "hello", "label": 1}'
    (tmp_path / "items.jsonl").write_text(line, encoding="utf-8")
    with pytest.raises(InputError, match="label"):
        write_sample(tmp_path, tmp_path / "items.parquet")
