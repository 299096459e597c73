"""The types that are told to DuckDB are those that it would find in Arrow data itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from jobs.labels import LABEL_SCHEMA
from jobs.sql_types import nulls, sql_type
from sinks.policies import POLICY_SCHEMA
from sinks.runs import RUN_SCHEMA
from sinks.schema import SCHEMA
from tests.jobs.small_table import write_small_table

_ASKED = """
import sys
from jobs.sql import query
print(len(query(sys.argv[1], "FROM prevalence()")), "pandas" in sys.modules)
"""


@pytest.mark.parametrize("schema", [SCHEMA, RUN_SCHEMA, POLICY_SCHEMA, LABEL_SCHEMA])
def test_types_are_duckdbs_own(schema: pa.Schema) -> None:
    with duckdb.connect() as connection:
        found = connection.from_arrow(schema.empty_table())
        assert [sql_type(field.type) for field in schema] == [str(kind) for kind in found.types]
        told = connection.sql(f"SELECT {nulls(schema)} WHERE false")
        assert (told.columns, told.types) == (found.columns, found.types)


def test_a_question_does_not_load_pandas(tmp_path: Path) -> None:
    path = str(tmp_path / "out")
    write_small_table(path)
    done = subprocess.run([sys.executable, "-c", _ASKED, path], capture_output=True, text=True, check=True)
    assert done.stdout.split()[1] == "False"
