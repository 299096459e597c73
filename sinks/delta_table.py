"""Delta tables by path or URI: where they are, opening, creating, and what their errors mean to us."""

from __future__ import annotations

import errno
import os
import random
import re
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, PostCommitHookProperties, Schema, write_deltalake
from deltalake.exceptions import DeltaError, TableNotFoundError
from pyarrow import fs

from assay.errors import AssayError, FatalError, InputError, TransientError
from sinks.schema import SCHEMA

NO_HOOKS = PostCommitHookProperties(create_checkpoint=False, cleanup_expired_logs=False)
"""A commit does nothing else: checkpoints and cleaning are upkeep, which is not in its way."""

FOREIGN = (DeltaError, OSError, pa.ArrowException)
"""What deltalake and pyarrow raise; everything else is our own mistake and is not caught."""

_APPEND_ATTEMPTS = 8
_APPEND = CommitProperties(max_commit_retries=10)
_APPEND_NEXT = CommitProperties(max_commit_retries=0)
_OS_ERROR = re.compile(r"os error (\d+)")
_HOPELESS = {
    errno.ENOSPC: "the disk is full; free some space and run again",
    errno.EDQUOT: "the disk quota is used up; free some space and run again",
    errno.EACCES: "permission denied; let this user write there, or name another sink.path",
    errno.EPERM: "permission denied; let this user write there, or name another sink.path",
    errno.EROFS: "the file system is read-only; name another sink.path",
}


@dataclass(frozen=True)
class Location:
    """One table's place: `uri` for deltalake, `filesystem` and `root` for pyarrow."""

    uri: str
    filesystem: fs.FileSystem
    root: str

    @property
    def local(self) -> bool:
        return isinstance(self.filesystem, fs.LocalFileSystem)


def locate(path: str, table: str) -> Location:
    """The place of one table under a sink's path (a local path or a URI). Raises InputError."""
    if bad := sorted(set(path) & set("%*?[")):
        raise InputError(f"sink.path: {path}: a table can't be in a path that holds {' '.join(bad)}")
    folders = {folder.partition("=")[0] for folder in path.split("/") if "=" in folder}
    if taken := sorted(folders & set(SCHEMA.names)):
        raise InputError(
            f"sink.path: {path}: readers would take the folder {taken[0]}=... for column {taken[0]} of every row; "
            "rename it, or name another path"
        )
    if "://" not in path:
        root = os.path.abspath(path)
        return Location(f"{root}/{table}", fs.LocalFileSystem(), f"{root}/{table}")
    if urlsplit(path).scheme == "file":
        path = path.rstrip("/")
    try:
        filesystem, root = fs.FileSystem.from_uri(path)
    except (pa.ArrowException, ValueError, OSError) as error:
        raise InputError(f"sink.path: {path}: not a path or URI that can be reached: {error}") from error
    return Location(f"{path.rstrip('/')}/{table}", filesystem, f"{root.rstrip('/')}/{table}")


def add_actions(table: DeltaTable) -> pa.Table:
    """The log's entries for the files that are active: path, size, and statistics as `min.COLUMN` and `max.COLUMN`.

    As a stream: `pyarrow.table` would load pandas to see whether it was given a data frame.
    """
    return pa.RecordBatchReader.from_stream(table.get_add_actions(flatten=True)).read_all()


def open_table(at: Location) -> DeltaTable | None:
    """The table, or None if there is none. Raises InputError for a table that can't be read as Delta."""
    try:
        if not DeltaTable.is_deltatable(at.uri):
            return None
        return DeltaTable(at.uri)
    except TableNotFoundError:
        return None
    except FOREIGN as error:
        if isinstance(problem := translate(error, at.uri), FatalError):
            raise problem from error
        raise InputError(
            f"{at.uri}: this is not a Delta table that can be read: {_first_line(error)}; "
            "move it away or name another sink.path"
        ) from error


