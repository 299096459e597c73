"""Ids that occur more than once in a source, found with bounded memory (DuckDB spills to a temporary folder)."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack, closing

import duckdb
import pyarrow as pa

from assay.errors import InputError
from sources.columns import plain, raw_bytes
from sources.cursor import Cursor
from sources.parquet_file import OpenFile

_MOST = 1_000_000
_MEMORY = "256MB"
_FLUSH_ROWS = 131_072
_FLUSH_BYTES = 32 * 2**20
_FILE_SHIFT = 32

# An id of 64 bytes or more stands as the 64 hex digits of its sha256, which no shorter id can equal.
_KEEP = """
INSERT INTO ids
SELECT CASE WHEN octet_length(id) < 64 THEN id ELSE sha256(id)::BLOB END, place FROM fresh
WHERE id IS NOT NULL AND octet_length(id) > 0
"""
_FIND = f"""
SELECT place FROM ids JOIN (SELECT id, min(place) AS first FROM ids GROUP BY id HAVING count(*) > 1) USING (id)
WHERE place > first ORDER BY place LIMIT {_MOST + 1}
"""


class Ids:
    """Collects the ids of a source's files, in order. A context manager: its database lives as long as it is open."""

    def __init__(self, column: str) -> None:
        self._column = column
        self._files = 0
        self._open = ExitStack()

    def __enter__(self) -> Ids:
        folder = self._open.enter_context(tempfile.TemporaryDirectory(prefix="assay-ids-"))
        options = {"memory_limit": _MEMORY, "temp_directory": folder}
        self._database = self._open.enter_context(closing(duckdb.connect(":memory:", config=options)))
        self._database.execute("SET preserve_insertion_order = false")
        self._database.execute("CREATE TABLE ids (id BLOB, place BIGINT)")
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def add(self, file: OpenFile) -> None:
        """Read the ids of the next file. Raises InputError if they can't be read."""
        offset = self._files << _FILE_SHIFT
        self._files += 1
        if self._column in file.partitions:
            raise InputError(f"{file.uri}: source.columns.id: a folder's name is the id of no single row")
        cursor = Cursor(file, (self._column,), frozenset(range(len(file.bounds) - 1)))
        ids: list[pa.Array] = []
        places: list[pa.Array] = []
        rows = size = 0
        for first, batch in cursor.read(0, file.rows):
            ids.append(_as_bytes(batch.column(0)))
            places.append(pa.array(range(offset + first, offset + first + batch.num_rows), pa.int64()))
            rows += batch.num_rows
            size += ids[-1].nbytes
            if rows >= _FLUSH_ROWS or size >= _FLUSH_BYTES:
                _flush(self._database, ids, places)
                rows = size = 0
        _flush(self._database, ids, places)

    def repeated(self) -> list[list[int]]:
        """Per file, ascending positions of the rows whose id occurs earlier (in order of files, then rows).

        Rows without an id repeat nothing. Raises InputError if there are more than a million.
        """
        places = self._database.execute(_FIND).fetchall()
        if len(places) > _MOST:
            raise InputError(
                f"source.columns.id: more than {_MOST} rows repeat an earlier id, so column {self._column!r} is no id; "
                "name another column, or set source.duplicate_ids: keep"
            )
        found: list[list[int]] = [[] for _ in range(self._files)]
        for (place,) in places:
            found[place >> _FILE_SHIFT].append(place & ((1 << _FILE_SHIFT) - 1))
        return found


def _flush(database: duckdb.DuckDBPyConnection, ids: list[pa.Array], places: list[pa.Array]) -> None:
    if ids:
        fresh = pa.table({"id": pa.chunked_array(ids), "place": pa.chunked_array(places)})
        database.register("fresh", fresh)
        database.execute(_KEEP)
        database.unregister("fresh")
        ids.clear()
        places.clear()


def _as_bytes(ids: pa.Array) -> pa.Array:
    text = ids.cast(pa.string()) if pa.types.is_integer(plain(ids.type)) else raw_bytes(ids)
    return text.cast(pa.large_binary())
