"""Taking content out of the table again, and leaving the counts as they were.

A row that is forgotten keeps its place (source, shard, position, policy, judge, run) and what it took, and loses all
that came from the item or says something about it; its status is `forgotten`. So every position still has its one row,
and runs still balance. The files that held the content go with the next vacuum.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from assay.errors import InputError, TransientError
from assay.records import ItemKind, Turn, content_hash
from sinks.delta_table import FOREIGN, Location, locate, open_table, translate
from sinks.replacing import ROWS, ActiveFile, alone, files_of, pieces, replace, write_beside
from sinks.schema import REJECTED, SCHEMA, VERDICT

FORGOTTEN = "forgotten"
_KEPT = frozenset(
    {
        *("item_kind", "policy_id", "policy_version", "policy_hash", "stage", "attempts", "judge", "judge_revision"),
        *("settings_hash", "run_id", "source", "shard", "position", "prompt_tokens", "cached_tokens", "output_tokens"),
        *("latency_ms", "judged_at", "reused_run", "mode"),
    }
)
_SOUGHT_COLUMNS = ("item_id", "item_kind", "content_hash", "judged_at", "status", "reused_item", "raw")
_SOUGHT = pa.schema([SCHEMA.field(name) for name in _SOUGHT_COLUMNS])
_PATIENCE_SECONDS = 60.0
_PAUSE_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be forgotten: rows of an item, of a content, or all that was decided before a moment."""

    item: str | None = None
    content_hash: str | None = None
    before: datetime | None = None

    def rows(self, table: pa.Table) -> pa.ChunkedArray:
        """Which rows these are: True, or False."""
        found = pa.chunked_array([pa.repeat(False, table.num_rows)])
        if self.item is not None:
            found = pc.or_(found, _same(table["item_id"], self.item))
        if self.content_hash is not None:
            found = pc.or_(found, _same(table["content_hash"], self.content_hash))
            found = pc.or_(found, _raw_texts(table, self.content_hash))
        if self.before is not None:
            found = pc.or_(found, pc.less(table["judged_at"], pa.scalar(self.before, table["judged_at"].type)))
        return pc.and_(found, pc.not_equal(table["status"], FORGOTTEN))

    def names(self, table: pa.Table) -> pa.ChunkedArray:
        """Which rows name the item as the one whose verdict they reuse."""
        return _same(table["reused_item"], self.item or "")


@dataclass(frozen=True, slots=True)
class Forgotten:
    """Rows that were forgotten, by what they were, and files that were replaced."""

    verdicts: int = 0
    rejected: int = 0
    files: int = 0

    @property
    def rows(self) -> int:
        return self.verdicts + self.rejected


def forget(path: str, wanted: Wanted) -> Forgotten:
    """Forget rows of the table under `path`, in one step; what that came to.

    Raises InputError if there is no table, TransientError if others keep joining its files, FatalError.
    """
    at = locate(path, "verdicts")
    with _undisturbed(at):
        try:
            return _forget(at, wanted)
        except FOREIGN as error:
            raise translate(error, at.uri) from error


def _forget(at: Location, wanted: Wanted) -> Forgotten:
    table = open_table(at)
    if table is None:
        raise InputError(f"{at.uri}: nothing audited yet")
    statuses: Counter[str] = Counter()
    new = {file: path for file in files_of(table) if (path := _rewrite(at, file, wanted, statuses)) is not None}
    if new:
        replace(at, table, new, changes_data=True)
    return Forgotten(statuses[VERDICT], statuses[REJECTED], len(new))


def _rewrite(at: Location, file: ActiveFile, wanted: Wanted, statuses: Counter[str]) -> str | None:
    """The path of the file that replaces this one (None: it may stay). Counts what is forgotten by its status."""
    if any(_touched(rows, wanted) for rows in pieces(at, file.place(at), _SOUGHT)):
        return write_beside(at, file, _forgotten(at, file, wanted, statuses))
    return None


def _forgotten(at: Location, file: ActiveFile, wanted: Wanted, statuses: Counter[str]) -> Iterator[pa.Table]:
    for rows in pieces(at, file.place(at), ROWS):
        forgotten = wanted.rows(rows)
        statuses.update(rows["status"].filter(forgotten).to_pylist())
        yield _blanked(rows, forgotten, wanted)


def _touched(rows: pa.Table, wanted: Wanted) -> bool:
    touched: bool = pc.any(pc.or_(wanted.rows(rows), wanted.names(rows))).as_py()
    return touched


def _blanked(rows: pa.Table, forgotten: pa.ChunkedArray, wanted: Wanted) -> pa.Table:
    named = wanted.names(rows)
    columns = []
    for field in rows.schema:
        column = rows[field.name]
        if field.name == "status":
            column = pc.if_else(forgotten, FORGOTTEN, column)
        elif field.name not in _KEPT:
            blank = pc.or_(forgotten, named) if field.name == "reused_item" else forgotten
            column = _without(column, blank)
        columns.append(column)
    return pa.Table.from_arrays(columns, schema=rows.schema)


def _without(column: pa.ChunkedArray, blank: pa.ChunkedArray) -> pa.ChunkedArray:
    """Null where `blank`; by way of indices, since Arrow's if_else takes no maps."""
    indices = pc.if_else(blank, pa.scalar(None, pa.int64()), pa.array(range(len(column)), pa.int64()))
    return column.take(indices)


@contextmanager
def _undisturbed(at: Location) -> Iterator[None]:
    """While nobody joins files of the table. Raises TransientError if that takes too long."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        with alone(at) as granted:
            if granted:
                yield
                return
        if time.monotonic() > deadline:
            raise TransientError(f"{at.uri}: another process joins its files; try again when it is through")
        time.sleep(_PAUSE_SECONDS)


def _same(column: pa.ChunkedArray, text: str) -> pa.ChunkedArray:
    return pc.fill_null(pc.equal(column, text), False)


def _raw_texts(table: pa.Table, sought: str) -> pa.ChunkedArray:
    """Rows of texts that were rejected before they had a hash, and whose content has this one."""
    unread = pc.and_(pc.is_null(table["content_hash"]), pc.is_valid(table["raw"]))
    texts = pc.and_(unread, _same(table["item_kind"], ItemKind.TEXT.value)).to_pylist()
    raw = table["raw"]
    return pa.chunked_array([[text and _hash_of(raw[row].as_py()) == sought for row, text in enumerate(texts)]])


def _hash_of(raw: bytes) -> str:
    return content_hash(ItemKind.TEXT, (), (Turn("user", raw.decode(errors="replace")),))
