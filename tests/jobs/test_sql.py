"""`assay sql`: what it shows, what it refuses, and its four formats."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assay.config import Config
from assay.errors import InputError
from jobs.sql import query, run_sql
from jobs.sql_output import TABLE_ROWS
from sinks.counts import active_files
from tests.sinks.outcomes import rejection, verdict
from tests.sinks.stand import open_sink


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A sink with two verdicts and a rejection."""
    where = str(tmp_path / "it's out")
    open_sink(where).commit([verdict(0), verdict(1, carried=()), rejection(2)], {})
    return where


def config(path: str) -> Config:
    return Config.model_validate(
        {
            "name": "t",
            "source": {"kind": "parquet", "path": "x", "columns": {"id": "id", "text": "text"}},
            "policies": ["p"],
            "judge": {"kind": "scripted"},
            "sink": {"kind": "delta", "path": path},
        }
    )


def output(path: str, sql: str, format: str) -> bytes:
    out = io.BytesIO()
    run_sql(config(path), sql, format, out)
    return out.getvalue()


def test_views_part_verdicts_from_rejections(path: str) -> None:
    sql = "SELECT item_id, audit_day::VARCHAR AS day, carried FROM verdicts ORDER BY position"
    assert query(path, sql).to_pylist() == [
        {"item_id": "i0", "day": "2026-03-04", "carried": [("lang", "en")]},
        {"item_id": "i1", "day": "2026-03-04", "carried": []},
    ]
    assert query(path, "SELECT reason, raw FROM rejections").to_pylist() == [
        {"reason": "invalid_utf8", "raw": b"\xff\x00"}
    ]
    assert query(path, "SELECT count(*) AS n FROM outcomes")["n"].to_pylist() == [3]
    assert query(path, "SELECT * FROM runs").num_rows == 0


def test_parameters_are_values(path: str) -> None:
    sql = "SELECT count(*) AS n FROM verdicts WHERE item_id = $id"
    assert query(path, sql, params={"id": "i1"})["n"].to_pylist() == [1]
    assert query(path, sql, params={"id": "' OR 1=1 --"})["n"].to_pylist() == [0]


@pytest.mark.parametrize(
    "sql",
    [
        "DESCRIBE verdicts",
        "SUMMARIZE verdicts",
        "SHOW TABLES",
        "EXPLAIN SELECT 1",
        "explain analyze SELECT count(*) FROM verdicts",
        "FROM verdicts",
        "WITH a AS (SELECT 1 AS x), b AS MATERIALIZED (SELECT 2 AS x) FROM a UNION ALL FROM b",
        "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 3) SELECT * FROM t",
        "SELECT unnest(rule_ids) FROM verdicts, range(2)",
        "PIVOT verdicts ON policy_id IN ('spam') USING count(*)",
        "SELECT 1 -- ; DROP TABLE x",
    ],
)
def test_reading_is_allowed(path: str, sql: str) -> None:
    assert query(path, sql).num_rows > 0


def test_a_table_without_rows_answers_with_no_rows(tmp_path: Path) -> None:
    open_sink(str(tmp_path))
    table = query(str(tmp_path), "SELECT item_id, rule_ids, carried, audit_day FROM verdicts")
    assert table.num_rows == 0
    assert table.schema.field("rule_ids").type == pa.list_(pa.string())


def test_without_a_run_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing audited yet; run assay backfill"):
        query(str(tmp_path), "SELECT 1")


@pytest.mark.parametrize(
    "sql",
    [
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
        "EXPLAIN ANALYZE COPY (SELECT 1) TO '/tmp/stolen.csv'",
        "EXPLAIN EXPLAIN COPY (SELECT 1) TO '/tmp/stolen.csv'",
    ],
)
def test_attacks_are_refused(path: str, sql: str) -> None:
    secret_of_the_caller = pa.table({"password": ["hunter2"]})
    with pytest.raises(InputError):
        query(path, sql)
    assert secret_of_the_caller.num_rows == 1
    assert not Path("/tmp/stolen.csv").exists()


@pytest.mark.parametrize(
    "attack",
    [
        "COPY (SELECT 1) TO '{file}' (USE_TMP_FILE false)",
        "EXPLAIN ANALYZE COPY (SELECT 1) TO '{file}' (USE_TMP_FILE false)",
        "WITH x AS (COPY (SELECT 1) TO '{file}' (USE_TMP_FILE false)) SELECT * FROM x",
        "EXPLAIN ANALYZE WITH x AS (COPY (SELECT 1) TO '{file}' (USE_TMP_FILE false)) SELECT * FROM x",
        "SELECT * FROM json_execute_serialized_sql(json_serialize_sql("
        "'WITH x AS (COPY (SELECT 1) TO ''{file}'' (USE_TMP_FILE false)) SELECT * FROM x'))",
    ],
)
def test_the_tables_own_files_can_not_be_written(tmp_path: Path, attack: str) -> None:
    path = str(tmp_path / "out")
    open_sink(path).commit([verdict(0)], {})
    (file,) = active_files(path, "verdicts") or []
    before = Path(file).read_bytes()
    with pytest.raises(InputError):
        query(path, attack.format(file=file))
    assert Path(file).read_bytes() == before


