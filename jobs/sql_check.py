"""What a query may be: one SELECT (or DESCRIBE, SUMMARIZE, SHOW, EXPLAIN of one), over the views of assay alone."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import duckdb

from assay.errors import InputError
from jobs.sql_views import table_macros

_EXPLAIN = re.compile(r"\s*explain(\s+analyze)?\s+(?!analyze\b|\()", re.IGNORECASE)
_NODES = frozenset({"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"})
_TABLE_FUNCTIONS = frozenset(
    {"range", "generate_series", "unnest", "json_each", "json_tree", "duckdb_columns", "duckdb_views"}
)


def refuse_unless_read_only(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    """Raises InputError for what is not one SELECT (or DESCRIBE, SUMMARIZE, SHOW, EXPLAIN of one), or calls a function
    that reads anything but the views. Raises duckdb.Error for what is no SQL."""
    statements = connection.extract_statements(sql)
    if len(statements) != 1:
        raise InputError(f"a query is one SELECT statement; this is {len(statements)}")
    kind = statements[0].type
    if kind == duckdb.StatementType.EXPLAIN and (match := _EXPLAIN.match(sql)):
        refuse_unless_read_only(connection, sql[match.end() :])
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
        if name.lower() not in _TABLE_FUNCTIONS | table_macros():
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
