"""Parameters of `assay sql`: their types, that they are bound, and every way of giving a query."""

from __future__ import annotations

import io
import json
import sys
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest

from assay.errors import InputError
from jobs.sql_command import run_sql
from jobs.sql_output import Look
from jobs.sql_params import Value, read_params
from tests.jobs.sql_stand import small_table, written


@pytest.fixture
def path(tmp_path: Path) -> str:
    return small_table(tmp_path)


def asked(path: str, *params: str, query: str | None = None, file: Path | None = None, format: str = "json") -> str:
    out = io.BytesIO()
    run_sql(path, query, file, params, Look(format), out)
    return out.getvalue().decode()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("42", 42),
        ("-7", -7),
        ("0", 0),
        ("170141183460469231731687303715884105727", 2**127 - 1),
        ("007", "007"),
        ("+1", "+1"),
        ("0.5", 0.5),
        ("1e-3", 0.001),
        (".5", ".5"),
        ("true", True),
        ("false", False),
        ("True", "True"),
        ("2026-11-20", date(2026, 11, 20)),
        ("2026-11-20T08:30", datetime(2026, 11, 20, 8, 30, tzinfo=UTC)),
        ("2026-11-20 08:30:15.5Z", datetime(2026, 11, 20, 8, 30, 15, 500000, tzinfo=UTC)),
        ("2026-11-20 08:30:15+01:00", datetime(2026, 11, 20, 8, 30, 15, tzinfo=timezone(timedelta(hours=1)))),
        ("20261120", 20261120),
        ("'42'", "42"),
        ("'it's'", "it's"),
        ("''", ""),
        ("'", "'"),
        ("", ""),
        ("a=b", "a=b"),
        ("nan", "nan"),
        ("\u0661\u0662", "\u0661\u0662"),
        ("42\n", "42\n"),
    ],
)
def test_what_a_value_looks_like_decides_its_type(text: str, value: Value) -> None:
    params = read_params([f"x={text}"])
    assert params == {"x": value}
    assert type(params["x"]) is type(value)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["day"], "NAME=VALUE"),
        (["=1"], "NAME=VALUE"),
        (["a b=1"], "NAME=VALUE"),
        (["1=1"], "NAME=VALUE"),
        (["a=1", "A=2"], "given twice"),
        (["day=2026-02-30"], "single quotes"),
        (["at=2026-02-03T25:00"], "single quotes"),
        ([f"n={2**127}"], "128 bits"),
        ([f"n={'9' * 10_000}"], "128 bits"),
    ],
)
def test_what_can_be_no_parameter_is_refused(given: list[str], words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_params(given)


def test_types_arrive_in_the_query(path: str) -> None:
    names = {"a": "1", "b": "1.5", "c": "true", "d": "2026-11-20", "e": "2026-11-20T08:30+01:00", "f": "x", "g": "'1'"}
    sql = f"SELECT {', '.join(f'typeof(${name}) AS {name}' for name in names)}, $e::VARCHAR AS at"
    (row,) = json.loads(asked(path, *(f"{name}={text}" for name, text in names.items()), query=sql))
    assert list(row.values()) == [
        *("INTEGER", "DOUBLE", "BOOLEAN", "DATE", "TIMESTAMP WITH TIME ZONE", "VARCHAR", "VARCHAR"),
        "2026-11-20 07:30:00+00",
    ]


@pytest.mark.parametrize(
    "value",
    ["' OR 1=1 --", "'; COPY (SELECT 1) TO '/tmp/stolen.csv'; --", "$id", "i1' UNION SELECT 1", "\x00", "\\", "''' --"],
)
def test_a_parameter_can_not_become_sql(path: str, value: str) -> None:
    sql = "SELECT count(*) FILTER (item_id = $id) AS n, $ID AS given FROM outcomes"
    (row,) = json.loads(asked(path, f"id={value}", query=sql))
    assert row == {"n": 0, "given": read_params([f"id={value}"])["id"]}


def test_a_query_comes_as_argument_file_or_standard_input(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sql = "SELECT item_id FROM verdicts WHERE item_id = $id"
    file = tmp_path / "query.sql"
    file.write_text(f"-- which; one\n{sql};\n")
    monkeypatch.setattr(sys, "stdin", io.StringIO(sql))
    answers = [asked(path, "id=i1", query=sql), asked(path, "id=i1", file=file), asked(path, "id=i1")]
    assert answers == ['[{"item_id": "i1"}]\n'] * 3


def test_several_statements_are_answered_in_order(path: str, tmp_path: Path) -> None:
    file = tmp_path / "query.sql"
    file.write_text("SELECT $n AS a; SELECT 'x;y' AS b; -- done;\n")
    assert asked(path, "n=1", file=file) == '[{"a": 1}]\n[{"b": "x;y"}]\n'
    assert asked(path, "n=1", file=file, format="csv") == 'a\n1\n\nb\n"x;y"\n'
    with pytest.raises(InputError, match="a file holds one answer, and these are 2"):
        asked(path, "n=1", file=file, format="parquet")


def test_the_first_mistake_ends_it(path: str) -> None:
    out = io.BytesIO()
    with pytest.raises(InputError, match="only SELECT is allowed"):
        run_sql(path, "SELECT 1 AS a; DROP VIEW verdicts; SELECT 2 AS b", None, [], Look("csv"), out)
    assert out.getvalue() == b"a\n1\n\n"


def test_what_is_missing_or_too_much_is_said(path: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"--param idd: no statement names \$idd"):
        written(path, "SELECT $id", "json", "id=1", "idd=2")
    with pytest.raises(InputError, match=r"the query names \$id: give its value as --param id=VALUE"):
        written(path, "SELECT $id", "json")
    with pytest.raises(InputError, match="are for the prompt"):
        written(path, "\n.views", "json")
    with pytest.raises(InputError, match="there is no statement in it"):
        written(path, "-- nothing")
    with pytest.raises(InputError, match="either a query or a file"):
        asked(path, query="SELECT 1", file=tmp_path / "query.sql")
    with pytest.raises(InputError, match=r"query\.sql: there is no such file"):
        asked(path, file=tmp_path / "query.sql")
    (tmp_path / "latin.sql").write_bytes(b"SELECT '\xe9'")
    with pytest.raises(InputError, match="can't be read as UTF-8 text"):
        asked(path, file=tmp_path / "latin.sql")
