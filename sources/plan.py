"""What a job will read: files, their shards, and what is known about them before the first item is delivered."""

from __future__ import annotations

import hashlib
import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace

from assay.config import ParquetConfig
from assay.contracts import Shard
from assay.errors import InputError
from sources.cursor import Cursor
from sources.duplicates import Ids
from sources.parquet_file import OpenFile, open_file
from sources.paths import resolve
from sources.selection import Selection, selection_of

_GRAIN = 4096
_PIECES = 64


@dataclass(frozen=True, slots=True)
class Piece:
    """A shard with what is needed to read it.

    It begins at row `start` and holds `items` items (of its selection, cut by `limit`). `duplicates` are the
    positions, ascending, whose id already occurred earlier in the source.
    """

    shard: Shard
    start: int
    items: int
    duplicates: tuple[int, ...] = ()

    @property
    def partial(self) -> bool:
        """Whether a selection or `limit` leaves out some of the shard's rows."""
        return self.shard.selection != "" or not self.shard.id.startswith(f"{self.start}-{self.shard.stop}:")


@dataclass(frozen=True, slots=True)
class PlannedFile:
    uri: str
    version: int
    rows: int


@dataclass(frozen=True, slots=True)
class Plan:
    """Files in order, and their shards in order of file and row."""

    files: tuple[PlannedFile, ...]
    pieces: tuple[Piece, ...]

    @property
    def shards(self) -> tuple[Shard, ...]:
        return tuple(piece.shard for piece in self.pieces)

    @property
    def items(self) -> int:
        """How many items all shards will deliver, bad ones included."""
        return sum(piece.items for piece in self.pieces)

    @property
    def duplicates(self) -> int:
        """How many rows of the planned shards repeat an earlier id. Some may lie outside the selection."""
        return sum(len(piece.duplicates) for piece in self.pieces)


def plan(config: ParquetConfig) -> Plan:
    """Open and check every file, cut them into shards, count what is selected and find duplicate ids.

    Reads footers, the columns of `where`, and the id column unless duplicates are kept. Raises InputError.
    """
    selection = selection_of(config)
    files: list[PlannedFile] = []
    pieces: list[Piece] = []
    with ExitStack() as stack:
        ids = stack.enter_context(Ids(config.columns.id)) if config.duplicate_ids == "reject" else None
        left = math.inf if config.limit is None else config.limit
        for uri in resolve(config.path):
            with closing(open_file(uri, config)) as file:
                files.append(PlannedFile(uri, file.version, file.rows))
                _check_large_chunks(file, config)
                for piece in _limited(file, selection, left, config):
                    pieces.append(piece)
                    left -= piece.items
                if ids is not None:
                    ids.add(file)
        if ids is not None:
            repeated = dict(zip((file.uri for file in files), ids.repeated(), strict=True))
            pieces = [_with_duplicates(piece, repeated[piece.shard.source]) for piece in pieces]
    return Plan(tuple(files), tuple(pieces))


def cuts(bounds: Sequence[int]) -> list[tuple[int, int]]:
    """Row ranges of a file's shards, from the first rows of its row groups (and the number of rows, last).

    The rule is fixed, since shard ids are in the ledger: about 64 pieces, of a multiple of 4096 rows, each ending
    where a row group ends if one ends within half a piece of there.
    """
    rows = bounds[-1]
    size = max(_GRAIN, math.ceil(math.ceil(rows / _PIECES) / _GRAIN) * _GRAIN)
    ranges: list[tuple[int, int]] = []
    start = 0
    while start < rows:
        stop = min(start + size, rows)
        near = bounds[max(0, bisect_left(bounds, stop) - 1) : bisect_left(bounds, stop) + 1]
        nearest = min(near, key=lambda bound: abs(bound - stop))
        if abs(nearest - stop) * 2 < size:
            stop = nearest
        ranges.append((start, stop))
        start = stop
    return ranges


def reading(file: OpenFile, config: ParquetConfig) -> str:
    """What names a file's content as this job reads it: its bytes, and every key that decides what is judged.

    16 hex digits, part of each shard's id: what was judged under one reading says nothing about another.
    """
    c = config.columns
    parts = (c.id, c.text, c.prompt, c.response, c.chat, config.judged, config.duplicate_ids, config.caps.content_bytes)
    return hashlib.sha256(repr((file.version, parts)).encode()).hexdigest()[:16]


def _pieces(file: OpenFile, selection: Selection, config: ParquetConfig) -> Iterator[Piece]:
    """All pieces of a file, uncut, with their number of selected rows."""
    name = reading(file, config)
    applied = selection.on(file)
    groups = applied.groups()
    cursor = Cursor(file, applied.columns, groups)
    for start, stop in cuts(file.bounds):
        items = stop - start
        if selection.name:
            items = sum(len(applied.take(first, batch)[0]) for first, batch in cursor.read(start, stop))
        shard = Shard(file.uri, f"{start}-{stop}:{name}", stop, selection.name, file.version)
        yield Piece(shard, start, items)


def _limited(file: OpenFile, selection: Selection, left: float, config: ParquetConfig) -> Iterator[Piece]:
    """The file's pieces with the next `left` items; the last ends after the last of them, under its full name."""
    if left == 0:
        selection.on(file)
        return
    for piece in _pieces(file, selection, config):
        if piece.items > left:
            stop = _after(file, selection, piece, int(left))
            piece = replace(piece, shard=replace(piece.shard, stop=stop), items=int(left))
        yield piece
        left -= piece.items
        if left == 0:
            return


def _after(file: OpenFile, selection: Selection, piece: Piece, items: int) -> int:
    """The position after the piece's first `items` selected rows."""
    assert piece.shard.stop is not None
    applied = selection.on(file)
    cursor = Cursor(file, applied.columns, applied.groups())
    for first, batch in cursor.read(piece.start, piece.shard.stop):
        positions = applied.take(first, batch)[0]
        if items <= len(positions):
            return positions[items - 1] + 1
        items -= len(positions)
    return piece.shard.stop


def selected_positions(config: ParquetConfig, piece: Piece) -> frozenset[int]:
    """The positions of a piece's items. Reads the filter's columns. Raises InputError if the file changed."""
    with closing(open_file(piece.shard.source, config)) as file:
        if file.version != piece.shard.version:
            raise InputError(f"{file.uri}: changed while the job runs; run it again")
        applied = selection_of(config).on(file)
        cursor = Cursor(file, applied.columns, applied.groups())
        batches = cursor.read(piece.start, piece.shard.stop or 0)
        return frozenset(position for first, batch in batches for position in applied.take(first, batch)[0])


def _with_duplicates(piece: Piece, positions: list[int]) -> Piece:
    assert piece.shard.stop is not None
    inside = positions[bisect_left(positions, piece.start) : bisect_left(positions, piece.shard.stop)]
    return replace(piece, duplicates=tuple(inside))


def _check_large_chunks(file: OpenFile, config: ParquetConfig) -> None:
    """Where even the footer admits that a page may be above the cap, look at the pages now and not in the run."""
    for group in range(len(file.bounds) - 1):
        for leaf in file.leaves(wanted_columns(config)):
            chunk = file.parquet.metadata.row_group(group).column(leaf)
            if chunk.total_uncompressed_size > config.caps.page_bytes:
                for _ in file.pages(group, leaf):
                    pass


def wanted_columns(config: ParquetConfig) -> frozenset[str]:
    """The columns that items are made of."""
    c = config.columns
    named = (c.id, c.text, c.prompt, c.response, c.chat, c.time, *c.carry)
    return frozenset(name for name in named if name is not None)
