"""Files of labels, CSV, JSONL or Parquet: what people said of items under policies. The format: docs/prevalence.md."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from assay.errors import InputError
from assay.formulas import unshielded
from assay.golden import as_violation
from authoring.golden_rows import Row, read_table

_MOST = 1e15
"""More items than anybody has; the square of a weight must be a number too."""

_NEEDED = ("item_id", "policy_id", "label")


@dataclass(frozen=True, slots=True)
class Label:
    """One row. `violation` is None where the label is empty: not labelled yet, or the person could not tell.

    `weight` is one over the probability with which the item was drawn to be labelled; None if the file has none. A
    `when` without a zone is in UTC. `content_hash` is of what the person saw, None if the file does not say.
    """

    item_id: str
    policy_id: str
    violation: bool | None
    who: str = ""
    when: datetime | None = None
    weight: float | None = None
    where: str = ""
    content_hash: str | None = None


def read_labels(paths: Sequence[Path]) -> tuple[Label, ...]:
    """The rows of these files, in order; several people may label one item. Other columns are left alone.

    Raises InputError, naming file, line and column: a file can't be read or has no rows; a column is missing; a cell is
    empty that can't be, no label, no time, or no weight from 1 to 1e15; one person labels one content of an item
    twice, and not at different times.
    """
    labels = tuple(label for path in paths for label in _read(path))
    seen: dict[tuple[str, str, str, datetime | None, str | None], str] = {}
    for label in labels:
        key = (label.item_id, label.policy_id, label.who, label.when, label.content_hash)
        if before := seen.get(key):
            raise InputError(
                f"{label.where}: item_id: {label.who or 'nobody'} labels {label.item_id!r} under "
                f"{label.policy_id!r} twice, first at {before}; keep one, or say when"
            )
        seen[key] = label.where
    return labels


def _read(path: Path) -> tuple[Label, ...]:
    table = read_table(path)
    if missing := next((name for name in _NEEDED if name not in table.names), None):
        raise InputError(f"{path}: no column {missing}; there are: {', '.join(table.names)}")
    return tuple(_label(row, path.suffix.lower() == ".csv") for row in table.rows)


def _label(row: Row, is_csv: bool) -> Label:
    return Label(
        item_id=_name(row, "item_id", is_csv),
        policy_id=_name(row, "policy_id", is_csv),
        violation=_violation(row),
        who=row.cell("who").strip(),
        when=_when(row),
        weight=_weight(row),
        content_hash=row.cell("content_hash").strip() or None,
        where=row.where,
    )


def _name(row: Row, column: str, is_csv: bool) -> str:
    if not row.cell(column).strip():
        raise InputError(f"{row.where}: {column}: empty; a label names its item and its policy")
    return unshielded(row.cell(column)) if is_csv else row.cell(column)


def _violation(row: Row) -> bool | None:
    try:
        return as_violation(row.cell("label"))
    except ValueError as error:
        raise InputError(f"{row.where}: label: {error}") from error


def _when(row: Row) -> datetime | None:
    cell = row.cell("when").strip()
    if not cell:
        return None
    try:
        moment = datetime.fromisoformat(cell)
    except ValueError as error:
        raise InputError(f"{row.where}: when: {cell!r} is no time; write 2026-11-20 or 2026-11-20T09:30:00Z") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _weight(row: Row) -> float | None:
    cell = row.cell("weight").strip()
    if not cell:
        return None
    try:
        weight = float(cell)
    except ValueError as error:
        raise InputError(f"{row.where}: weight: {cell!r} is no number") from error
    if not (math.isfinite(weight) and weight >= 1):
        raise InputError(f"{row.where}: weight: {cell}; a sampling weight is one over a probability, so at least 1")
    if weight > _MOST:
        raise InputError(f"{row.where}: weight: {cell}; an item stands for at most {_MOST:g} others")
    return weight
