"""The sample items as a Parquet file, so that a first job has something to audit."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from assay.errors import InputError

SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("created_at", pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field("surface", pa.string()),
        pa.field("lang", pa.string()),
        pa.field("market", pa.string()),
        pa.field("text", pa.string()),
        pa.field("prompt", pa.string()),
        pa.field("response", pa.string()),
        pa.field("chat", pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))),
    ]
)
"""Each row has `text`, or `prompt` and `response`, or `chat`; the others are null."""

ROW_GROUP_ROWS = 64


def write_sample(folder: Path, out: Path) -> int:
    """Write `folder`/items.jsonl as the Parquet file `out`, in row groups of 64; the number of items.

    `out` appears complete or not at all. Raises InputError, naming file and line, when a line is not an item.
    """
    source = folder / "items.jsonl"
    rows = [_row(line, f"{source}:{number}") for number, line in enumerate(_lines(source), start=1)]
    table = pa.Table.from_pylist(rows, schema=SCHEMA)
    out.parent.mkdir(parents=True, exist_ok=True)
    unfinished = out.with_name(f".{out.name}.unfinished")
    pq.write_table(table, unfinished, row_group_size=ROW_GROUP_ROWS)
    unfinished.replace(out)
    return int(table.num_rows)


def _lines(source: Path) -> list[str]:
    try:
        return source.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{source}: can't be read as UTF-8 text: {error}") from error


def _row(line: str, where: str) -> dict[str, object]:
    try:
        row = json.loads(line)
        row["created_at"] = datetime.fromisoformat(row["created_at"])
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(f"{where}: not a sample item: {error!r}") from error
    if unknown := row.keys() - set(SCHEMA.names):
        raise InputError(f"{where}: unknown keys {sorted(unknown)}")
    return dict(row)
