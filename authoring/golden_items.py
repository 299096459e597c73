"""From the rows of a golden file to its items: each row read by itself, then those of one item put together."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from assay.chats import Judged
from assay.errors import InputError
from assay.golden import GOLDEN_FIELDS, Expected, GoldenColumns, GoldenItem, content_of, expected_of, turns_of
from assay.records import Turn
from authoring.golden_rows import Row, Table


@dataclass(frozen=True, slots=True)
class Reading:
    """How a file is to be read: its columns, the policy of rows that name none, and what of a chat is judged."""

    columns: GoldenColumns
    policy_id: str | None
    judged: Judged


@dataclass(frozen=True, slots=True)
class _Seen:
    """One row as an item of its own, and where it was."""

    where: str
    item: GoldenItem


def check_columns(table: Table, reading: Reading, file: str) -> None:
    """Raises InputError if a column is missing that was asked for by name, or that no golden file can do without."""
    columns, there = reading.columns, ", ".join(table.names)
    defaults = GoldenColumns()
    for field in GOLDEN_FIELDS:
        name = getattr(columns, field)
        if name and name != getattr(defaults, field) and name not in table.names:
            raise InputError(f"{file}: no column {name!r} for {field}; there are: {there}")
    for policy, name in columns.labels:
        if name not in table.names:
            raise InputError(f"{file}: no column {name!r} for the labels of {policy}; there are: {there}")
    if not {columns.text, columns.response, columns.chat} & set(table.names):
        raise InputError(f"{file}: no column of contents (text, response or chat); map one: --map text=COLUMN")
    if not columns.labels and columns.label not in table.names:
        raise InputError(f"{file}: no column of labels; map one: --map label=COLUMN. There are: {there}")


def items_of(table: Table, reading: Reading) -> tuple[GoldenItem, ...]:
    """The file's items, in order of their first rows.

    Raises InputError, naming file and line, for a row that makes no item and for two rows that contradict each other.
    """
    columns = reading.columns
    taken = frozenset(getattr(columns, field) for field in GOLDEN_FIELDS) | {name for _, name in columns.labels}
    seen: dict[str, list[_Seen]] = {}
    for number, row in enumerate(table.rows, 1):
        try:
            name = row.cell(columns.item_id) if columns.item_id in table.names else f"row-{number}"
            item = _item(row, name, _carried(row, taken), reading)
        except ValueError as error:
            raise InputError(f"{row.where}: {error}") from error
        seen.setdefault(item.id, []).append(_Seen(row.where, item))
    return tuple(_merged(rows) for rows in seen.values())


def _item(row: Row, name: str, carried: tuple[tuple[str, str], ...], reading: Reading) -> GoldenItem:
    columns = reading.columns
    if not name.strip():
        raise ValueError(f"no {columns.item_id}; give the item an id")
    chat = _chat(row.cell(columns.chat))
    texts = (row.cell(columns.text), row.cell(columns.prompt), row.cell(columns.response))
    kind, context, judged = content_of(*texts, chat, reading.judged)
    group = row.cell(columns.group) or name
    return GoldenItem(name, kind, context, judged, _expected(row, reading), group, carried, row.cell(columns.note))


def _chat(cell: str) -> tuple[Turn, ...]:
    if not cell.strip():
        return ()
    try:
        return turns_of(json.loads(cell))
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"the chat is not JSON: {error}") from error


def _expected(row: Row, reading: Reading) -> tuple[Expected, ...]:
    columns = reading.columns
    if columns.labels:
        return tuple(expected_of(policy, row.cell(name), "") for policy, name in columns.labels)
    policy_id = row.cell(columns.policy_id).strip() or reading.policy_id
    if not policy_id:
        raise ValueError("no policy_id; add the column, or name the file in its policy's `golden:`")
    return (expected_of(policy_id, row.cell(columns.label), row.cell(columns.rules)),)


def _carried(row: Row, taken: frozenset[str]) -> tuple[tuple[str, str], ...]:
    return tuple((name, cell) for name, cell in row.cells.items() if name not in taken)


def _merged(rows: Sequence[_Seen]) -> GoldenItem:
    first = rows[0]
    by_policy: dict[str, tuple[str, Expected]] = {}
    for row in rows:
        _same_content(first, row)
        for expected in row.item.expected:
            where, before = by_policy.setdefault(expected.policy_id, (row.where, expected))
            if before != expected:
                raise InputError(
                    f"{row.where}: item {row.item.id!r} under {expected.policy_id!r} is {_told(expected)}, "
                    f"and {_told(before)} at {where}; keep the right one"
                )
    one = first.item
    expected_all = tuple(expected for _, expected in by_policy.values())
    note = _joined(row.item.note for row in rows)
    return GoldenItem(one.id, one.kind, one.context, one.judged, expected_all, one.group, _all_carried(rows), note)


def _same_content(first: _Seen, row: _Seen) -> None:
    one, other = first.item, row.item
    if (one.kind, one.context, one.judged) != (other.kind, other.context, other.judged):
        raise InputError(f"{row.where}: item {other.id!r} has another content than at {first.where}; change one id")
    if one.group != other.group:
        raise InputError(f"{row.where}: item {other.id!r} has another group than at {first.where}; make them one")


def _all_carried(rows: Sequence[_Seen]) -> tuple[tuple[str, str], ...]:
    names = dict.fromkeys(name for row in rows for name, _ in row.item.carried)
    return tuple((name, _joined(dict(row.item.carried).get(name, "") for row in rows)) for name in names)


def _joined(values: Iterable[str]) -> str:
    """What the rows of an item say, each once."""
    return "; ".join(dict.fromkeys(value for value in values if value))


def _told(expected: Expected) -> str:
    label = {True: "violates", False: "allowed", None: "without a label"}[expected.violation]
    return " ".join((label, *expected.rule_ids))
