"""Replacing files of a table by files of the same rows, or what is left of them, beside writers that append.

The log entry is written here and not by delta-rs 1.6, whose `update` gives up as soon as anybody else appends, as
replicas do each second. An append can't get in the way of it: only whoever removes files can. All that assay does of
that kind holds a lock (`alone`); that nobody else did is looked up in the log. The store lets one writer have each
version, and the next one is tried.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote
from uuid import uuid4

import obstore
import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import from_url

from assay.errors import TransientError
from sinks.delta import STATISTICS, statistics
from sinks.delta_table import Location, add_actions
from sinks.schema import PARTITION, SCHEMA
from sinks.signs_of_life import alone as one_at_a_time

ROWS = pa.schema([field for field in SCHEMA if field.name != PARTITION])
"""The columns of a file: the partition is in its path."""

_PIECE_ROWS = 20_000


@dataclass(frozen=True, slots=True)
class ActiveFile:
    """A file of `verdicts`: its path as the log has it, below the table's folder, and its partition."""

    path: str
    day: str
    size: int

    def place(self, at: Location) -> str:
        return f"{at.root}/{unquote(self.path)}"


@contextmanager
def alone(at: Location) -> Iterator[bool]:
    """Whether nobody else replaces files of this table now.

    delta-rs lets two processes that join the same files both commit, which doubles every row in them. The lock is the
    system's, so it ends with its holder and not before. Object stores have none: there only `optimize` and `forget`
    replace files, and must not run twice at once.
    """
    with one_at_a_time(Path(f"{at.root}.lock"), wait=False) if at.local else nullcontext(True) as ours:
        yield ours


def files_of(table: DeltaTable) -> list[ActiveFile]:
    """The active files of `verdicts`."""
    actions = add_actions(table)
    days = actions[f"partition.{PARTITION}"].to_pylist()
    paths, sizes = actions["path"].to_pylist(), actions["size_bytes"].to_pylist()
    return [ActiveFile(path, day.isoformat(), size) for path, day, size in zip(paths, days, sizes, strict=True)]


def pieces(at: Location, place: str, schema: pa.Schema) -> Iterator[pa.Table]:
    """A file's rows with these columns, some thousand at a time; those that it lacks are null."""
    with pq.ParquetFile(place, filesystem=at.filesystem) as file:
        there = [name for name in schema.names if name in file.schema_arrow.names]
        for batch in file.iter_batches(_PIECE_ROWS, columns=there):
            rows = pa.table(batch)
            for field in schema:
                if field.name not in there:
                    rows = rows.append_column(field, pa.nulls(rows.num_rows, field.type))
            yield rows.select(schema.names).cast(schema)


def write_beside(at: Location, file: ActiveFile, groups: Iterable[pa.Table]) -> str:
    """A new file of the same partition, a row group for each of `groups`; its path below the table's folder."""
    path = f"{PARTITION}={file.day}/{uuid4()}.parquet"
    with pq.ParquetWriter(f"{at.root}/{path}", ROWS, filesystem=at.filesystem, compression="zstd") as writer:
        for rows in groups:
            writer.write_table(rows)
    return path


def replace(at: Location, table: DeltaTable, new: Mapping[ActiveFile, str], *, changes_data: bool) -> None:
    """Put the paths `new` into the place of the files, in one version of the table.

    With `changes_data` false their rows are the same: who follows the table need not read them again. Raises
    TransientError if the storage fails, or somebody else removed one of the files since `table` was read.
    """
    actions = [
        action
        for file, path in new.items()
        for action in (_removed(file, changes_data), _added(at, file.day, path, changes_data))
    ]
    operation = "UPDATE" if changes_data else "OPTIMIZE"
    info = {"commitInfo": {"timestamp": _now(), "operation": operation, "operationParameters": {}}}
    entry = "".join(json.dumps(action) + "\n" for action in (info, *actions)).encode()
    try:
        _enter(at, table.version() + 1, entry, {file.path for file in new})
    except BaseError as error:
        raise TransientError(f"{at.uri}: {error}") from error


def _enter(at: Location, version: int, entry: bytes, replaced: set[str]) -> None:
    """Put the entry into the log as the next version that nobody else takes."""
    store = from_url(Path(at.root).as_uri() if at.local else at.uri)
    while True:
        name = f"_delta_log/{version:020d}.json"
        try:
            obstore.put(store, name, entry, mode="create")
        except AlreadyExistsError:
            _refuse_if_removed(at, bytes(obstore.get(store, name).bytes()), replaced)
            version += 1
        else:
            return


def _refuse_if_removed(at: Location, entry: bytes, replaced: set[str]) -> None:
    actions = (json.loads(line) for line in entry.splitlines())
    if any(action["remove"]["path"] in replaced for action in actions if "remove" in action):
        raise TransientError(f"{at.uri}: somebody else replaced files of it meanwhile; try again")


def _removed(file: ActiveFile, changes_data: bool) -> Mapping[str, object]:
    partition = {PARTITION: file.day}
    facts = {"dataChange": changes_data, "extendedFileMetadata": True, "partitionValues": partition, "size": file.size}
    return {"remove": {"path": file.path, "deletionTimestamp": _now(), **facts}}


def _added(at: Location, day: str, path: str, changes_data: bool) -> Mapping[str, object]:
    place = f"{at.root}/{path}"
    size = at.filesystem.get_file_info(place).size
    stats = statistics(pq.read_table(place, columns=list(STATISTICS), filesystem=at.filesystem, partitioning=None))
    facts = {"partitionValues": {PARTITION: day}, "modificationTime": _now(), "dataChange": changes_data}
    return {"add": {"path": path, "size": size, **facts, "stats": stats}}


def _now() -> int:
    return int(time.time() * 1000)
