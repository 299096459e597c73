"""The rows of a file of golden items or labels, whatever its format: cells of text, and the place that errors name."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from assay.errors import InputError

CELL_CHARS = csv.field_size_limit()
"""The longest cell of a CSV file, in characters: beyond it Python's reader takes a quote for forgotten."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its cells that are not empty, by column, and its place as `file:line`."""

    where: str
    cells: Mapping[str, str]

    def cell(self, column: str) -> str:
        return self.cells.get(column, "")


@dataclass(frozen=True, slots=True)
class Table:
    names: tuple[str, ...]
    rows: tuple[Row, ...]


def read_table(path: Path) -> Table:
    """The rows of a CSV, JSONL or Parquet file, by its suffix; blank rows are left out.

    Raises InputError, naming file and line, for what can't be read, has no rows or doesn't fit its own header.
    """
    readers = {".csv": _csv, ".jsonl": _jsonl, ".ndjson": _jsonl, ".parquet": _parquet}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise InputError(f"{path}: the name of such a file ends in {', '.join(readers)}")
    table = reader(path)
    if not table.rows:
        raise InputError(f"{path}: no rows; there has to be one for each item and policy")
    return table


def read_text(path: Path) -> str:
    """A file's text without its byte order mark, its line ends as they are. Raises InputError."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: can't be read: {error.strerror or error}") from error
    except ValueError as error:  # a name that no file has
        raise InputError(f"{str(path)!r}: can't be read: {error}") from error
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise InputError(f"{path}:{line}: not UTF-8; save the file as UTF-8") from error


def csv_records(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Each record of a CSV file with the number of its first line. Raises InputError, naming file and line."""
    reader = csv.reader(io.StringIO(read_text(path), newline=""), strict=True)
    line = 1
    try:
        for record in reader:
            yield line, record
            line = reader.line_num + 1
    except csv.Error as error:
        raise InputError(f"{path}:{line}: not CSV: {error}; is a quote missing, or not doubled?") from error


def _csv(path: Path) -> Table:
    records = ((line, record) for line, record in csv_records(path) if any(cell.strip() for cell in record))
    _, header = next(records, (0, []))
    names = [name.strip() or f"column {number}" for number, name in enumerate(header, 1)]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise InputError(f"{path}:1: two columns are called {twice!r}; rename one")
    return Table(tuple(names), tuple(_csv_row(f"{path}:{line}", names, record) for line, record in records))


def _csv_row(where: str, names: Sequence[str], record: Sequence[str]) -> Row:
    beyond = any(cell.strip() for cell in record[len(names) :])
    if beyond or len(record) < len(names):
        raise InputError(f"{where}: {len(record)} cells, and the header has {len(names)}; is a quote or comma missing?")
    return Row(where, {name: cell for name, cell in zip(names, record, strict=False) if cell})


def _jsonl(path: Path) -> Table:
    lines = enumerate(read_text(path).split("\n"), 1)  # not splitlines: a JSON text may hold U+2028
    rows = tuple(_json_row(f"{path}:{number}", line) for number, line in lines if line.strip())
    return Table(tuple(dict.fromkeys(name for row in rows for name in row.cells)), rows)


def _json_row(where: str, line: str) -> Row:
    try:
        content = json.loads(line)
        line.encode()
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where}: not JSON: {error}") from error
    if not isinstance(content, dict):
        raise InputError(f"{where}: not a JSON object; each line is one")
    return Row(where, _cells(content, where))


def _parquet(path: Path) -> Table:
    try:
        table = pq.ParquetFile(path).read()
        columns = table.schema.names
        rows = tuple(
            Row(where, _cells(values, where))
            for number, values in enumerate(table.to_pylist(), 1)
            if any(value is not None for value in values.values())
            for where in (f"{path}: row {number}",)
        )
    except (OSError, pa.ArrowException, ValueError) as error:
        raise InputError(f"{path}: can't be read as Parquet: {error}") from error
    return Table(tuple(columns), rows)


def _cells(values: Mapping[str, object], where: str) -> dict[str, str]:
    cells = {name: _text(value, f"{where}: {name}") for name, value in values.items()}
    return {name: cell for name, cell in cells.items() if cell}


def _text(value: object, where: str) -> str:
    """A value as a CSV cell would have it: lists and objects as JSON, what is missing as ""."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    try:
        text = value.decode() if isinstance(value, bytes) else value
        text = json.dumps(text, ensure_ascii=False, default=str) if isinstance(text, list | dict) else str(text)
        text.encode()
    except UnicodeError as error:
        raise InputError(f"{where}: not UTF-8, or half of a surrogate pair: {error}") from error
    return text
