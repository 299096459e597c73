"""A small table to ask, how it is asked, and what must be refused, for the tests of `assay sql`."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

from assay.records import Judgement, Outcome, Verdict
from jobs.sql_command import run_sql
from jobs.sql_output import Look
from tests.sinks.outcomes import rejection, verdict
from tests.sinks.stand import open_sink

ATTACKS = [
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM read_blob('/proc/self/environ')",
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM read_parquet('/etc/*.parquet')",
    "SELECT * FROM glob('/etc/*')",
    "SELECT * FROM parquet_metadata('/etc/passwd')",
    "SELECT * FROM 'http://127.0.0.1:1/x.parquet'",
    "SELECT * FROM read_json_auto('s3://bucket/x.json')",
    "COPY (SELECT 1) TO '/tmp/stolen.csv'",
    "ATTACH '/tmp/stolen.db'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SET enable_external_access = true",
    "SET lock_configuration = false",
    "RESET enable_external_access",
    "PRAGMA enable_external_access = true",
    "PRAGMA version",
    "CALL pragma_version()",
    "CREATE TABLE t AS SELECT 1",
    "CREATE OR REPLACE VIEW verdicts AS SELECT 1",
    "DROP VIEW verdicts",
    "INSERT INTO verdicts SELECT * FROM verdicts",
    "DELETE FROM verdicts",
    "EXPORT DATABASE '/tmp/stolen'",
    "CHECKPOINT",
    "SELECT getenv('HOME')",
    "SELECT 1; SELECT 2",
    "SELECT 1; COPY (SELECT 1) TO '/tmp/stolen.csv'",
    "",
    "-- nothing",
    "WITH x AS (INSERT INTO verdicts SELECT * FROM verdicts RETURNING *) SELECT * FROM x",
    "SELECT * FROM query('SELECT 1')",
    "SELECT * FROM json_execute_serialized_sql(json_serialize_sql('SELECT 1'))",
    "PRAGMA json_execute_serialized_sql('{}')",
    "SELECT * FROM arrow_scan(1, 2, 3)",
    "SELECT * FROM secret_of_the_caller",
    "SELECT * FROM duckdb_secrets()",
    "FROM prevalence(every := (SELECT content FROM read_text('/etc/passwd')))",
    "FROM prevalence_by(getenv('HOME'))",
    "CREATE OR REPLACE MACRO wilson(a, b) AS 1",
    "EXPLAIN ANALYZE COPY (SELECT 1) TO '/tmp/stolen.csv'",
    "EXPLAIN EXPLAIN COPY (SELECT 1) TO '/tmp/stolen.csv'",
]


class Terminal(io.BytesIO):
    """An output that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


def small_table(folder: Path) -> str:
    """A sink with two verdicts and a rejection."""
    where = str(folder / "it's out")
    open_sink(where).commit([verdict(0), verdict(1, carried=()), rejection(2)], {})
    return where


def table_saying(folder: Path, *rationales: str) -> str:
    """A sink with a verdict for each rationale, in this order by `position`."""
    where = str(folder / "out")
    open_sink(where).commit([_saying(verdict(at), said) for at, said in enumerate(rationales)], {})
    return where


def _saying(outcome: Outcome, rationale: str) -> Outcome:
    judgement = outcome.judgement
    assert isinstance(judgement, Judgement)
    assert isinstance(judgement.result, Verdict)
    return replace(outcome, judgement=replace(judgement, result=replace(judgement.result, rationale=rationale)))


def written(
    path: str,
    sql: str,
    format: str = "table",
    *params: str,
    terminal: bool = False,
    wide: bool = False,
    raw: bool = False,
) -> bytes:
    """What `assay sql` writes for a query."""
    out = Terminal() if terminal else io.BytesIO()
    run_sql(path, sql, None, params, Look(format, wide=wide, raw=raw), out)
    return out.getvalue()
