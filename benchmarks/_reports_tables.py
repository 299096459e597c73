"""Builds the tables of `reports.py` below a folder; goes on where an earlier build was stopped.

source/*.parquet    the items, so that the page finds content
job.yaml, policies/, labels.csv
audit/              the product's three tables, joined by `assay optimize`
one.parquet         the same rows in one file, by day, policy and time
"""

from __future__ import annotations

import itertools
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import yaml
from _reports_plan import AFTER_EDIT, EDITED, JUDGE, POLICIES, Plan
from _reports_rows import items_of, rows_of
from deltalake import DeltaTable

from assay.config import DeltaConfig
from assay.policy import Policy
from jobs.sql import query
from sinks.counts import active_files
from sinks.delta import DeltaSink
from sinks.delta_table import Location, append_rows, locate
from sinks.policies import PolicyLog
from sinks.runs import RunLog, RunRecord, RunState
from sinks.schema import PARTITION, SCHEMA
from sinks.upkeep import optimize

_COMMIT, _ROW_GROUP, _JOIN_EVERY = 20_000, 122_880, 10
_TOKENS_OF_ONE = 1_400
_GPU_SECONDS_A_CASE, _GPU_HOUR = 0.02, 4.0
_COUNTS = """
SELECT run_id, count(DISTINCT (source, "position")) AS items, count(*) AS cases,
       count(*) FILTER (status = 'verdict') AS verdicts, count(*) FILTER (violation) AS flagged,
       count(*) FILTER (status = 'rejected') AS rejected, count(*) FILTER (stage = 'reused') AS reused,
       sum(prompt_tokens)::BIGINT AS prompt_tokens, sum(cached_tokens)::BIGINT AS cached_tokens,
       sum(output_tokens)::BIGINT AS output_tokens
FROM outcomes WHERE audit_day = $day GROUP BY run_id
"""
_LABELLED = """
SELECT item_id, policy_id, (violation <> (hash(item_id) % 50 = 0))::INTEGER AS label, greatest(1, n / 100) AS weight
FROM (SELECT *, count(*) OVER kind AS n, row_number() OVER (kind ORDER BY hash(item_id)) AS place
      FROM verdicts WHERE audit_day = $day WINDOW kind AS (PARTITION BY policy_id, violation))
WHERE place <= 100 ORDER BY policy_id, item_id
"""


def build(folder: Path, plan: Plan) -> None:
    """Everything that is not there yet. Raises SystemExit if the folder holds a table of another plan."""
    folder.mkdir(parents=True, exist_ok=True)
    note, sign = folder / "plan.txt", f"{plan}\n"
    if note.exists() and note.read_text() != sign:
        raise SystemExit(f"{folder} holds {note.read_text().strip()}: delete it, or name another folder")
    note.write_text(sign)
    if (folder / "built").exists():
        return
    _write_job(folder)
    _write_sources(folder, plan)
    _write_verdicts(folder, plan)
    _write_runs(folder, plan)
    _write_labels(folder, plan)
    _write_one(folder)
    (folder / "built").touch()


def _sink(folder: Path) -> DeltaConfig:
    return DeltaConfig(kind="delta", path=str(folder / "audit"))


def _sources(folder: Path, plan: Plan) -> tuple[Path, ...]:
    return tuple(folder.resolve() / "source" / f"items-{plan.date(day)}.parquet" for day in range(plan.days))


def _write_job(folder: Path) -> None:
    policies = folder / "policies"
    policies.mkdir(exist_ok=True)
    for each in (*POLICIES, AFTER_EDIT):
        (policies / f"{each.id}.md").write_text(each.text)
    columns = {"id": "id", "text": "text", "time": "time", "carry": ["market", "lang"]}
    config = {
        "name": "bench",
        "source": {"kind": "parquet", "path": "source/*.parquet", "columns": columns},
        "policies": ["policies/*.md"],
        "judge": {"kind": "scripted", "match": "free money"},
        "sink": {"kind": "delta", "path": "audit"},
        "labels": {"path": "labels.csv"},
        "cost": {"gpu_hour": _GPU_HOUR},
    }
    (folder / "job.yaml").write_text(yaml.safe_dump(config))


def _write_sources(folder: Path, plan: Plan) -> None:
    (folder / "source").mkdir(exist_ok=True)
    for day, path in enumerate(_sources(folder, plan)):
        if path.exists():
            continue
        items = items_of(plan, day)
        columns = {"id": items.ids, "text": items.texts, "time": items.times}
        rows = pa.table(columns | {"market": items.markets, "lang": items.languages})
        beside = path.with_suffix(".part")
        pq.write_table(rows, beside, compression="zstd", row_group_size=10_000)
        beside.rename(path)


