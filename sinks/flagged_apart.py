"""In large files the rows that flag come first, in row groups of their own.

Few rows flag, and lists of them want the texts that fill a table: rationale, reasoning. A reader leaves out row groups
by their statistics, so it then unpacks those few rows and no others. Within both parts rows keep their order.
"""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import DeltaTable

from sinks.delta_table import Location
from sinks.replacing import ROWS, ActiveFile, files_of, pieces, replace, write_beside

_FEWEST_ROWS = 10_000
"""Smaller files stay as they are: there is little to leave out, and a row group's description takes some kilobytes."""

_GROUP_ROWS = 122_880
_GROUP_BYTES = 128 * 2**20


def put_flagged_apart(table: DeltaTable, at: Location) -> None:
    """Rewrite the large files of `verdicts` that are not so yet, in one version of the table.

    The caller holds the lock (`sinks.replacing.alone`), and `table` is up to date. Raises as `sinks.replacing.replace`.
    """
    new = {file: write_beside(at, file, _apart(at, file)) for file in files_of(table) if _is_mixed(at, file)}
    if new:
        replace(at, table, new, changes_data=False)


def _is_mixed(at: Location, file: ActiveFile) -> bool:
    metadata = pq.read_metadata(file.place(at), filesystem=at.filesystem)
    leaves = [metadata.schema.column(leaf).path for leaf in range(metadata.num_columns)]
    leaf = leaves.index("violation")
    if metadata.num_rows < _FEWEST_ROWS:
        return False
    bounds = [metadata.row_group(group).column(leaf).statistics for group in range(metadata.num_row_groups)]
    return any(each is not None and each.has_min_max and each.min != each.max for each in bounds)


def _apart(at: Location, file: ActiveFile) -> Iterator[pa.Table]:
    for flagged in (True, False):
        yield from _groups(
            rows.filter(pc.equal(pc.fill_null(rows["violation"], False), flagged))
            for rows in pieces(at, file.place(at), ROWS)
        )


def _groups(tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """The same rows, in tables that are large enough for a row group and fit into memory."""
    pending: list[pa.Table] = []
    for table in tables:
        pending.append(table)
        if sum(map(len, pending)) >= _GROUP_ROWS or sum(each.nbytes for each in pending) >= _GROUP_BYTES:
            yield pa.concat_tables(pending)
            pending = []
    if any(map(len, pending)):
        yield pa.concat_tables(pending)
