"""Asks one question in a process of its own, on two CPUs and with 4 GiB for DuckDB. The last line printed is JSON.

    python benchmarks/_reports_ask.py QUESTION HOW FOLDER

HOW: `table` is the product over its own table, `raw` DuckDB alone over one well laid out file of the same rows.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import time
from dataclasses import asdict, dataclass
from pathlib import Path

_THREADS, _GIB = 2, 2**30
_CONFIG: dict[str, str | bool | int | float | list[str]] = {"threads": _THREADS, "memory_limit": f"{4 * _GIB}B"}


@dataclass(frozen=True, slots=True)
class Question:
    """What the product is asked, what DuckDB is asked for the same, and the columns that must be equal."""

    sql: str
    raw: str
    same: tuple[str, ...]


QUESTIONS = {
    "prevalence": Question(
        "SELECT policy_id, policy_version, verdicts, flagged, rate, low, high FROM prevalence(every := 'all')",
        "SELECT policy_id, policy_version, count(*) FILTER (status = 'verdict') AS verdicts,"
        " count(*) FILTER (violation) AS flagged FROM read_parquet($file) GROUP BY ALL ORDER BY ALL",
        ("policy_id", "policy_version", "verdicts", "flagged"),
    ),
    "by hour": Question(
        "SELECT policy_id, bucket, sum(verdicts)::BIGINT AS verdicts, sum(flagged)::BIGINT AS flagged,"
        " any_value(p99_ms) AS p99_ms FROM prevalence(every := 'hour') JOIN latencies(every := 'hour')"
        " USING (policy_id, bucket) GROUP BY ALL ORDER BY policy_id, bucket",
        "SELECT policy_id, date_trunc('hour', judged_at)::TIMESTAMP AS bucket,"
        " count(*) FILTER (status = 'verdict') AS verdicts, count(*) FILTER (violation) AS flagged,"
        " quantile_cont(latency_ms, 0.99) FILTER (stage = 'judge') AS p99_ms"
        " FROM read_parquet($file) GROUP BY ALL ORDER BY policy_id, bucket",
        ("policy_id", "bucket", "verdicts", "flagged", "p99_ms"),
    ),
    "top 100": Question(
        "SELECT item_id, policy_id, rule_ids, severity, score, rationale FROM flagged"
        " ORDER BY severity DESC, score DESC LIMIT 100",
        "SELECT item_id, policy_id, rule_ids, severity, score, rationale FROM read_parquet($file)"
        " WHERE violation ORDER BY severity DESC, score DESC LIMIT 100",
        (),
    ),
}
PAGES = ("page", "page of all days")
"""The page as it is by default, of the last week beside the one before; and of half the days beside the other half."""


@dataclass(frozen=True, slots=True)
class Answer:
    """`seconds` are those of the question, the snapshot's opening included; of a page, its process's start as well.

    `rows` of the answer, `bytes` of a page, `digest` of what must be equal. `peak_mib` is the process's own (VmHWM).
    """

    seconds: float
    rows: int
    bytes: int
    digest: str
    peak_mib: int


def confine() -> None:
    """Two CPUs, and a limit of data of which the product gives DuckDB half."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:_THREADS])
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (8 * _GIB, most))


def by_product(question: Question, folder: Path) -> Answer:
    from jobs.sql import query

    began = time.perf_counter()
    table = query(str(folder / "audit"), question.sql)
    return _answer(time.perf_counter() - began, question, table.to_pylist())


def by_duckdb(question: Question, folder: Path) -> Answer:
    import duckdb

    began = time.perf_counter()
    connection = duckdb.connect(config=_CONFIG)
    connection.execute("SET TimeZone = 'UTC'")
    table = connection.sql(question.raw, params={"file": str(folder / "one.parquet")}).to_arrow_table()
    return _answer(time.perf_counter() - began, question, table.to_pylist())


def page(name: str, how: str, folder: Path) -> Answer:
    """What `assay report` does; or its queries alone, through the same views over the one file."""
    import duckdb
    from _reports_page import ask_all, make_page

    if how == "table":
        size = make_page(name, folder)
        return Answer(_since_start(), 0, size, "", _peak())
    connection = duckdb.connect(config=_CONFIG)
    connection.execute("SET TimeZone = 'UTC'")
    rows = ask_all(connection, name, folder)
    return Answer(_since_start(), rows, 0, "", _peak())


def _answer(seconds: float, question: Question, rows: list[dict[str, object]]) -> Answer:
    import hashlib

    same = repr([[row[name] for name in question.same] for row in rows])
    return Answer(seconds, len(rows), 0, hashlib.sha256(same.encode()).hexdigest(), _peak())


def _peak() -> int:
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:")) // 1024


def _since_start() -> float:
    import psutil

    return time.time() - psutil.Process().create_time()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("question", choices=(*QUESTIONS, *PAGES))
    parser.add_argument("how", choices=("table", "raw"))
    parser.add_argument("folder", type=Path)
    chosen = parser.parse_args()
    confine()
    question = QUESTIONS.get(chosen.question)
    if question is None:
        found = page(chosen.question, chosen.how, chosen.folder)
    else:
        found = (by_product if chosen.how == "table" else by_duckdb)(question, chosen.folder)
    print(json.dumps(asdict(found)))


if __name__ == "__main__":
    main()
