"""Answers of a query as table, json, csv or parquet, safe for what reads them.

What an item says must not act on a terminal (control, invisible and reordering characters are shown as escapes) or in
a spreadsheet (cells that would be run as a formula begin with an apostrophe).
"""

from __future__ import annotations

import base64
import csv
import io
import json
import math
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import islice
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from assay.codepoints import IGNORABLE
from assay.errors import InputError
from assay.formulas import shielded
from jobs.sql_table import Rows, boxed, plain

TABLE_ROWS = 1000
"""A table for people shows at most this many rows and says so."""

LONGEST = 300
"""On a terminal a cell shows at most this many characters and a mark."""

_GROUP_ROWS, _GROUP_BYTES = 122_880, 128 * 2**20
_CUT = "…"
_UNSEEN = re.compile(f"[{IGNORABLE}]")
_MARKS_ON_A_LETTER = 4


@dataclass(frozen=True, slots=True)
class Look:
    """How rows are written. `wide`: a table cuts, wraps and rounds nothing; `raw`: csv has the bytes as they are."""

    format: str
    wide: bool = False
    raw: bool = False


def write(reader: pa.RecordBatchReader, look: Look, out: BinaryIO) -> None:
    """Write all batches to `out`. Raises InputError for what does not go together: see `check_look`."""
    check_look(look, out)
    _WRITERS[look.format](reader, look, out)


def check_look(look: Look, out: BinaryIO) -> None:
    """Raises InputError for an unknown format, for `raw` without csv, and for bytes that would go to a terminal."""
    if look.format not in _WRITERS:
        raise InputError(f"--format {look.format}: choose one of {', '.join(_WRITERS)}")
    if look.raw and look.format != "csv":
        raise InputError(
            f"--raw goes with --format csv; table is always safe, json and parquet exact, not {look.format}"
        )
    if out.isatty() and (look.raw or look.format == "parquet"):
        option = "--raw" if look.raw else "--format parquet"
        raise InputError(f"{option}: this is a terminal; send the output to a file")


def printable(text: str) -> str:
    """Text with control, format and invisible characters as escapes (\\n, \\x1b, \\u202e): it stays in its cell.

    So are marks that would be drawn over a neighbour: those without a letter, and the fifth and later ones on a letter.
    """
    if text.isascii() and text.isprintable():
        return text
    shown, marks = [], _MARKS_ON_A_LETTER
    for char in text:
        marks = marks + 1 if unicodedata.category(char) in ("Mn", "Me") else 0
        hidden = marks > _MARKS_ON_A_LETTER or not char.isprintable() or _UNSEEN.match(char)
        shown.append(char.encode("unicode_escape", "surrogatepass").decode() if hidden else char)
    return "".join(shown)


def printable_lines(text: str) -> str:
    """The same line by line."""
    return "\n".join(printable(line) for line in text.splitlines())


def _table(reader: pa.RecordBatchReader, look: Look, out: BinaryIO) -> None:
    rows = _rows(reader)
    terminal = out.isatty()
    cut = terminal and not look.wide
    shown = [[_shown(value, cut) for value in row] for row in islice(rows, TABLE_ROWS)]
    more = next(rows, None) is not None
    table = Rows([printable(name) for name in reader.schema.names], shown, _numeric(reader.schema))
    out.write((boxed(table) if cut else plain(table, to_the_right=terminal)).encode())
    if terminal and not shown:
        out.write(b"no rows\n")
    if cut and (number := sum(len(cell) > LONGEST and cell.endswith(_CUT) for row in shown for cell in row)):
        out.write(f"{number} long {'cell' if number == 1 else 'cells'} cut ({_CUT}); --wide shows all\n".encode())
    if more:
        out.write(f"... only the first {TABLE_ROWS} rows; --format csv gives all\n".encode())


def _numeric(schema: pa.Schema) -> list[bool]:
    is_a = pa.types
    return [is_a.is_integer(kind) or is_a.is_floating(kind) or is_a.is_decimal(kind) for kind in schema.types]