@pytest.mark.parametrize("name", ["secret.csv", "secret.parquet"])
def test_files_named_as_tables_are_not_read(path: str, tmp_path: Path, name: str) -> None:
    pq.write_table(pa.table({"a": [1]}), tmp_path / "secret.parquet")
    (tmp_path / "secret.csv").write_text("a\n1\n")
    with pytest.raises(InputError):
        query(path, f"SELECT * FROM '{tmp_path / name}'")


@pytest.mark.parametrize("sql", ["SELEC 1", "SELECT nope FROM verdicts", "SELECT rationale::INT FROM verdicts"])
def test_mistakes_in_sql_come_back_in_duckdbs_words(path: str, sql: str) -> None:
    with pytest.raises(InputError, match="Error"):
        query(path, sql)


def test_json_is_one_array_of_objects(path: str) -> None:
    sql = (
        "SELECT item_id, raw, rule_ids, carried, audit_day, judged_at, 'nan'::DOUBLE AS bad FROM outcomes ORDER BY ALL"
    )
    rows = json.loads(output(path, sql, "json"))
    assert rows[0] == {
        "item_id": "i0",
        "raw": None,
        "rule_ids": ["S1"],
        "carried": {"lang": "en"},
        "audit_day": "2026-03-04",
        "judged_at": "2026-03-04T05:06:07.000089+00:00",
        "bad": None,
    }
    assert rows[2]["raw"] == "/wA="
    assert json.loads(output(path, "SELECT 1 WHERE false", "json")) == []


def test_csv_cells_are_no_formulas(path: str) -> None:
    sql = "SELECT '=1+1' AS a, '@x' AS b, '+1' AS c, -5 AS d, 'a=b' AS e, NULL AS f, ['=x'] AS g, '\tx' AS \"=h\""
    heads, cells = csv.reader(io.StringIO(output(path, sql, "csv").decode()))
    assert heads == ["a", "b", "c", "d", "e", "f", "g", "'=h"]
    assert cells == ["'=1+1", "'@x", "'+1", "-5", "a=b", "", '["=x"]', "'\tx"]


def test_parquet_comes_as_bytes(path: str) -> None:
    table = pq.read_table(pa.BufferReader(output(path, "FROM outcomes", "parquet")))
    assert table.num_rows == 3


class Terminal(io.BytesIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("terminal", [True, False])
def test_a_table_shows_content_but_never_its_control_characters(tmp_path: Path, terminal: bool) -> None:
    path = str(tmp_path)
    hostile = "a\x1b]0;owned\x07b\nc\u202ed\x9b2J [red]plain[/red] é"
    open_sink(path).commit([verdict(0, id=hostile)], {})
    out = Terminal() if terminal else io.BytesIO()
    run_sql(config(path), "SELECT item_id FROM verdicts", "table", out)
    text = out.getvalue().decode()
    joined = "".join(part.strip(" │┃") for part in text.splitlines())
    for bad in ("\x1b]0", "\x07", "\u202e", "\x9b"):
        assert bad not in text
    assert "\\x1b]0;owned\\x07b\\nc\\u202ed\\x9b2J" in joined
    assert "[red]plain[/red]" in joined


def test_a_long_table_is_cut_and_says_so(path: str) -> None:
    text = output(path, f"SELECT * FROM range({TABLE_ROWS + 1})", "table").decode()
    assert len(text.splitlines()) == TABLE_ROWS + 2
    assert "only the first" in text.splitlines()[-1]
    whole = output(path, f"SELECT * FROM range({TABLE_ROWS})", "table").decode()
    assert "only the first" not in whole


def test_formats_that_do_not_fit_are_refused(path: str) -> None:
    with pytest.raises(InputError, match="table, json, csv, parquet"):
        output(path, "SELECT 1", "xml")
    with pytest.raises(InputError, match="send the output to a file"):
        run_sql(config(path), "SELECT 1", "parquet", Terminal())


def test_rows_of_several_runs_and_days_are_all_seen(tmp_path: Path) -> None:
    sink = open_sink(str(tmp_path))
    for number in range(3):
        sink.commit([replace(verdict(number), run_id=f"run-{number}")], {})
    assert query(str(tmp_path), "SELECT count(DISTINCT run_id) AS n FROM verdicts")["n"].to_pylist() == [3]
