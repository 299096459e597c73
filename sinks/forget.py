"""Taking content out of the table again, and leaving the counts as they were.

A row that is forgotten keeps its place (source, shard, position, policy, judge, run) and what it took, and loses all
that came from the item or says something about it; its status is `forgotten`. So every position still has its one row,
and runs still balance. The files that held the content go with the next vacuum.

The log entry is written here and not by delta-rs 1.6, whose `update` gives up as soon as anybody else appends, as
replicas do each second. An append can't get in the way of it: only whoever removes files can, and joining files is held
off meanwhile. The store lets one writer have each version, and the next one is tried.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import unquote
from uuid import uuid4

import obstore
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import DeltaTable
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import from_url

from assay.errors import InputError, TransientError
from assay.records import ItemKind, Turn, content_hash
from sinks.delta import statistics
from sinks.delta_table import FOREIGN, Location, add_actions, locate, open_table, translate
from sinks.schema import PARTITION, REJECTED, SCHEMA, VERDICT
from sinks.upkeep import alone

FORGOTTEN = "forgotten"
_KEPT = frozenset(
    {
        *("item_kind", "policy_id", "policy_version", "policy_hash", "stage", "attempts", "judge", "judge_revision"),
        *("settings_hash", "run_id", "source", "shard", "position", "prompt_tokens", "cached_tokens", "output_tokens"),
        *("latency_ms", "judged_at", "reused_run", "mode"),
    }
)
_ROWS = pa.schema([field for field in SCHEMA if field.name != PARTITION])
_SOUGHT_COLUMNS = ("item_id", "item_kind", "content_hash", "judged_at", "status", "reused_item", "raw")
_SOUGHT = pa.schema([SCHEMA.field(name) for name in _SOUGHT_COLUMNS])
_PIECE_ROWS = 20_000
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
class _File:
    """An active file: its path as the log has it, and its partition."""

    path: str
    day: str
    size: int


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
        except BaseError as error:
            raise TransientError(f"{at.uri}: {error}") from error


def _forget(at: Location, wanted: Wanted) -> Forgotten:
    table = open_table(at)
    if table is None:
        raise InputError(f"{at.uri}: nothing audited yet")
    statuses: Counter[str] = Counter()
    actions: list[Mapping[str, object]] = []
    for file in _files(table):
        new = _rewrite(at, file, wanted, statuses)
        if new is not None:
            actions += [_removed(file), _added(at, new, file.day)]
    if actions:
        _enter(at, table, actions)
    return Forgotten(statuses[VERDICT], statuses[REJECTED], len(actions) // 2)


def _rewrite(at: Location, file: _File, wanted: Wanted, statuses: Counter[str]) -> str | None:
    """The path of the file that replaces this one (None: it may stay). Counts what is forgotten by its status."""
    source = f"{at.root}/{unquote(file.path)}"
    if not any(_touched(rows, wanted) for rows in _pieces(at, source, _SOUGHT)):
        return None
    new = f"{PARTITION}={file.day}/{uuid4()}.parquet"
    with pq.ParquetWriter(f"{at.root}/{new}", _ROWS, filesystem=at.filesystem, compression="zstd") as writer:
        for rows in _pieces(at, source, _ROWS):
            forgotten = wanted.rows(rows)
            statuses.update(rows["status"].filter(forgotten).to_pylist())
            writer.write_table(_blanked(rows, forgotten, wanted))
    return new


def _touched(rows: pa.Table, wanted: Wanted) -> bool:
    touched: bool = pc.any(pc.or_(wanted.rows(rows), wanted.names(rows))).as_py()
    return touched


def _pieces(at: Location, path: str, schema: pa.Schema) -> Iterator[pa.Table]:
    """A file's rows with these columns; those that it lacks are null."""
    with pq.ParquetFile(path, filesystem=at.filesystem) as file:
        there = [name for name in schema.names if name in file.schema_arrow.names]
        for batch in file.iter_batches(_PIECE_ROWS, columns=there):
            rows = pa.table(batch)
            for field in schema:
                if field.name not in there:
                    rows = rows.append_column(field, pa.nulls(rows.num_rows, field.type))
            yield rows.select(schema.names).cast(schema)


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


def _files(table: DeltaTable) -> list[_File]:
    actions = add_actions(table)
    days = actions[f"partition.{PARTITION}"].to_pylist()
    paths, sizes = actions["path"].to_pylist(), actions["size_bytes"].to_pylist()
    return [_File(path, day.isoformat(), size) for path, day, size in zip(paths, days, sizes, strict=True)]


def _removed(file: _File) -> Mapping[str, object]:
    partition = {PARTITION: file.day}
    facts = {"dataChange": True, "extendedFileMetadata": True, "partitionValues": partition, "size": file.size}
    return {"remove": {"path": file.path, "deletionTimestamp": _now(), **facts}}


def _added(at: Location, path: str, day: str) -> Mapping[str, object]:
    place = f"{at.root}/{path}"
    size = at.filesystem.get_file_info(place).size
    stats = statistics(pq.read_table(place, filesystem=at.filesystem, partitioning=None))
    facts = {"partitionValues": {PARTITION: day}, "modificationTime": _now(), "dataChange": True, "stats": stats}
    return {"add": {"path": path, "size": size, **facts}}


def _enter(at: Location, table: DeltaTable, actions: list[Mapping[str, object]]) -> None:
    """Put the entry into the log as the next version that nobody else takes."""
    info = {"commitInfo": {"timestamp": _now(), "operation": "UPDATE", "operationParameters": {}}}
    entry = "".join(json.dumps(action) + "\n" for action in (info, *actions)).encode()
    store = from_url(Path(at.root).as_uri() if at.local else at.uri)
    version = table.version() + 1
    while True:
        try:
            obstore.put(store, f"_delta_log/{version:020d}.json", entry, mode="create")
        except AlreadyExistsError:
            version += 1
        else:
            return


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


def _now() -> int:
    return int(time.time() * 1000)
