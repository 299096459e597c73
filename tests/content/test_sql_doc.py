"""docs/sql.md names every view and macro, and its examples run."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from jobs.sql import query
from jobs.sql_views import sql_files, table_macros
from tests.jobs.small_table import HARM, SPAM2, write_small_table

ROOT = Path(__file__).parents[2]
DOC = (ROOT / "docs" / "sql.md").read_text(encoding="utf-8")
QUERIES = re.findall(r"```sql\n(.*?)```", DOC, re.DOTALL)
SNIPPETS = re.findall(r"```python\n(.*?)```", DOC, re.DOTALL)
FOUND = ([("harm", 2), ("spam", 3)], 5, {"harm": 2, "spam": 3}, [("harm", 2), ("spam", 3)], [("harm", 2), ("spam", 3)])
"""What the snippets find in the small table, in their order."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("doc")
    write_small_table(str(where / "out"))
    return where


def parameters(sql: str) -> list[str]:
    found = re.search(r"CREATE MACRO \w+\(([^)]*)\)", sql)
    return [part.split(":=")[0].strip() for part in found[1].split(",")] if found else []


def test_every_view_and_macro_has_a_line_with_its_parameters() -> None:
    written = dict(re.findall(r"^\| `(\w+)(?:\(([^)]*)\))?` \|", DOC, re.MULTILINE))
    expected = {name: ", ".join(parameters(file.sql)) for name, file in sql_files().items()}
    assert written == expected


def test_every_view_and_macro_has_an_example() -> None:
    used = set(re.findall(r"\w+", " ".join(QUERIES)))
    assert sql_files().keys() - used == set()


@pytest.mark.parametrize("name", sorted(sql_files()))
def test_every_file_begins_with_what_it_answers(name: str) -> None:
    file = sql_files()[name]
    assert file.sql.startswith(f"-- {file.answers[:50]}")
    assert 10 < len(file.answers) <= 150


def test_the_macros_that_can_be_selected_from_are_those_of_the_document() -> None:
    section = DOC.split("\n## Macros\n")[1].split("\nFunctions of a value")[0]
    assert set(re.findall(r"^\| `(\w+)\(", section, re.MULTILINE)) == table_macros()


@pytest.mark.parametrize("sql", QUERIES)
def test_examples_run(folder: Path, sql: str) -> None:
    assert query(str(folder / "out"), sql).num_columns > 0


def test_the_example_with_the_policies_texts_has_a_row_for_each_violation_that_stands(folder: Path) -> None:
    (sql,) = (each for each in QUERIES if "JOIN policies" in each)
    texts = query(str(folder / "out"), sql)["text"].to_pylist()
    assert sorted(texts) == sorted([HARM.text, HARM.text, SPAM2.text])


@pytest.mark.parametrize(("code", "expected"), list(zip(SNIPPETS, FOUND, strict=True)))
def test_other_readers_find_the_same(folder: Path, code: str, expected: object) -> None:
    if "polars" in code and find_spec("polars") is None:
        pytest.skip("polars is not installed")
    command = [sys.executable, "-c", f"{code}\nprint(repr(found), flush=True)"]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}  # a reader has pandas
    ran = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert ran.stdout, ran.stderr  # Arrow's threads can abort an interpreter that ends, after all was said
    assert ast.literal_eval(ran.stdout) == expected
