"""Reading a file's rows in order with bounded memory, whatever the size of its row groups, pages and values."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator

import pyarrow as pa

from sources.parquet_file import OpenFile

_BATCH_ROWS = 4096
_BATCH_BYTES = 16 * 2**20
_EXPANDED_BYTES = 64 * 2**20
_NESTED_VALUES = 1 << 18


class Cursor:
    """A place in one file that moves forward cheaply, and backward at the cost of one row group.

    `columns` are names or dotted paths; `groups` the row groups to read: the others are passed over.
    """

    def __init__(self, file: OpenFile, columns: Iterable[str], groups: frozenset[int]) -> None:
        self.file = file
        self._columns = sorted(set(columns))
        self._groups = groups
        self._at = 0
        self._rest: tuple[int, pa.RecordBatch] | None = None
        self._stream: Iterator[tuple[int, pa.RecordBatch]] | None = None

    def read(self, start: int, stop: int) -> Iterator[tuple[int, pa.RecordBatch]]:
        """Batches of the rows from `start` to `stop`, each with the position of its first row.

        Raises InputError, naming the file and rows, if they can't be read.
        """
        if self._stream is None or start < self._at or self._group(start) > self._group(self._at):
            self._rest, self._stream = None, self._open(self._group(start))
        while True:
            self._rest = self._rest or next(self._stream, None)
            if self._rest is None or self._rest[0] >= stop:
                return
            first, batch = self._rest
            end = first + batch.num_rows
            low, high = max(first, start), min(end, stop)
            self._rest = (high, batch.slice(high - first)) if high < end else None
            self._at = high
            if low < high:
                yield low, batch.slice(low - first, high - low)

    def _group(self, row: int) -> int:
        return bisect_right(self.file.bounds, row, hi=len(self.file.bounds) - 1) - 1

    def _open(self, group: int) -> Iterator[tuple[int, pa.RecordBatch]]:
        for index in range(group, len(self.file.bounds) - 1):
            if index in self._groups:
                yield from self._read_group(index)

    def _read_group(self, group: int) -> Iterator[tuple[int, pa.RecordBatch]]:
        first, stop = self.file.bounds[group : group + 2]
        at = first
        for batch in self._batches(group, stop - first):
            yield at, batch
            at += batch.num_rows
        with self.file.blame(at, stop):
            if at != stop:
                raise ValueError(f"the footer claims {stop - first} rows, the pages hold {at - first}")

    def _batches(self, group: int, rows: int) -> Iterator[pa.RecordBatch]:
        if not self._columns:
            for at in range(0, rows, _BATCH_ROWS):
                yield pa.record_batch([pa.nulls(min(_BATCH_ROWS, rows - at))], names=["\0"])
            return
        first = self.file.bounds[group]
        with self.file.blame(first, first + rows):
            yield from self.file.parquet.iter_batches(
                batch_size=self._batch_rows(group, rows), row_groups=[group], columns=self._columns, use_threads=False
            )

    def _batch_rows(self, group: int, rows: int) -> int:
        """How many rows of the group surely fit in memory at once, by the sizes in its page headers."""
        size = float(_BATCH_ROWS)
        for leaf in self.file.leaves(self._columns):
            nested = self.file.parquet.schema.column(leaf).max_repetition_level > 0
            values = 0
            for page in self.file.pages(group, leaf):
                if not page.dictionary:
                    values += page.values
                    size = min(size, _BATCH_BYTES * page.values / max(page.bytes, 1))
                elif not nested:
                    size = min(size, _EXPANDED_BYTES / max(page.bytes, 1))
            if nested:
                size = min(size, _NESTED_VALUES * rows / max(values, 1))
        return max(1, int(size))
