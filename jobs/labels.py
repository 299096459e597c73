"""What people said of items, in files that the config names, as rows of a query."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from pathlib import Path

import duckdb
import pyarrow as pa

from assay.config import Labels
from assay.errors import InputError
from authoring.labels_file import Label, read_labels
from jobs.sql_types import nulls

LABEL_ROWS = "label_rows"
LABEL_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("item_id", "policy_id")),
        ("label", pa.bool_()),
        ("who", pa.string()),
        ("when", pa.timestamp("us", tz="UTC")),
        ("weight", pa.float64()),
        ("content_hash", pa.string()),
    ]
)


def add_labels(connection: duckdb.DuckDBPyConnection, labels: Labels | None) -> None:
    """Create table `label_rows` with the rows of all files; none without `labels`.

    Raises InputError, naming the file and line, for a file that is missing, lacks a column or holds what is no label.
    """
    if rows := labels_of(labels):
        connection.from_arrow(_table(rows)).create(LABEL_ROWS)
    else:
        connection.execute(f"CREATE TABLE {LABEL_ROWS} AS SELECT {nulls(LABEL_SCHEMA)} WHERE false")


def labels_of(labels: Labels | None) -> Sequence[Label]:
    """The rows of all files; none without `labels`. Raises InputError as `add_labels` does."""
    try:
        return read_labels(_files(labels.path)) if labels else ()
    except InputError as error:
        raise InputError(f"labels.path: {error}") from error


def _files(path: str | tuple[str, ...]) -> Sequence[Path]:
    found: list[str] = []
    for pattern in (path,) if isinstance(path, str) else path:
        matching = sorted(glob.glob(pattern, recursive=True))
        if not matching:
            raise InputError(f"no file matches {pattern}")
        found += matching
    return [Path(file) for file in dict.fromkeys(found)]


def _table(rows: Sequence[Label]) -> pa.Table:
    columns = [
        [row.item_id for row in rows],
        [row.policy_id for row in rows],
        [row.violation for row in rows],
        [row.who or None for row in rows],
        [row.when for row in rows],
        [row.weight for row in rows],
        [row.content_hash for row in rows],
    ]
    return pa.table(columns, schema=LABEL_SCHEMA)
