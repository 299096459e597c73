"""The schema, the rows made from outcomes, and the documentation of all tables."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pyarrow as pa
import pytest

from sinks.policies import POLICY_SCHEMA
from sinks.runs import RUN_SCHEMA
from sinks.schema import SCHEMA, to_table
from tests.sinks.outcomes import rejection, verdict

DOC = Path(__file__).parents[2] / "docs" / "table.md"


@pytest.mark.parametrize(
    ("section", "schema"), [("verdicts", SCHEMA), ("runs", RUN_SCHEMA), ("policies", POLICY_SCHEMA)]
)
def test_every_column_is_documented_with_its_type(section: str, schema: pa.Schema) -> None:
    text = DOC.read_text("utf-8").split(f"\n## {section}\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \| ([^|]+) \|$", text, re.MULTILINE)
    assert [(name, kind) for name, kind, _ in rows] == [
        (field.name, re.sub(r" \('\w+'\)", "", str(field.type))) for field in schema
    ]
    assert all(meaning.strip() for _, _, meaning in rows)


def test_a_verdict_fills_its_columns_and_leaves_a_rejections_null() -> None:
    (row,) = to_table([verdict(7)]).to_pylist()
    assert (row["item_id"], row["status"], row["violation"], row["rule_ids"]) == ("i7", "verdict", True, ["S1"])
    assert (row["severity"], row["action"], row["confidence"], row["score"]) == (2, "review", "high", 0.9)
    assert (row["source"], row["shard"], row["position"]) == ("items.parquet", "0-1000", 7)
    assert row["carried"] == [("lang", "en")]
    assert row["content_hash"] == verdict(7).item.content_hash  # type: ignore[union-attr]
    assert [name for name, value in row.items() if value is None] == [
        *("reasoning", "reason", "detail", "raw"),
        *("case_key", "reused_run", "reused_item"),
    ]


def test_a_rejection_keeps_the_raw_bytes_and_no_decision() -> None:
    (row,) = to_table([rejection(3)]).to_pylist()
    assert (row["status"], row["reason"], row["detail"], row["raw"]) == (
        "rejected", "invalid_utf8", "byte 0", b"\xff\x00",
    )  # fmt: skip
    decided = ("violation", "rule_ids", "severity", "action", "confidence", "score", "rationale", "content_hash")
    assert [row[name] for name in decided] == [None] * len(decided)


def test_broken_unicode_is_escaped_and_the_rest_kept() -> None:
    outcomes = [verdict(0, id="bad \ud800", carried=(("k\udfff", "v\ud801"),)), verdict(1, id="käse 🧀")]
    table = to_table(outcomes)
    assert table["item_id"].to_pylist() == ["bad \\ud800", "käse 🧀"]
    assert table["carried"].to_pylist()[0] == [("k\\udfff", "v\\ud801")]
    table.validate(full=True)


def test_audit_day_is_the_utc_day() -> None:
    late = datetime(2026, 3, 4, 23, 30, tzinfo=timezone(timedelta(hours=-5)))
    outcome = verdict(0)
    object.__setattr__(outcome, "judged_at", late)
    (row,) = to_table([outcome]).to_pylist()
    assert row["audit_day"].isoformat() == "2026-03-05"
    assert row["judged_at"] == late.astimezone(UTC)


def test_no_outcomes_make_an_empty_table_of_the_schema() -> None:
    assert to_table([]).schema == SCHEMA