def _write_verdicts(folder: Path, plan: Plan) -> None:
    """Day by day as a job would commit them, then joined; a day that is there only in part is made again."""
    config, at = _sink(folder), locate(str(folder / "audit"), "verdicts")
    DeltaSink(config, config.path)
    sources = tuple(path.as_uri() for path in _sources(folder, plan))
    began, written = time.perf_counter(), 0
    for day in range(plan.days):
        if not _is_there(at, plan, day):
            rows = rows_of(plan, day, sources)
            step = min(_COMMIT, -(-len(rows) // 4))
            for start in range(0, len(rows), step):
                append_rows(at, rows.slice(start, step))
            written += len(rows)
        if (day + 1) % _JOIN_EVERY == 0 or day == plan.days - 1:
            _join(config, at)
            print(f"  {plan.date(day)}: {written / (time.perf_counter() - began):,.0f} rows/s", flush=True)


def _is_there(at: Location, plan: Plan, day: int) -> bool:
    table = DeltaTable(at.uri)
    name = plan.date(day).isoformat()
    have = pa.table(table.get_add_actions(flatten=True))
    if f"partition.{PARTITION}" not in have.column_names:
        return False
    counts = zip(have[f"partition.{PARTITION}"].to_pylist(), have["num_records"].to_pylist(), strict=True)
    rows = sum(count for value, count in counts if str(value) == name)
    if rows not in (0, plan.rows_of(day)):
        table.delete(f"{PARTITION} = '{name}'")
    return bool(rows == plan.rows_of(day))


def _join(config: DeltaConfig, at: Location) -> None:
    """What `assay optimize` does; but files that were joined go at once, as nobody reads them."""
    optimize(config, config.path)
    DeltaTable(at.uri).vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False)


def _write_runs(folder: Path, plan: Plan) -> None:
    """A run a day, as it began and as it ended, with the counts that the table has; and the policies' texts."""
    path = str(folder / "audit")
    for name in ("runs", "policies"):
        shutil.rmtree(folder / "audit" / name, ignore_errors=True)
    texts, runs = PolicyLog(path), RunLog(path)
    texts.write(POLICIES, plan.begin(0))
    texts.write([AFTER_EDIT], plan.begin(plan.edit))
    for day in range(plan.days):
        run = _run(path, plan, day)
        runs.write(replace(run, state=RunState.RUNNING, ended_at=None))
        runs.write(run)
    optimize(_sink(folder), path)


def _run(path: str, plan: Plan, day: int) -> RunRecord:
    (counts,) = query(path, _COUNTS, params={"day": plan.date(day)}).to_pylist()
    judged = counts["cases"] - counts["reused"]
    seconds = judged * _GPU_SECONDS_A_CASE
    return RunRecord(
        job="bench",
        state=RunState.DONE,
        started_at=plan.begin(day),
        ended_at=plan.begin(day) + timedelta(days=1),
        judge=JUDGE.name,
        judge_revision=JUDGE.revision,
        settings_hash=JUDGE.settings_hash,
        policies=tuple(f"{each.id}@{each.version}:{each.hash}" for each in _judging(plan, day)),
        judged=judged,
        seconds=86_400.0,
        recalled=counts["reused"],
        saved_tokens=counts["reused"] * _TOKENS_OF_ONE,
        audited=200,
        agreed=198,
        gpu_seconds=seconds,
        cost=seconds / 3600 * _GPU_HOUR,
        saved_cost=counts["reused"] * _GPU_SECONDS_A_CASE / 3600 * _GPU_HOUR,
        **counts,
    )


def _judging(plan: Plan, day: int) -> Iterator[Policy]:
    return (AFTER_EDIT if each.id == EDITED and day >= plan.edit else each for each in POLICIES)


def _write_labels(folder: Path, plan: Plan) -> None:
    """Of the last day's verdicts 200 for each policy, half of them violations; one in fifty is said to be wrong."""
    found = query(str(folder / "audit"), _LABELLED, params={"day": plan.date(plan.days - 1)})
    pa_csv.write_csv(found, folder / "labels.csv")


def _write_one(folder: Path) -> None:
    """The rows by day, policy and time, in row groups of DuckDB's own size."""
    beside = folder / "one.part"
    with pq.ParquetWriter(beside, SCHEMA, compression="zstd") as writer:
        for rows in _large(_sorted_days(folder)):
            groups = max(1, round(len(rows) / _ROW_GROUP))
            writer.write_table(rows, row_group_size=-(-len(rows) // groups))
    beside.rename(folder / "one.parquet")


def _sorted_days(folder: Path) -> Iterator[pa.Table]:
    files = sorted(active_files(str(folder / "audit"), "verdicts") or [])
    for day, group in itertools.groupby(files, key=lambda file: Path(file).parent.name):
        rows = pa.concat_tables([pq.read_table(file, partitioning=None) for file in group])
        value = pa.scalar(date.fromisoformat(day.removeprefix(f"{PARTITION}=")), pa.date32())
        rows = rows.append_column(PARTITION, pa.repeat(value, len(rows)))
        yield rows.select(SCHEMA.names).cast(SCHEMA).sort_by([("policy_id", "ascending"), ("judged_at", "ascending")])


def _large(tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """Tables joined until they fill a row group."""
    pending: list[pa.Table] = []
    for table in tables:
        pending.append(table)
        if sum(map(len, pending)) >= _ROW_GROUP:
            yield pa.concat_tables(pending)
            pending = []
    if pending:
        yield pa.concat_tables(pending)


if __name__ == "__main__":
    build(Path(sys.argv[1]), Plan(int(sys.argv[2]), int(sys.argv[3])))
