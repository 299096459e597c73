"""What the table holds, counted over the active files of its latest snapshot with DuckDB."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import unquote

import duckdb
import pyarrow as pa

from assay.contracts import Shard
from assay.errors import FatalError, TransientError
from assay.policy import Policy
from assay.records import JudgeIdentity
from sinks.delta_table import locate, open_table
from sinks.schema import REJECTED, VERDICT

_MEMORY = "1GB"


class TrackName(NamedTuple):
    """One shard under one policy and judge, as the table's columns name it."""

    source: str
    shard: str
    policy_hash: str
    judge: str
    judge_revision: str
    settings_hash: str


@dataclass(frozen=True, slots=True)
class TrackCount:
    """Rows of one track, and how many different positions they have; equal unless something is doubled."""

    rows: int
    positions: int


@dataclass(frozen=True, slots=True)
class RunCount:
    """Rows of one run: verdicts, how many of them are violations, and rejections by reason."""

    verdicts: int
    flagged: int
    rejected: dict[str, int]

    @property
    def outcomes(self) -> int:
        return self.verdicts + sum(self.rejected.values())


def active_files(path: str, table: str) -> list[str] | None:
    """Paths of the table's active Parquet files ([] if it is empty); None if there is no table."""
    at = locate(path, table)
    found = open_table(at)
    if found is None:
        return None
    actions = pa.table(found.get_add_actions(flatten=True))
    return [f"{at.root}/{unquote(name)}" for name in actions["path"].to_pylist()]


def count_outcomes(path: str, run_id: str) -> RunCount:
    """Rows that a run wrote to the `verdicts` table under `path`."""
    rows = _fetch(
        path,
        """SELECT status, reason, count(*), count(*) FILTER (violation)
           FROM read_parquet($files) WHERE run_id = $run GROUP BY ALL""",
        {"run": run_id},
    )
    return RunCount(
        verdicts=sum(count for status, _, count, _ in rows if status == VERDICT),
        flagged=sum(flagged for status, _, _, flagged in rows if status == VERDICT),
        rejected={reason: count for status, reason, count, _ in rows if status == REJECTED},
    )


def count_by_track(
    path: str, sources: Collection[str] | None = None, policy_hashes: Collection[str] | None = None
) -> dict[TrackName, TrackCount]:
    """For every track of these sources and policies (None: of all): how many rows, at how many different positions."""
    rows = _fetch(
        path,
        """SELECT source, shard, policy_hash, judge, judge_revision, settings_hash, sum(n)::BIGINT, count(*)
           FROM (SELECT source, shard, policy_hash, judge, judge_revision, settings_hash, position, count(*) AS n
                 FROM read_parquet($files)
                 WHERE ($sources IS NULL OR source IN (SELECT unnest($sources::VARCHAR[])))
                   AND ($policies IS NULL OR policy_hash IN (SELECT unnest($policies::VARCHAR[])))
                 GROUP BY ALL)
           GROUP BY ALL""",
        {
            "sources": None if sources is None else list(sources),
            "policies": None if policy_hashes is None else list(policy_hashes),
        },
    )
    return {TrackName(*row[:6]): TrackCount(row[6], row[7]) for row in rows}


class Span(NamedTuple):
    """A stretch of a shard: from position `low`, up to but not including `high`."""

    source: str
    shard: str
    low: int
    high: int


def count_spans(path: str, spans: Collection[Span]) -> dict[tuple[str, str, str], TrackCount]:
    """For each stretch, by source, shard and policy id: how many rows, at how many different positions."""
    rows = _fetch(
        path,
        """SELECT source, shard, policy_id, sum(n)::BIGINT, count(*)
           FROM (SELECT source, shard, policy_id, position, count(*) AS n
                 FROM read_parquet($files)
                 JOIN (SELECT unnest($sources::VARCHAR[]) AS source, unnest($shards::VARCHAR[]) AS shard,
                              unnest($lows::BIGINT[]) AS low, unnest($highs::BIGINT[]) AS high)
                 USING (source, shard)
                 WHERE position >= low AND position < high
                 GROUP BY ALL)
           GROUP BY ALL""",
        {
            "sources": [span.source for span in spans],
            "shards": [span.shard for span in spans],
            "lows": [span.low for span in spans],
            "highs": [span.high for span in spans],
        },
    )
    return {(row[0], row[1], row[2]): TrackCount(row[3], row[4]) for row in rows}


def settled_positions(
    path: str, shard: Shard, policy: Policy, judge: JudgeIdentity, since: int = 0
) -> frozenset[int]:
    """Positions of a shard that have an outcome under this policy and judge; in a stream, under any text, by any."""
    rows = _fetch(
        path,
        """SELECT DISTINCT position FROM read_parquet($files)
           WHERE source = $source AND shard = $shard AND policy_id = $id AND position >= $since
             AND ($stream OR (policy_hash = $hash
                 AND judge = $judge AND judge_revision = $revision AND settings_hash = $settings))""",
        {
            "source": shard.source,
            "shard": shard.id,
            "id": policy.id,
            "since": since,
            "stream": shard.stream,
            "hash": policy.hash,
            "judge": judge.name,
            "revision": judge.revision,
            "settings": judge.settings_hash,
        },
    )
    return frozenset(row[0] for row in rows)


def _fetch(path: str, sql: str, values: Mapping[str, object]) -> list[tuple[Any, ...]]:
    """Run one query over the active files. A file that vanishes (vacuum) makes us look at the snapshot once more."""
    for last in (False, True):
        files = active_files(path, "verdicts")
        if not files:
            return []
        try:
            with tempfile.TemporaryDirectory(prefix="assay-") as spill:
                return _run(spill, sql, {"files": files, **values})
        except duckdb.IOException as error:
            if last:
                raise TransientError(f"{path}: the table can't be read: {error}") from error
        except duckdb.Error as error:
            raise FatalError(f"{path}: the table can't be read, a file of it may be damaged: {error}") from error
    return []


def _run(spill: str, sql: str, values: Mapping[str, object]) -> list[tuple[Any, ...]]:
    with duckdb.connect(config={"memory_limit": _MEMORY, "temp_directory": spill}) as connection:
        rows: list[tuple[Any, ...]] = connection.execute(sql, values).fetchall()
        return rows
