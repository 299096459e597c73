"""What the table holds, counted over the active files of its latest snapshot with DuckDB."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import unquote

import duckdb
import pyarrow as pa

from assay.contracts import Shard
from assay.errors import AssayError, FatalError, TransientError
from assay.policy import Policy
from assay.records import JudgeIdentity, Mode
from sinks.delta_table import add_actions, locate, open_table
from sinks.schema import REJECTED, VERDICT

_MEMORY = "1GB"
_BATCH_ROWS = 2048
_PATTERN = re.compile(r"[*?\[]")

ROWS = """(SELECT * REPLACE (coalesce(mode, 'live') AS mode)
           FROM (SELECT * FROM read_parquet($files, union_by_name = true)
                 UNION ALL BY NAME SELECT NULL::VARCHAR AS mode WHERE false))"""
"""All rows for a query of `fetch`. Files of earlier versions have no column `mode`: what is in them is live."""


class TrackName(NamedTuple):
    """One shard under one policy and judge, as the table's columns name it."""

    source: str
    shard: str
    policy_hash: str
    judge: str
    judge_revision: str
    settings_hash: str
    mode: str = Mode.LIVE


@dataclass(frozen=True, slots=True)
class TrackCount:
    """Rows of one track, and how many different positions they have; equal unless something is doubled."""

    rows: int
    positions: int


@dataclass(frozen=True, slots=True)
class RunCount:
    """Rows of one run: verdicts, rejections by reason, and how many were reused, under live and shadow policies alike.

    `flagged` are the violations under live ones; `shadow` the verdicts under the others, `shadow_flagged` of them.
    """

    verdicts: int
    flagged: int
    rejected: dict[str, int]
    reused: int = 0
    shadow: int = 0
    shadow_flagged: int = 0

    @property
    def outcomes(self) -> int:
        return self.verdicts + sum(self.rejected.values())


def active_files(path: str, table: str, since: int = 0) -> list[str] | None:
    """Paths of the table's active Parquet files ([] if it is empty); None if there is no table.

    With `since`, files whose statistics say that they hold only earlier positions are left out. Raises FatalError if
    the table's log names what lies outside of the table, or a pattern: no reader may be led to other files.
    """
    at = locate(path, table)
    found = open_table(at)
    if found is None:
        return None
    actions = add_actions(found)
    names = actions["path"].to_pylist()
    known = since > 0 and "max.position" in actions.column_names
    last = actions["max.position"].to_pylist() if known else [None] * len(names)
    return [
        f"{at.root}/{_inside(at.uri, unquote(name))}"
        for name, most in zip(names, last, strict=True)
        if most is None or most >= since
    ]


def _inside(table: str, name: str) -> str:
    if ".." in name.split("/") or _PATTERN.search(name):
        raise FatalError(f"{table}: its log names {name!r}, which is no file of the table; assay wrote no such entry")
    return name


def count_outcomes(path: str, run_id: str) -> RunCount:
    """Rows that a run wrote to the `verdicts` table under `path`."""
    rows = fetch(
        path,
        f"""SELECT status, reason, count(*), count(*) FILTER (stage = 'reused'), count(*) FILTER (mode = 'shadow'),
                   count(*) FILTER (violation AND mode = 'live'), count(*) FILTER (violation AND mode = 'shadow')
            FROM {ROWS} WHERE run_id = $run GROUP BY ALL""",
        {"run": run_id},
    )
    judged = [row[2:] for row in rows if row[0] == VERDICT]
    verdicts, _, shadow, flagged, shadow_flagged = map(sum, zip(*judged, strict=True)) if judged else (0,) * 5
    return RunCount(
        verdicts=verdicts,
        flagged=flagged,
        rejected={row[1]: row[2] for row in rows if row[0] == REJECTED},
        reused=sum(row[3] for row in rows),
        shadow=shadow,
        shadow_flagged=shadow_flagged,
    )


def count_by_track(
    path: str, sources: Collection[str] | None = None, policy_hashes: Collection[str] | None = None
) -> dict[TrackName, TrackCount]:
    """For every track of these sources and policies (None: of all): how many rows, at how many different positions."""
    rows = fetch(
        path,
        f"""SELECT source, shard, policy_hash, judge, judge_revision, settings_hash, mode, sum(n)::BIGINT, count(*)
           FROM (SELECT source, shard, policy_hash, judge, judge_revision, settings_hash, mode, position, count(*) AS n
                 FROM {ROWS}
                 WHERE ($sources IS NULL OR source IN (SELECT unnest($sources::VARCHAR[])))
                   AND ($policies IS NULL OR policy_hash IN (SELECT unnest($policies::VARCHAR[])))
                 GROUP BY ALL)
           GROUP BY ALL""",
        {
            "sources": None if sources is None else list(sources),
            "policies": None if policy_hashes is None else list(policy_hashes),
        },
    )
    return {TrackName(*row[:7]): TrackCount(row[7], row[8]) for row in rows}


class Span(NamedTuple):
    """A stretch of a shard: from position `low`, up to but not including `high`."""

    source: str
    shard: str
    low: int
    high: int


