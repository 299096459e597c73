"""Answers of a query as table, json, csv or parquet, safe for what reads them.

What an item says must not act on a terminal (control characters are escaped) or in a spreadsheet (cells that would be
run as a formula begin with an apostrophe).
"""

from __future__ import annotations

import base64
import csv
import io
import json
import math
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import islice
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table
from rich.text import Text

from assay.errors import InputError

TABLE_ROWS = 1000
"""A table for people shows at most this many rows and says so."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write(reader: pa.RecordBatchReader, format: str, out: BinaryIO) -> None:
    """Write all batches to `out`. Raises InputError for a format that we don't have."""
    writer = _WRITERS.get(format)
    if writer is None:
        raise InputError(f"--format {format}: choose one of {', '.join(_WRITERS)}")
    writer(reader, out)


def printable(text: str) -> str:
    """Text with control, format and other invisible characters as escapes (\\n, \\x1b, \\u202e)."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)


def printable_lines(text: str) -> str:
    """The same line by line."""
    return "\n".join(printable(line) for line in text.splitlines())


def _table(reader: pa.RecordBatchReader, out: BinaryIO) -> None:
    rows = _rows(reader)
    shown = [[_shown(value) for value in row] for row in islice(rows, TABLE_ROWS)]
    more = next(rows, None) is not None
    heads = [printable(name) for name in reader.schema.names]
    text = _rich(heads, shown) if out.isatty() else _plain(heads, shown)
    out.write(text.encode())
    if more:
        out.write(f"... only the first {TABLE_ROWS} rows; --format csv gives all\n".encode())


def _rich(heads: list[str], rows: list[list[str]]) -> str:
    table = Table()
    for head in heads:
        table.add_column(Text(head))
    for row in rows:
        table.add_row(*(Text(cell, overflow="fold") for cell in row))
    console = Console(file=io.StringIO(), force_terminal=True, emoji=False, markup=False)
    with console.capture() as capture:
        console.print(table)
    return capture.get()


def _plain(heads: list[str], rows: list[list[str]]) -> str:
    widths = [max(len(line[at]) for line in (heads, *rows)) for at in range(len(heads))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in (heads, *rows)]
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _json(reader: pa.RecordBatchReader, out: BinaryIO) -> None:
    names = reader.schema.names
    between = b"["
    for row in _rows(reader):
        record = {name: _jsonable(value) for name, value in zip(names, row, strict=True)}
        out.write(between + json.dumps(record, allow_nan=False).encode())
        between = b",\n "
    out.write(b"]\n" if between != b"[" else b"[]\n")


def _csv(reader: pa.RecordBatchReader, out: BinaryIO) -> None:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([_cell(name) for name in reader.schema.names])
    for row in _rows(reader):
        writer.writerow([_cell(value) for value in row])
        if buffer.tell() > 2**16:
            out.write(buffer.getvalue().encode())
            buffer.seek(0)
            buffer.truncate()
    out.write(buffer.getvalue().encode())


def _parquet(reader: pa.RecordBatchReader, out: BinaryIO) -> None:
    if out.isatty():
        raise InputError("--format parquet: this is a terminal; send the output to a file")
    with pq.ParquetWriter(pa.PythonFile(out, mode="w"), reader.schema, compression="zstd") as writer:
        for batch in reader:
            writer.write_batch(batch)


_WRITERS: dict[str, Callable[[pa.RecordBatchReader, BinaryIO], None]] = {
    "table": _table,
    "json": _json,
    "csv": _csv,
    "parquet": _parquet,
}


def _rows(reader: pa.RecordBatchReader) -> Iterator[tuple[object, ...]]:
    """Row by row; by place, as a query may give two columns one name."""
    for batch in reader:
        yield from zip(*(_values(column) for column in batch.columns), strict=True)


def _values(column: pa.Array) -> list[object]:
    values: list[object] = column.to_pylist()
    if pa.types.is_map(column.type):
        return [None if value is None else dict(value) for value in values]  # type: ignore[call-overload]
    return values


def _jsonable(value: object) -> object:
    """The value as JSON knows it: times in ISO 8601, bytes in base64, no NaN, maps as objects."""
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else None
        case bytes():
            return base64.b64encode(value).decode()
        case datetime() | date() | time():
            return value.isoformat()
        case list() if value and all(isinstance(pair, tuple) for pair in value):
            return {str(key): _jsonable(item) for key, item in value}
        case list() | tuple():
            return [_jsonable(item) for item in value]
        case dict():
            return {str(key): _jsonable(item) for key, item in value.items()}
        case Decimal() if value == value.to_integral_value():
            return int(value)
        case Decimal():
            return float(value)
        case timedelta():
            return value.total_seconds()
    return str(value)


def _text(value: object) -> str:
    """A cell's text: plain for simple values, JSON for nested ones, nothing for null."""
    if value is None:
        return ""
    plain = _jsonable(value)
    return plain if isinstance(plain, str) else json.dumps(plain, ensure_ascii=False)


def _shown(value: object) -> str:
    return printable(_text(value))


def _cell(value: object) -> str:
    text = _text(value)
    formula = text.startswith(_FORMULA) and not isinstance(value, int | float | Decimal)
    return f"'{text}" if formula else text
