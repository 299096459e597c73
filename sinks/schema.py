"""The Arrow schema of table `verdicts`, in this one place, and how outcomes become its rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import pyarrow as pa

from assay.records import BadItem, Item, Outcome, Rejection, Verdict

VERDICT = "verdict"
REJECTED = "rejected"
PARTITION = "audit_day"

TEXT = pa.string()
COUNT = pa.int64()
INSTANT = pa.timestamp("us", tz="UTC")
STRINGS = pa.list_(pa.string())
CARRIED = pa.map_(pa.string(), pa.string())


class _Row(NamedTuple):
    """One outcome with its result told apart: exactly one of `verdict` and `rejection` is there."""

    outcome: Outcome
    verdict: Verdict | None
    rejection: Rejection | None


class Column(NamedTuple):
    """One column of `verdicts`: its name, its type, and how a row gets its value. Meanings: docs/table.md."""

    name: str
    type: pa.DataType
    value: Callable[[_Row], object]


def _raw(row: _Row) -> bytes | None:
    if row.rejection is None:
        return None
    if row.rejection.raw is None and isinstance(row.outcome.item, BadItem):
        return row.outcome.item.raw
    return row.rejection.raw


def _content_hash(row: _Row) -> str | None:
    return row.outcome.item.content_hash if isinstance(row.outcome.item, Item) else None


def _reasoning(row: _Row) -> str | None:
    return row.verdict.reasoning if row.verdict else row.rejection.reasoning if row.rejection else None


COLUMNS: tuple[Column, ...] = (
    Column("item_id", TEXT, lambda r: r.outcome.item.id),
    Column("item_time", INSTANT, lambda r: r.outcome.item.time),
    Column("item_kind", TEXT, lambda r: r.outcome.item.kind.value),
    Column("policy_id", TEXT, lambda r: r.outcome.policy.id),
    Column("policy_version", TEXT, lambda r: r.outcome.policy.version),
    Column("policy_hash", TEXT, lambda r: r.outcome.policy.hash),
    Column("status", TEXT, lambda r: VERDICT if r.verdict else REJECTED),
    Column("violation", pa.bool_(), lambda r: r.verdict.violation if r.verdict else None),
    Column("rule_ids", STRINGS, lambda r: r.verdict.rule_ids if r.verdict else None),
    Column("severity", pa.int32(), lambda r: r.verdict.severity if r.verdict else None),
    Column("action", TEXT, lambda r: r.verdict.action.value if r.verdict else None),
    Column("confidence", TEXT, lambda r: r.verdict.confidence.value if r.verdict else None),
    Column("score", pa.float64(), lambda r: r.verdict.score if r.verdict else None),
    Column("rationale", TEXT, lambda r: r.verdict.rationale if r.verdict else None),
    Column("reasoning", TEXT, _reasoning),
    Column("reason", TEXT, lambda r: r.rejection.reason.value if r.rejection else None),
    Column("detail", TEXT, lambda r: r.rejection.detail if r.rejection else None),
    Column("raw", pa.binary(), _raw),
    Column("stage", TEXT, lambda r: r.outcome.stage.value),
    Column("attempts", pa.int32(), lambda r: r.outcome.judgement.attempts),
    Column("judge", TEXT, lambda r: r.outcome.judge.name),
    Column("judge_revision", TEXT, lambda r: r.outcome.judge.revision),
    Column("prompt_hash", TEXT, lambda r: r.outcome.judgement.prompt_hash or None),
    Column("settings_hash", TEXT, lambda r: r.outcome.judge.settings_hash),
    Column("content_hash", TEXT, _content_hash),
    Column("run_id", TEXT, lambda r: r.outcome.run_id),
    Column("source", TEXT, lambda r: r.outcome.item.place.source),
    Column("shard", TEXT, lambda r: r.outcome.item.place.shard),
    Column("position", COUNT, lambda r: r.outcome.item.place.position),
    Column("prompt_tokens", COUNT, lambda r: r.outcome.judgement.prompt_tokens),
    Column("cached_tokens", COUNT, lambda r: r.outcome.judgement.cached_tokens),
    Column("output_tokens", COUNT, lambda r: r.outcome.judgement.output_tokens),
    Column("latency_ms", pa.float64(), lambda r: r.outcome.latency_ms),
    Column("judged_at", INSTANT, lambda r: r.outcome.judged_at),
    Column(PARTITION, pa.date32(), lambda r: _utc(r.outcome.judged_at).date()),
    Column("carried", CARRIED, lambda r: r.outcome.item.carried),
    Column("case_key", TEXT, lambda r: r.outcome.key or None),
    Column("reused_run", TEXT, lambda r: r.outcome.origin.run_id if r.outcome.origin else None),
    Column("reused_item", TEXT, lambda r: r.outcome.origin.item_id if r.outcome.origin else None),
    Column("mode", TEXT, lambda r: r.outcome.policy.mode.value),
)

LATER = ("case_key", "reused_run", "reused_item", "mode")
"""Columns that tables of earlier versions lack."""

SCHEMA = pa.schema([pa.field(column.name, column.type) for column in COLUMNS])


def to_table(outcomes: Sequence[Outcome]) -> pa.Table:
    """Outcomes as rows of `SCHEMA`, in the same order; text that is not valid Unicode has its bad parts escaped.

    Columns of a verdict are null in a rejection and the other way round.
    """
    rows = [_row(outcome) for outcome in outcomes]
    arrays = [_array([column.value(row) for row in rows], column.type) for column in COLUMNS]
    return pa.Table.from_arrays(arrays, schema=SCHEMA)


def _row(outcome: Outcome) -> _Row:
    result = outcome.judgement.result
    return _Row(outcome, result, None) if isinstance(result, Verdict) else _Row(outcome, None, result)


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _array(values: list[object], kind: pa.DataType) -> pa.Array:
    try:
        return pa.array(values, kind)
    except UnicodeEncodeError:  # a lone surrogate somewhere: rare, so only then look at each value
        return pa.array([_clean(value) for value in values], kind)


def _clean(value: object) -> object:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, tuple):
        return _clean_all(value)
    return value


def _clean_all(values: Iterable[object]) -> tuple[object, ...]:
    return tuple(_clean(value) for value in values)
