"""Read-only SQL over the outcomes: DuckDB in memory, over the active files of the latest snapshot.

Views: `outcomes`, `verdicts`, `rejections` of live policies; `shadow_outcomes`, `shadow_verdicts`,
`shadow_beside_live`; `runs` (as each last stood), `policies` (each text once); and as written `outcome_rows`,
`run_rows` and `policy_rows`.
A query is a single SELECT (or DESCRIBE, SUMMARIZE, SHOW, EXPLAIN of one). It sees these views and nothing else: no
files, no network, no settings, no extensions, no variables of this process.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from importlib.resources import files
from typing import BinaryIO

import duckdb
import pyarrow as pa

from assay.config import Config
from assay.errors import FatalError, InputError, TransientError
from jobs.sql_output import write
from sinks.counts import active_files
from sinks.policies import POLICIES, POLICY_SCHEMA
from sinks.runs import RUN_SCHEMA
from sinks.schema import PARTITION, SCHEMA

Parameters = Sequence[object] | Mapping[str, object]

_EXPLAIN = re.compile(r"\s*explain(\s+analyze)?\s+(?!analyze\b|\()", re.IGNORECASE)
_NODES = frozenset({"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"})
_TABLE_FUNCTIONS = frozenset(
    {"range", "generate_series", "unnest", "json_each", "json_tree", "duckdb_columns", "duckdb_views"}
)
_VIEWS = (
    *("outcomes", "verdicts", "rejections", "shadow_outcomes", "shadow_verdicts", "shadow_beside_live"),
    *("runs", "policies"),
)
"""Each after those that it is made of. `outcomes`, `verdicts` and `rejections` are those of live policies only."""


def query(sink_path: str, sql: str, *, params: Parameters | None = None) -> pa.Table:
    """The whole answer to one query over the sink at `sink_path` (a path or URI), in memory.

    Raises InputError for a query that is wrong or not allowed, and if nothing has been audited yet.
    """
    with _answer(sink_path, sql, params) as reader:
        return reader.read_all()


def stored(name: str) -> str:
    """The text of a query in `queries/`."""
    return files("jobs").joinpath(f"queries/{name}.sql").read_text("utf-8")


def run_sql(config: Config, sql: str, format: str, out: BinaryIO) -> None:
    """Answer one query on `out` as table, json, csv or parquet, batch by batch.

    Raises InputError for a query or format that is wrong, and if nothing has been audited yet.
    """
    with _answer(config.sink.path, sql, None) as reader:
        write(reader, format, out)


@contextmanager
def _answer(path: str, sql: str, params: Parameters | None) -> Iterator[pa.RecordBatchReader]:
    with ExitStack() as stack:
        try:
            connection = stack.enter_context(_connect(path))
        except duckdb.Error as error:
            raise FatalError(f"{path}: the table can't be read, a file of it may be damaged: {error}") from error
        try:
            _refuse_unless_read_only(connection, sql)
            yield connection.sql(sql, params=params).to_arrow_reader()
        except duckdb.IOException as error:
            raise TransientError(f"{path}: the table changed during the query, or can't be read: {error}") from error
        except (duckdb.Error, pa.ArrowInvalid, OverflowError, ValueError, TypeError) as error:
            raise InputError(f"the answer can't be had or shown: {error}") from error


def _connect(path: str) -> duckdb.DuckDBPyConnection:
    """A connection that sees the views over one sink, and is locked down. Raises InputError without a table."""
    outcomes = active_files(path, "verdicts")
    runs = active_files(path, "runs") or []
    policies = active_files(path, POLICIES) or []
    if outcomes is None:
        raise InputError(f"{path}: nothing audited yet; run assay backfill with this config first")
    connection = duckdb.connect(
        config={
            "python_enable_replacements": False,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "temp_directory": "",
            "memory_limit": f"{_memory_bytes() // 2}B",
            "threads": min(8, os.cpu_count() or 1),
        }
    )
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(f"SET allowed_paths = {_literals([*outcomes, *runs, *policies])}")
    _create_view(connection, "outcome_rows", _select(connection, SCHEMA, outcomes))
    _create_view(connection, "run_rows", _select(connection, RUN_SCHEMA, runs))
    _create_view(connection, "policy_rows", _select(connection, POLICY_SCHEMA, policies))
    for view in _VIEWS:
        _create_view(connection, view, files("jobs").joinpath(f"views/{view}.sql").read_text("utf-8"))
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


def _refuse_unless_read_only(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    statements = connection.extract_statements(sql)
    if len(statements) != 1:
        raise InputError(f"a query is one SELECT statement; this is {len(statements)}")
    kind = statements[0].type
    if kind == duckdb.StatementType.EXPLAIN and (match := _EXPLAIN.match(sql)):
        _refuse_unless_read_only(connection, sql[match.end() :])
        return
    if kind != duckdb.StatementType.SELECT:
        raise InputError(f"only SELECT is allowed here, not {kind.name}; the table is written by assay alone")
    (parsed,) = connection.execute("SELECT json_serialize_sql($1::VARCHAR)", [sql]).fetchall()
    for part in _parts(json.loads(parsed[0])):
        _refuse_part(part)


def _refuse_part(part: dict[str, object]) -> None:
    """A SELECT may hold COPY, INSERT, UPDATE and DELETE in its WITH clause, and call functions that run SQL."""
    kind, function = str(part.get("type")), part.get("function")
    if part.get("error"):
        raise InputError(f"this query can't be checked: {part.get('error_message')}")
    if kind.endswith("_NODE") and kind not in _NODES:
        raise InputError(f"only SELECT is allowed here, not {kind.removesuffix('_NODE').split('_')[0]}")
    if kind == "TABLE_FUNCTION" and isinstance(function, dict):
        name = str(function.get("function_name"))
        if name.lower() not in _TABLE_FUNCTIONS:
            raise InputError(f"{name}() is not allowed here; a query reads the views of assay and nothing else")


def _parts(tree: object) -> Iterator[dict[str, object]]:
    """Every object in a parse tree."""
    waiting = [tree]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            yield part
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)


def _create_view(connection: duckdb.DuckDBPyConnection, name: str, select: str) -> None:
    connection.execute(f"CREATE VIEW {name} AS\n{select}")


def _select(connection: duckdb.DuckDBPyConnection, schema: pa.Schema, paths: Sequence[str]) -> str:
    """SQL that reads these files with the schema's columns; a view without rows if there are none.

    Files that were written by earlier versions may lack columns: these are null there.
    """
    empty = connection.from_arrow(schema.empty_table())
    columns = (f'NULL::{kind} AS "{name}"' for name, kind in zip(empty.columns, empty.types, strict=True))
    nothing = f"SELECT {', '.join(columns)} WHERE false"
    if not paths:
        return nothing
    names = ", ".join(f'"{name}"' for name in schema.names)
    hive = f", hive_partitioning = true, hive_types = {{'{PARTITION}': DATE}}" if PARTITION in schema.names else ""
    files = f"read_parquet({_literals(paths)}, union_by_name = true{hive})"
    return f"SELECT {names} FROM (SELECT * FROM {files} UNION ALL BY NAME {nothing})"


def _literals(values: Iterable[str]) -> str:
    return "[" + ", ".join("'" + value.replace("'", "''") + "'" for value in values) + "]"


def _memory_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
