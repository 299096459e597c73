"""The views and macros of `assay sql`: each a file of its own, `views/NAME.sql` or `macros/NAME.sql`.

A view's file is its SELECT, a macro's its CREATE MACRO; both begin with a comment for people, whose first sentence says
what it answers. What a file refers to is created before it.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from graphlib import TopologicalSorter
from importlib.resources import files
from importlib.resources.abc import Traversable

import duckdb

_COMMENT = re.compile(r"--[^\n]*")
_HEAD = re.compile(r"(?:--[^\n]*\n)+")
_SENTENCE = re.compile(r".*?[.?](?= |$)")
_REFERENCE = re.compile(r"\b(?:FROM|JOIN)\s+(\w+)|\b(\w+)\(|'(\w+)'")  # in quotes: an argument of query_table
AS_WRITTEN = frozenset({"outcome_rows", "run_rows", "policy_rows"})
"""The tables' rows, of which all else is made."""

_CATALOG = re.compile(r"\b(?:show|describe|duckdb_\w+|information_schema|pg_\w+|sqlite_\w+)\b")


@dataclass(frozen=True, slots=True)
class SqlFile:
    """One view or macro. `kind` is DuckDB's word for it: VIEW, MACRO or MACRO TABLE; `answers` is one sentence.

    `refers_to`: the names that it reads or calls.
    """

    kind: str
    sql: str
    answers: str
    refers_to: frozenset[str]


@cache
def sql_files() -> dict[str, SqlFile]:
    """Every view and macro by its name, each after those that it refers to."""
    found = {
        file.name.removesuffix(".sql"): _read(file)
        for folder in ("views", "macros")
        for file in files("jobs").joinpath(folder).iterdir()
        if file.name.endswith(".sql")
    }
    graph = {name: file.refers_to & (found.keys() - {name}) for name, file in sorted(found.items())}
    return {name: found[name] for name in TopologicalSorter(graph).static_order()}


def everything() -> frozenset[str]:
    """The names of all views and macros, and of the rows as written."""
    return AS_WRITTEN | sql_files().keys()


def table_macros() -> frozenset[str]:
    """Names of the macros that a query may select from."""
    return frozenset(name for name, file in sql_files().items() if file.kind == "MACRO TABLE")


def named_in(query: str) -> frozenset[str]:
    """What a query names, and what that is made of, down to the rows as written; all, if it asks what there is."""
    text = query.lower()
    if _CATALOG.search(text):
        return everything()
    named = set(re.findall(r"\w+", text))
    for name, file in reversed(sql_files().items()):
        if name in named:
            named |= file.refers_to
    return everything() & named


def create_views(connection: duckdb.DuckDBPyConnection, names: Collection[str]) -> None:
    """Create those of these that are views or macros.

    What they read must be there by name: the rows as written, the labels, and those that they are made of.
    """
    for name, file in sql_files().items():
        if name in names:
            connection.execute(f"CREATE VIEW {name} AS\n{file.sql}" if file.kind == "VIEW" else file.sql)


def keep(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    """Put a view's rows in its place, as a table in memory."""
    connection.execute(f"CREATE TABLE kept_rows AS FROM {name}")
    connection.execute(f"DROP VIEW {name}")
    connection.execute(f"ALTER TABLE kept_rows RENAME TO {name}")


def describe(connection: duckdb.DuckDBPyConnection) -> None:
    """Give everything, which must be there, a comment that says what it answers."""
    for name in sorted(AS_WRITTEN):
        connection.execute(f"COMMENT ON VIEW {name} IS 'All rows as they were written.'")
    for name, file in sql_files().items():
        answers = file.answers.replace("'", "''")
        connection.execute(f"COMMENT ON {file.kind} {name} IS '{answers}'")


def _read(file: Traversable) -> SqlFile:
    sql = file.read_text("utf-8")
    code = _COMMENT.sub("", sql)
    is_macro = code.lstrip().startswith("CREATE MACRO ")
    kind = "VIEW" if not is_macro else "MACRO TABLE" if ") AS TABLE\n" in code else "MACRO"
    refers_to = frozenset(word for found in _REFERENCE.findall(code) for word in found if word)
    return SqlFile(kind, sql, _first_sentence(sql), refers_to)


def _first_sentence(sql: str) -> str:
    head = _HEAD.match(sql)
    words = " ".join(line.removeprefix("--").strip() for line in head[0].splitlines()) if head else ""
    sentence = _SENTENCE.match(words)
    return sentence[0] if sentence else ""
