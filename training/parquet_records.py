"""Parquet files of the work folder as typed records, and how such a file is replaced."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import TypeVar

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import TypeAdapter, ValidationError

from assay.errors import InputError

Record = TypeVar("Record")


def read_records(path: Path, record: type[Record], way_out: str) -> tuple[Record, ...]:
    """A record, of a dataclass, for each row; columns that it has no field for are left alone.

    Raises InputError, with the file and the `way_out`, if the file is missing or is no Parquet file, a column is
    missing, or a value is not of the field's type.
    """
    if not is_dataclass(record):
        raise TypeError(f"{record.__name__} is no dataclass")
    names = [field.name for field in fields(record)]
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{path}: can't be read: {error}: {way_out}") from error
    if missing := [name for name in names if name not in table.column_names]:
        raise InputError(f"{path}: has no column {', '.join(missing)}: {way_out}")
    rows = TypeAdapter(tuple[record, ...])  # type: ignore[valid-type]
    try:
        return rows.validate_python(table.select(names).to_pylist())
    except ValidationError as error:
        first = error.errors()[0]
        where = " ".join(map(str, first["loc"]))
        raise InputError(f"{path}: row and column {where}: {first['msg']}: {way_out}") from error


def write_whole(path: Path, table: pa.Table) -> None:
    """Write the file beside its place and rename it: readers see the old one or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.unfinished")
    pq.write_table(table, unfinished)
    unfinished.replace(path)
