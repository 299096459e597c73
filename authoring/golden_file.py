"""Golden files: CSV, JSONL or Parquet with one row for each item and policy. The format: docs/golden.md."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from assay.chats import Judged
from assay.errors import InputError
from assay.golden import GOLDEN_FIELDS, Expected, GoldenColumns, GoldenItem
from assay.records import ItemKind
from authoring.golden_items import Reading, check_columns, items_of
from authoring.golden_rows import CELL_CHARS, read_table

_ALWAYS = ("item_id", "policy_id", "label", "rules")
_AS_NAMED = GoldenColumns()
_LABELS_OF = re.compile(r"label\.(.+)")


def read_golden(
    path: Path,
    columns: GoldenColumns = _AS_NAMED,
    policy_id: str | None = None,
    judged: Judged = "last_assistant",
) -> tuple[GoldenItem, ...]:
    """The items of a golden file, in order of their first rows; several rows of one id are one item.

    `policy_id` is the policy of rows that name none. `judged` says what of a chat is judged, as `source.judged` does.
    Without a column of ids, each row is an item of its own: row-1, row-2 and so on. An empty label is unknown.

    Raises InputError, naming file and line: the file can't be read or has no rows; a column is missing; a row has no
    content, policy or known label; two rows contradict each other (one id with two contents or groups; one item and
    policy with two labels or rules).
    """
    table = read_table(path)
    reading = Reading(columns, policy_id, judged)
    check_columns(table, reading, str(path))
    return items_of(table, reading)


def parse_mapping(text: str) -> GoldenColumns:
    """The columns that `--map` names: "text=prompt_text,label=flag". What is not named keeps its own name.

    `label.POLICY=COLUMN` names a column of labels for one policy. A column's name with a comma in it: put the pair in
    double quotes, as in CSV. A column that is named for one thing is no longer read as another.

    Raises InputError for a pair that is none, an unknown name on the left, or a name that is given twice.
    """
    given: dict[str, str] = {}
    for pair in next(csv.reader([text]), []):
        field, equals, column = (part.strip() for part in pair.partition("="))
        if not (field and equals and column):
            raise InputError(f"--map: {pair!r} is not FIELD=COLUMN, such as text=prompt_text")
        if field not in GOLDEN_FIELDS and not _LABELS_OF.fullmatch(field):
            raise InputError(f"--map: {field!r} is none of {', '.join(GOLDEN_FIELDS)}, label.POLICY")
        if field in given:
            raise InputError(f"--map: {field!r} is given twice")
        given[field] = column
    labels = tuple((found[1], name) for field, name in given.items() if (found := _LABELS_OF.fullmatch(field)))
    own = {field: name for field, name in given.items() if field in GOLDEN_FIELDS}
    freed = {field: "" for field in GOLDEN_FIELDS if field not in own and field in given.values()}
    return replace(GoldenColumns(), **own, **freed, labels=labels)


def write_golden(items: Sequence[GoldenItem], path: Path) -> None:
    """Write items as a golden CSV, which `read_golden` reads as the same items. `path` appears complete or not at all.

    Raises InputError for what CSV can't hold: a cell of more than 131,072 characters, a carried column that is called
    like one of ours.
    """
    rows = [_cells(item, expected) for item in items for expected in item.expected]
    used = {name for row in rows for name, cell in row.items() if cell}
    names = [name for name in GOLDEN_FIELDS if name in used or name in _ALWAYS]
    names += dict.fromkeys(name for item in items for name, _ in item.carried)
    text = io.StringIO(newline="")
    plain = csv.writer(text, lineterminator="\n")
    quoted = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
    plain.writerow(names)
    for row in rows:
        cells = [row.get(name, "") for name in names]
        if long := next((name for name in names if len(row.get(name, "")) > CELL_CHARS), None):
            raise InputError(
                f"{path}: {long} of {row['item_id']!r} is longer than a CSV cell ({CELL_CHARS:,} characters)"
            )
        (quoted if any("\r" in cell for cell in cells) else plain).writerow(cells)  # a bare \r ends a line too
    unfinished = path.with_name(f".{path.name}.unfinished")
    unfinished.write_text(text.getvalue(), encoding="utf-8", newline="")
    unfinished.replace(path)


def _cells(item: GoldenItem, expected: Expected) -> dict[str, str]:
    if taken := next((name for name, _ in item.carried if name in GOLDEN_FIELDS), None):
        raise InputError(f"item {item.id!r}: a carried column can't be called {taken}; rename it")
    label = {True: "violates", False: "allowed", None: ""}[expected.violation]
    ours = {"item_id": item.id, "policy_id": expected.policy_id, "label": label, "rules": " ".join(expected.rule_ids)}
    group = "" if item.group == item.id else item.group
    return {**ours, **_content(item), "group": group, "note": item.note, **dict(item.carried)}


def _content(item: GoldenItem) -> dict[str, str]:
    if item.kind is ItemKind.TEXT:
        return {"text": item.judged[0].content}
    if item.kind is ItemKind.COMPLETION:
        prompt = item.context[0].content if item.context else ""
        return {"prompt": prompt, "response": item.judged[0].content}
    turns = [{"role": turn.role, "content": turn.content} for turn in (*item.context, *item.judged)]
    return {"chat": json.dumps(turns, ensure_ascii=False)}
