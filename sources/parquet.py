"""The Parquet source: the shards of a plan, read as they are handed out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from assay.config import ParquetConfig
from assay.contracts import Shard
from assay.errors import InputError
from assay.records import Arrival
from sources.cursor import Cursor
from sources.parquet_file import OpenFile, open_file
from sources.plan import Plan, wanted_columns
from sources.rows import Rows
from sources.selection import FileSelection, selection_of
from sources.shards import Claims, ShardSource


@dataclass(frozen=True, slots=True)
class _Opened:
    """The file being read. It stays open from shard to shard, so that neighbours cost no second look at their rows."""

    file: OpenFile
    selection: FileSelection
    cursor: Cursor
    rows: Rows


class ParquetSource(ShardSource):
    """Implements `Source` over the shards of `plan` that `claims` hands out.

    `poll` raises InputError, naming the file and rows, for a file that changed since it was planned or whose pages
    are corrupt.
    """

    def __init__(self, config: ParquetConfig, plan: Plan, claims: Claims) -> None:
        super().__init__(claims, self._from)
        self._config = config
        self._selection = selection_of(config)
        self._pieces = {piece.shard: piece for piece in plan.pieces}
        self._opened: _Opened | None = None

    def close(self) -> None:
        """Close the file. No `poll` may be under way."""
        super().close()
        self._leave()

    def _from(self, shard: Shard, position: int | None) -> Iterator[Arrival]:
        piece = self._pieces[shard]
        opened = self._open(shard)
        start = piece.start if position is None else max(position, piece.start)
        duplicates = frozenset(piece.duplicates)
        for first, batch in opened.cursor.read(start, shard.stop or 0):
            positions, taken = opened.selection.take(first, batch)
            yield from opened.rows.arrivals(shard.id, positions, taken, duplicates)

    def _open(self, shard: Shard) -> _Opened:
        if self._opened is not None and self._opened.file.uri == shard.source:
            return self._opened
        self._leave()
        file = open_file(shard.source, self._config)
        if file.version != shard.version:
            file.close()
            raise InputError(f"{shard.source}: changed since the job began; run it again")
        selection = self._selection.on(file)
        columns = {*wanted_columns(self._config), *selection.columns} - file.partitions.keys()
        cursor = Cursor(file, columns, selection.groups())
        self._opened = _Opened(file, selection, cursor, Rows(self._config, file.uri, file.partitions))
        return self._opened

    def _leave(self) -> None:
        if self._opened is not None:
            self._opened.file.close()
            self._opened = None