def count_spans(path: str, spans: Collection[Span]) -> dict[tuple[str, str, str, str], TrackCount]:
    """For each stretch, by source, shard, policy id and mode: how many rows, at how many different positions."""
    rows = fetch(
        path,
        f"""SELECT source, shard, policy_id, mode, sum(n)::BIGINT, count(*)
           FROM (SELECT source, shard, policy_id, mode, position, count(*) AS n
                 FROM {ROWS}
                 JOIN (SELECT unnest($sources::VARCHAR[]) AS source, unnest($shards::VARCHAR[]) AS shard,
                              unnest($lows::BIGINT[]) AS low, unnest($highs::BIGINT[]) AS high)
                 USING (source, shard)
                 WHERE position >= low AND position < high
                 GROUP BY ALL)
           GROUP BY ALL""",
        _columns(spans),
    )
    return {(row[0], row[1], row[2], row[3]): TrackCount(row[4], row[5]) for row in rows}


@dataclass(frozen=True, slots=True)
class WholeCount:
    """How many positions of a stretch have a row under each policy, and how many rows are there once too often."""

    whole: int
    doubled: int


def count_whole(
    path: str, spans: Collection[Span], policies: Collection[tuple[str, str]]
) -> dict[tuple[str, str], WholeCount]:
    """For each stretch with any row, by source and shard: what the policies of these ids and modes made of it."""
    rows = fetch(
        path,
        f"""SELECT source, shard, count(*) FILTER (policies = len($ids)), sum(doubled)::BIGINT
           FROM (SELECT source, shard, position, count(*) AS policies, sum(n - 1) AS doubled
                 FROM (SELECT source, shard, position, policy_id, mode, count(*) AS n
                       FROM {ROWS}
                       JOIN (SELECT unnest($sources::VARCHAR[]) AS source, unnest($shards::VARCHAR[]) AS shard,
                                    unnest($lows::BIGINT[]) AS low, unnest($highs::BIGINT[]) AS high)
                       USING (source, shard)
                       JOIN (SELECT unnest($ids::VARCHAR[]) AS policy_id, unnest($modes::VARCHAR[]) AS mode)
                       USING (policy_id, mode)
                       WHERE position >= low AND position < high
                       GROUP BY ALL)
                 GROUP BY ALL)
           GROUP BY ALL""",
        {**_columns(spans), "ids": [id for id, _ in policies], "modes": [mode for _, mode in policies]},
    )
    return {(row[0], row[1]): WholeCount(row[2], row[3]) for row in rows}


def _columns(spans: Collection[Span]) -> dict[str, object]:
    return {
        "sources": [span.source for span in spans],
        "shards": [span.shard for span in spans],
        "lows": [span.low for span in spans],
        "highs": [span.high for span in spans],
    }


def settled_positions(path: str, shard: Shard, policy: Policy, judge: JudgeIdentity, since: int = 0) -> frozenset[int]:
    """Positions of a shard that have an outcome under this policy and judge, in the policy's mode; in a stream, under
    any text, by any.
    """
    rows = fetch(
        path,
        f"""SELECT DISTINCT position FROM {ROWS}
           WHERE source = $source AND shard = $shard AND policy_id = $id AND mode = $mode AND position >= $since
             AND ($stream OR (policy_hash = $hash
                 AND judge = $judge AND judge_revision = $revision AND settings_hash = $settings))""",
        {
            "source": shard.source,
            "shard": shard.id,
            "id": policy.id,
            "mode": policy.mode,
            "since": since,
            "stream": shard.stream,
            "hash": policy.hash,
            "judge": judge.name,
            "revision": judge.revision,
            "settings": judge.settings_hash,
        },
    )
    return frozenset(row[0] for row in rows)


def fetch(path: str, sql: str, values: Mapping[str, object], since: int = 0) -> list[tuple[Any, ...]]:
    """Run one query over the active files. A file that vanishes (vacuum) makes us look at the snapshot once more.

    Raises TransientError, FatalError.
    """
    for last in (False, True):
        files = active_files(path, "verdicts", since)
        if not files:
            return []
        try:
            with _connection() as connection:
                rows: list[tuple[Any, ...]] = connection.execute(sql, {"files": files, **values}).fetchall()
                return rows
        except duckdb.Error as error:
            if last or not isinstance(error, duckdb.IOException):
                raise _problem(path, error) from error
    return []


def stream(path: str, sql: str, values: Mapping[str, object], since: int = 0) -> Iterator[pa.Table]:
    """The same for a long answer, a few thousand rows at a time. Begin again after a TransientError."""
    files = active_files(path, "verdicts", since)
    if not files:
        return
    try:
        with _connection() as connection:
            for batch in connection.sql(sql, params={"files": files, **values}).to_arrow_reader(_BATCH_ROWS):
                yield pa.Table.from_batches([batch])
    except duckdb.Error as error:
        raise _problem(path, error) from error


@contextmanager
def _connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with (
        tempfile.TemporaryDirectory(prefix="assay-") as spill,
        duckdb.connect(config={"memory_limit": _MEMORY, "temp_directory": spill}) as connection,
    ):
        connection.execute("SET TimeZone = 'UTC'")
        yield connection


def _problem(path: str, error: duckdb.Error) -> AssayError:
    if isinstance(error, duckdb.IOException):
        return TransientError(f"{path}: the table can't be read: {error}")
    return FatalError(f"{path}: the table can't be read, a file of it may be damaged: {error}")
