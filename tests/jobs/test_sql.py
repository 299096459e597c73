"""`assay sql`: what it shows, and what it refuses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assay.errors import InputError
from jobs.sql import query
from jobs.sql_views import everything, named_in, sql_files
from sinks.counts import active_files
from tests.jobs.sql_stand import ATTACKS, small_table
from tests.sinks.outcomes import verdict
from tests.sinks.stand import open_sink


@pytest.fixture
def path(tmp_path: Path) -> str:
    return small_table(tmp_path)


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


@pytest.mark.parametrize("sql", ATTACKS)
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


def test_rows_of_several_runs_and_days_are_all_seen(tmp_path: Path) -> None:
    sink = open_sink(str(tmp_path))
    for number in range(3):
        sink.commit([replace(verdict(number), run_id=f"run-{number}")], {})
    assert query(str(tmp_path), "SELECT count(DISTINCT run_id) AS n FROM verdicts")["n"].to_pylist() == [3]


def test_what_goes_wrong_after_the_first_rows_is_said_too(path: str) -> None:
    sql = "SELECT CASE WHEN range = 1000000 THEN error('too far') END AS a FROM range(2000000)"
    with pytest.raises(InputError, match="too far"):
        query(path, sql)


def test_a_query_makes_only_what_it_names_and_what_that_is_made_of() -> None:
    assert named_in("SELECT 1") == frozenset()
    assert named_in('SELECT count(*) FROM "Flagged"') == {
        *("flagged", "latest_verdicts", "latest_outcomes", "standing", "tracks_by_day", "partition_of", "outcomes"),
        "outcome_rows",
    }
    assert {"wilson", "decided", "latest_outcomes", "outcome_rows"} < named_in("FROM prevalence()") < everything()
    assert "run_rows" not in named_in("FROM prevalence()")
    for catalog in ("SHOW TABLES", "describe", "FROM duckdb_views()", "FROM information_schema.tables"):
        assert named_in(catalog) == everything()


def test_the_catalog_says_what_each_view_answers(path: str) -> None:
    found = query(path, "SELECT view_name, comment FROM duckdb_views() WHERE NOT internal").to_pylist()
    said = {row["view_name"]: row["comment"] for row in found}
    assert said["label_agreement"] == "How often is the judge right?"
    assert {name for name, file in sql_files().items() if file.kind == "VIEW"} < said.keys()
    assert all(said.values())
