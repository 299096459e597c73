"""Labelled items as a Parquet file that a job can audit like any other, kept once under the hash of what it holds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from assay.chats import Judged, split
from assay.config import Columns, ParquetConfig
from assay.errors import InputError, RecordError
from assay.golden import GoldenItem
from assay.records import ItemKind
from sinks.delta_table import FOREIGN, Location, locate, translate

REPEAT = "assay:repeat"
"""The column that tells repeats of an item apart; null in the first one, which may so be reused like any case."""

UNDER = "assay:under"
"""The column of the policies that an item has labels for; null if it has none."""

ITEMS = "evals/items"
"""Where the files are, under a job's `sink.path`."""

_ID, _TEXT, _PROMPT, _RESPONSE, _CHAT = (f"assay:{name}" for name in ("id", "text", "prompt", "response", "chat"))
_MODES: tuple[Judged, ...] = ("whole", "last_assistant", "last_user")

Row = dict[str, str | None]


def modes_of(items: Sequence[GoldenItem], preferred: Judged) -> dict[Judged, list[int]]:
    """The places of the items in their sequence, by what `source.judged` must be so that they are judged as they say.

    `preferred` wherever it will do. Raises InputError for an item whose judged turns no setting can name.
    """
    found: dict[Judged, list[int]] = {}
    for place, item in enumerate(items):
        found.setdefault(_mode_of(item, preferred), []).append(place)
    return found


def _mode_of(item: GoldenItem, preferred: Judged) -> Judged:
    if item.kind is not ItemKind.CHAT:
        return preferred
    for mode in (preferred, *_MODES):
        try:
            if split((*item.context, *item.judged), mode) == (item.context, item.judged):
                return mode
        except RecordError:
            continue
    raise InputError(f"item {item.id!r}: its judged turns are neither all turns nor the last one of a role")


def keep_items(path: str, items: Sequence[GoldenItem], repeats: int, judged: Judged) -> ParquetConfig:
    """Write each item so many times to `<path>/evals/items`; the source that reads them. Equal items, equal file.

    The row of an item's repeat is number item * repeats + repeat. Raises TransientError, FatalError.
    """
    carried = sorted({name for item in items for name, _ in item.carried})
    rows = [_row(item, repeat) for item in items for repeat in range(repeats)]
    at = locate(path, ITEMS)
    name = hashlib.sha256(json.dumps([carried, rows]).encode()).hexdigest() + ".parquet"
    try:
        _write_once(at, name, _table(rows, carried))
    except FOREIGN as error:
        raise translate(error, at.uri) from error
    carry = (REPEAT, UNDER, *map(_carried, carried))
    columns = Columns(id=_ID, text=_TEXT, prompt=_PROMPT, response=_RESPONSE, chat=_CHAT, carry=carry)
    uri = f"{at.uri}/{name}"
    return ParquetConfig(kind="parquet", path=(uri,), columns=columns, judged=judged, duplicate_ids="keep")


def item_ids_of(table: pa.Table) -> set[str]:
    """The ids of the items in such a file."""
    return {value.decode("utf-8", "surrogatepass") for value in table[_ID].to_pylist() if value is not None}


def _row(item: GoldenItem, repeat: int) -> Row:
    row: Row = {_ID: item.id, REPEAT: str(repeat) if repeat else None}
    row[UNDER] = " ".join(sorted({each.policy_id for each in item.expected})) or None
    if item.kind is ItemKind.TEXT:
        row[_TEXT] = item.judged[0].content
    elif item.kind is ItemKind.COMPLETION:
        row[_PROMPT] = item.context[0].content if item.context else None
        row[_RESPONSE] = item.judged[0].content
    else:
        turns = [{"role": turn.role, "content": turn.content} for turn in (*item.context, *item.judged)]
        row[_CHAT] = json.dumps(turns)
    return row | {_carried(name): value for name, value in item.carried}


def _carried(name: str) -> str:
    """A golden file's own columns may be called like ours, or like a folder that the file lies in."""
    return f"golden:{name}"


def _table(rows: Sequence[Row], carried: Sequence[str]) -> pa.Table:
    """All of it as bytes: text that is not valid Unicode is then rejected when it is read, like that of any source."""
    names = [_ID, _TEXT, _PROMPT, _RESPONSE, _CHAT, REPEAT, UNDER, *map(_carried, carried)]
    return pa.table({name: pa.array([_bytes(row.get(name)) for row in rows], pa.binary()) for name in names})


def _bytes(value: str | None) -> bytes | None:
    return None if value is None else value.encode("utf-8", "surrogatepass")


def _write_once(at: Location, name: str, table: pa.Table) -> None:
    """The file appears complete or not at all."""
    file, draft = f"{at.root}/{name}", f"{at.root}/_{uuid4().hex}"
    if at.filesystem.get_file_info(file).type is not fs.FileType.NotFound:
        return
    at.filesystem.create_dir(at.root, recursive=True)
    with at.filesystem.open_output_stream(draft) as out:
        pq.write_table(table, out)
    at.filesystem.move(draft, file)
