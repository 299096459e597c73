"""The page of `assay report`, and its queries alone in plain DuckDB over one file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from importlib.resources import files
from pathlib import Path

import duckdb
from _reports_ask import PAGES
from _reports_plan import LAST_DAY, POLICIES

from assay.config import Labels
from jobs.labels import add_labels
from jobs.load import load_config
from jobs.report import ReportOptions, render, report_job
from jobs.report_cases import MOST
from jobs.report_period import period_of
from jobs.sql_views import create_views, sql_files
from sinks.counts import active_files

_MIXES = ("market", "lang", None)
"""Carried columns of `job.yaml`, and None for the sources."""

_PARAMETER = re.compile(r"\$(\w+)")
_TABLES = {"outcome_rows": "one.parquet", "run_rows": "runs", "policy_rows": "policies"}


def make_page(name: str, folder: Path) -> int:
    """Write the page beside the table; its bytes."""
    config = load_config(folder / "job.yaml")
    page = render(report_job(config, ReportOptions(since=_since(name, folder))), "html")
    return (folder / f"{name}.html").write_bytes(page.encode())


def ask_all(connection: duckdb.DuckDBPyConnection, name: str, folder: Path) -> int:
    """Answer every query of the page through the product's views; how many rows all answers have."""
    _add_tables(connection, folder)
    add_labels(connection, Labels(path=str(folder / "labels.csv")))
    connection.execute("CREATE TABLE commit_rows (committed_at TIMESTAMPTZ)")
    create_views(connection, sql_files())
    return sum(
        len(connection.sql(sql, params=values).to_arrow_table()) for sql, values in _queries(_values(name, folder))
    )


def _since(name: str, folder: Path) -> date | None:
    days = len(list((folder / "source").glob("*.parquet")))
    return None if name == PAGES[0] else LAST_DAY - timedelta(days=days // 2 - 1)


def _add_tables(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    for view, name in _TABLES.items():
        paths = [str(folder / name)] if name.endswith(".parquet") else active_files(str(folder / "audit"), name)
        connection.read_parquet(paths).create_view(view)


def _values(name: str, folder: Path) -> Mapping[str, object]:
    days = len(list((folder / "source").glob("*.parquet")))
    first = LAST_DAY - timedelta(days=days - 1)
    period = period_of(first, LAST_DAY, _since(name, folder), None, compare=True)
    return {**period.model_dump(), "policies": None, "most": MOST, "hashes": [each.hash for each in POLICIES]}


def _queries(values: Mapping[str, object]) -> Iterator[tuple[str, Mapping[str, object]]]:
    for file in sorted(files("jobs").joinpath("queries/report").iterdir(), key=lambda each: each.name):
        sql = file.read_text("utf-8")
        for key in _MIXES if "$carried_key" in sql else (None,):
            known = {**values, "carried_key": key}
            yield sql, {each: known[each] for each in _PARAMETER.findall(sql)}