def _json(reader: pa.RecordBatchReader, _look: Look, out: BinaryIO) -> None:
    names = _one_of_each(reader.schema.names)
    between = b"["
    for row in _rows(reader):
        record = {name: _jsonable(value) for name, value in zip(names, row, strict=True)}
        out.write(between + json.dumps(record, allow_nan=False).encode())
        between = b",\n "
    out.write(b"]\n" if between != b"[" else b"[]\n")


def _one_of_each(names: Sequence[str]) -> Sequence[str]:
    """Raises InputError for a name that comes twice: of two such columns an object would hold one."""
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise InputError(f"two columns of the answer are called {twice!r}; name one with AS")
    return names


_QUOTED = "\r\n;\t"


class _CsvLines(io.StringIO):
    """Rows that end with a line feed. The writer itself quotes only what the ends of rows hold: carriage returns, and
    what some spreadsheets part cells at."""

    def write(self, row: str, /) -> int:
        return super().write(row.removesuffix(_QUOTED) + "\n")


def _csv(reader: pa.RecordBatchReader, look: Look, out: BinaryIO) -> None:
    shown = _text if look.raw else _on_screen if out.isatty() else _cell
    buffer = _CsvLines()
    writer = csv.writer(buffer, lineterminator=_QUOTED)
    writer.writerow([shown(name) for name in reader.schema.names])
    for row in _rows(reader):
        writer.writerow([shown(value) for value in row])
        if buffer.tell() > 2**16:
            out.write(buffer.getvalue().encode())
            buffer.seek(0)
            buffer.truncate()
    out.write(buffer.getvalue().encode())


def _parquet(reader: pa.RecordBatchReader, _look: Look, out: BinaryIO) -> None:
    _one_of_each(reader.schema.names)
    with pq.ParquetWriter(pa.PythonFile(out, mode="w"), reader.schema, compression="zstd") as writer:
        for rows in _groups(reader):
            writer.write_table(rows)


def _groups(reader: pa.RecordBatchReader) -> Iterator[pa.Table]:
    """The rows in row groups of many rows, but not of more bytes than there may be in memory."""
    batches: list[pa.RecordBatch] = []
    for batch in reader:
        batches.append(batch)
        if sum(each.nbytes for each in batches) >= _GROUP_BYTES or sum(map(len, batches)) >= _GROUP_ROWS:
            yield pa.Table.from_batches(batches)
            batches = []
    if batches:
        yield pa.Table.from_batches(batches)


_WRITERS: dict[str, Callable[[pa.RecordBatchReader, Look, BinaryIO], None]] = {
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
    """The value as JSON knows it: times in ISO 8601, bytes in base64, no NaN, maps as objects.

    A decimal number that no float is near enough to is its text.
    """
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
            return float(value) if Decimal(repr(float(value))) == value else _digits(value)
        case timedelta():
            return value.total_seconds()
    return str(value)


def _digits(value: Decimal) -> str:
    """All digits that count: a float has 15 of them for certain."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _text(value: object) -> str:
    """A cell's text: plain for simple values, JSON for nested ones, nothing for null."""
    if value is None:
        return ""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Decimal):
        return _digits(value)
    plain = _jsonable(value)
    return plain if isinstance(plain, str) else json.dumps(plain, ensure_ascii=False)


def _shown(value: object, cut: bool) -> str:
    text = _rounded(value) if cut and isinstance(value, float) else _text(value)
    return f"{printable(text[:LONGEST])}{_CUT}" if cut and len(text) > LONGEST else printable(text)


def _rounded(value: float) -> str:
    """Six digits that count, or all before the point."""
    return f"{value:.6g}" if abs(value) < 1e6 or not math.isfinite(value) else f"{value:.0f}"


def _cell(value: object) -> str:
    text = _text(value)
    number = isinstance(value, int | float | Decimal | timedelta)
    return text if number else shielded(text)


def _on_screen(value: object) -> str:
    return printable(_cell(value))
