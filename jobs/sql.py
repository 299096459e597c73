"""Read-only SQL over the outcomes: DuckDB in memory, over the active files of the latest snapshot.

Views and macros: see docs/sql.md. As written there are `outcome_rows`, `run_rows` and `policy_rows`.
A query is a single SELECT (or DESCRIBE, SUMMARIZE, SHOW, EXPLAIN of one). It sees these views and nothing else: no
files, no network, no settings, no extensions, no variables of this process.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from importlib.resources import files
from itertools import chain
from typing import NamedTuple

import duckdb
import pyarrow as pa

from assay.config import Labels
from assay.errors import FatalError, InputError, TransientError
from jobs.labels import add_labels
from jobs.limits import cores, memory_bytes
from jobs.sql_check import refuse_unless_read_only
from jobs.sql_types import nulls
from jobs.sql_views import create_views, describe, everything, keep, named_in
from sinks.counts import active_files
from sinks.last_commit import last_commit
from sinks.policies import POLICIES, POLICY_SCHEMA
from sinks.runs import RUN_SCHEMA
from sinks.schema import PARTITION, SCHEMA

Parameters = Sequence[object] | Mapping[str, object]


class _Written(NamedTuple):
    table: str
    schema: pa.Schema


_WRITTEN = {
    "outcome_rows": _Written("verdicts", SCHEMA),
    "run_rows": _Written("runs", RUN_SCHEMA),
    "policy_rows": _Written(POLICIES, POLICY_SCHEMA),
}
_BATCH_ROWS = 2048
"""So many rows of an answer are in memory at once: they may hold words of 100 kB."""


def query(sink_path: str, sql: str, *, params: Parameters | None = None, labels: Labels | None = None) -> pa.Table:
    """The whole answer to one query over the sink at `sink_path` (a path or URI), in memory.

    Raises InputError for a query that is wrong or not allowed, for labels that can't be used, and if nothing has been
    audited yet.
    """
    views = named_in(sql)
    with opened(sink_path, labels, views=views) as connection, answer(connection, sink_path, sql, params) as reader:
        return reader.read_all()


def stored(name: str) -> str:
    """The text of a query in `queries/`."""
    return files("jobs").joinpath(f"queries/{name}.sql").read_text("utf-8")


@contextmanager
def opened(
    path: str, labels: Labels | None = None, *, views: Collection[str] | None = None, kept: Collection[str] = ()
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A locked-down connection to the views over the latest snapshot and these labels.

    `views`: what of them, as `named_in` says it; without it everything. The answers of those that are `kept` are had
    once and stay in memory, for those who ask for them often.

    Raises InputError without a table, and for labels that can't be used; of what is kept what `query` does.
    """
    with ExitStack() as stack:
        try:
            connection = stack.enter_context(_connect(path, labels, everything() if views is None else views))
        except duckdb.Error as error:
            raise FatalError(f"{path}: the table can't be read, a file of it may be damaged: {error}") from error
        with _translated(path):
            for name in kept:
                keep(connection, name)
        yield connection


@contextmanager
def answer(
    connection: duckdb.DuckDBPyConnection, path: str, sql: str, params: Parameters | None
) -> Iterator[pa.RecordBatchReader]:
    """The rows of one query over the sink at `path`; what goes wrong while they are read is raised as for `query`."""
    with _translated(path):
        refuse_unless_read_only(connection, sql)
        yield connection.sql(sql, params=params).to_arrow_reader(_BATCH_ROWS)


@contextmanager
def _translated(path: str) -> Iterator[None]:
    try:
        yield
    except duckdb.IOException as error:
        raise TransientError(f"{path}: the table changed during the query, or can't be read: {error}") from error
    except (duckdb.Error, pa.ArrowException, OverflowError, ValueError, TypeError) as error:
        raise InputError(f"the answer can't be had or shown: {error}") from error
    except OSError as error:  # Arrow's word for whatever goes wrong in DuckDB after the first batch
        if error.errno is not None:
            raise
        raise InputError(f"the answer can't be had: {error}") from error


def _connect(path: str, labels: Labels | None, views: Collection[str]) -> duckdb.DuckDBPyConnection:
    """A connection that sees these views over one sink, and is locked down. Raises InputError without a table."""
    paths = _paths(path, views)
    connection = _shielded_connection()
    connection.execute(f"SET allowed_paths = {_literals(chain.from_iterable(paths.values()))}")
    for name in paths:
        _create_view(connection, name, _select(_WRITTEN[name].schema, []))
    add_labels(connection, labels)
    if "stream_ages" in views:
        _add_commits(connection, path)
    create_views(connection, views)  # over no files: each would read what every file holds
    for name in paths:
        _create_view(connection, name, _select(_WRITTEN[name].schema, paths[name]))
    if everything() <= set(views):
        describe(connection)
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


def _paths(path: str, views: Collection[str]) -> dict[str, list[str]]:
    """Of the rows as written that are among `views`, the active files. Raises InputError without a table."""
    outcomes = active_files(path, "verdicts")
    if outcomes is None:
        raise InputError(f"{path}: nothing audited yet; run assay backfill with this config first")
    others = [name for name in _WRITTEN if name in views and name != "outcome_rows"]
    return {"outcome_rows": outcomes, **{name: active_files(path, _WRITTEN[name].table) or [] for name in others}}


def _shielded_connection() -> duckdb.DuckDBPyConnection:
    """A connection that sees nothing of this process, and takes nothing from a network."""
    connection = duckdb.connect(
        config={
            "python_enable_replacements": False,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "temp_directory": "",
            "memory_limit": f"{memory_bytes() // 2}B",
            "threads": min(8, cores()),
        }
    )
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET parquet_metadata_cache = true")  # views that are made of others open each file many times
    return connection


def _add_commits(connection: duckdb.DuckDBPyConnection, path: str) -> None:
    found = last_commit(path)
    connection.execute("CREATE TABLE commit_rows AS SELECT $1::TIMESTAMPTZ AS committed_at", [found and found.at])


def _create_view(connection: duckdb.DuckDBPyConnection, name: str, select: str) -> None:
    connection.execute(f"CREATE OR REPLACE VIEW {name} AS\n{select}")


def _select(schema: pa.Schema, paths: Sequence[str]) -> str:
    """SQL that reads these files with the schema's columns; a view without rows if there are none.

    Files that were written by earlier versions may lack columns: these are null there.
    """
    nothing = f"SELECT {nulls(schema)} WHERE false"
    if not paths:
        return nothing
    names = ", ".join(f'"{name}"' for name in schema.names)
    hive = (
        f", hive_partitioning = true, hive_types = {{'{PARTITION}': DATE}}"
        if PARTITION in schema.names
        else ", hive_partitioning = false"
    )
    files = f"read_parquet({_literals(paths)}, union_by_name = true{hive})"
    return f"SELECT {names} FROM (SELECT * FROM {files} UNION ALL BY NAME {nothing})"


def _literals(values: Iterable[str]) -> str:
    return "[" + ", ".join("'" + value.replace("'", "''") + "'" for value in values) + "]"