def ensure_table(
    at: Location,
    schema: pa.Schema,
    partition_by: tuple[str, ...],
    configuration: Mapping[str, str],
    later: Collection[str] = (),
) -> DeltaTable:
    """Open the table, creating it if need be; any number of processes may do so at once.

    `later` are columns that tables made by earlier versions of assay lack: they are added, null in the rows there are.
    Raises InputError for a table that is damaged or is not ours, FatalError if it can't be created.
    """
    table = open_table(at) or _create(at, schema, partition_by, configuration)
    lacking = {field.name for field in Schema.from_arrow(schema).fields} - {f.name for f in table.schema().fields}
    if lacking and lacking <= set(later):
        table = _extend(table, at, pa.schema([schema.field(name) for name in schema.names if name in lacking]))
    check_schema(table, at, schema, partition_by)
    return table


def _extend(table: DeltaTable, at: Location, fields: pa.Schema) -> DeltaTable:
    try:
        table.alter.add_columns(Schema.from_arrow(fields).fields)
    except FOREIGN as error:  # somebody else may have been faster
        problem = translate(error, at.uri)
    else:
        return table
    fresh = open_table(at)
    if fresh is None or fresh.version() == table.version():
        raise problem
    return fresh


def _create(
    at: Location, schema: pa.Schema, partition_by: tuple[str, ...], configuration: Mapping[str, str]
) -> DeltaTable:
    try:
        return DeltaTable.create(
            at.uri, Schema.from_arrow(schema), partition_by=list(partition_by), configuration=dict(configuration)
        )
    except FOREIGN as error:  # somebody else may have been faster
        table = open_table(at)
        if table is None:
            raise translate(error, at.uri) from error
        return table


def check_schema(table: DeltaTable, at: Location, schema: pa.Schema, partition_by: tuple[str, ...]) -> None:
    """Raises InputError unless the table has all our columns with our types, and our partitioning."""
    have = {field.name: field.type for field in table.schema().fields}
    for field in Schema.from_arrow(schema).fields:
        if field.name not in have:
            raise InputError(f"{at.uri}: the table there has no column {field.name!r}; name another sink.path")
        if have[field.name] != field.type:
            raise InputError(
                f"{at.uri}: column {field.name!r} of the table there is {have[field.name]}, not {field.type}; "
                "name another sink.path"
            )
    if tuple(table.metadata().partition_columns) != partition_by:
        raise InputError(f"{at.uri}: the table there is not partitioned by {partition_by}; name another sink.path")


def append_rows(at: Location, rows: pa.Table) -> None:
    """Add rows to a table that is there. Raises TransientError or FatalError if they can't be stored.

    After an unclear error they may be stored twice: for tables whose readers take one of equal rows.
    """
    for attempt in range(_APPEND_ATTEMPTS):
        try:
            write_deltalake(at.uri, rows, mode="append", commit_properties=_APPEND)
            return
        except FOREIGN as error:
            problem = translate(error, at.uri)
            if attempt == _APPEND_ATTEMPTS - 1 or not isinstance(problem, TransientError):
                raise problem from error
        time.sleep(random.uniform(0, 0.05 * 2**attempt))


def append_checked(at: Location, rows: pa.Table, check: Callable[[], None]) -> None:
    """Add rows if `check` does not raise; what it reads of the table has not changed when the rows are in.

    Raises as `check` and `append_rows`, and like the latter may store the rows twice.
    """
    for attempt in range(_APPEND_ATTEMPTS):
        table = open_table(at)
        if table is None:
            raise FatalError(f"{at.uri}: the table is gone")
        check()
        try:
            write_deltalake(table, rows, mode="append", commit_properties=_APPEND_NEXT)
            return
        except FOREIGN as error:
            problem = translate(error, at.uri)
            if attempt == _APPEND_ATTEMPTS - 1 or not isinstance(problem, TransientError):
                raise problem from error
        time.sleep(random.uniform(0, 0.05 * 2**attempt))


def translate(error: Exception, where: str) -> AssayError:
    """FatalError where trying again can't help (disk full, no permission), else TransientError."""
    number = error.errno if isinstance(error, OSError) and error.errno else None
    if number is None and (match := _OS_ERROR.search(str(error))):
        number = int(match[1])
    if number in _HOPELESS:
        return FatalError(f"{where}: {_HOPELESS[number]}")
    return TransientError(f"{where}: {_first_line(error)}")


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0]
