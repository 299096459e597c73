"""A job in a folder of its own: data, policies, config, and the real command run on it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from typer.testing import CliRunner

from jobs.cli import app
from tests.ray_cluster import SharedCluster

POLICY = """---
id: {id}
version: "1"
title: {id}
rules:
  - {{id: R1, text: No advertising for free money, severity: 3, action: block}}
  - {{id: R2, text: No chain letters, severity: 1, action: warn}}
---
# Instruction

Decide whether the message breaks a rule of {id}.
"""


@dataclass
class Workplace:
    """`config` is written to `job.yaml` before each command, `environment` added to that of the tests.

    A run starts a cluster of its own, which takes longer than most runs, unless the job was told to `join` one.
    """

    folder: Path
    config: dict[str, Any] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict, kw_only=True)

    @property
    def path(self) -> Path:
        return self.folder / "job.yaml"

    def join(self, cluster: SharedCluster) -> Self:
        """From now on the replicas of its runs are on this cluster; the same place again."""
        self.config["replicas"]["address"] = cluster.address
        self.environment = cluster.environment
        return self

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """`assay ARGUMENTS` in the background; CONFIG stands for the job's config."""
        self.path.write_text(yaml.safe_dump(self.config))
        command = [str(self.path) if each == "CONFIG" else each for each in arguments]
        return subprocess.Popen(
            [sys.executable, "-m", "jobs.cli", *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.folder,
            env={**os.environ, **self.environment},
            start_new_session=True,
        )

    def run(self, *arguments: str, code: int = 0, seconds: float = 240) -> subprocess.CompletedProcess[str]:
        """`assay ARGUMENTS` to its end, which must come within these seconds and with this exit code."""
        process = self.start(*arguments)
        out, err = process.communicate(timeout=seconds)
        assert process.returncode == code, f"exit {process.returncode}\n{out}\n{err}"
        assert "Traceback" not in err, err
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def backfill(self) -> dict[str, Any]:
        """Run the job to its end; its summary."""
        summary: dict[str, Any] = json.loads(self.run("backfill", "CONFIG", "--json").stdout)
        return summary

    def query(self, sql: str) -> list[dict[str, Any]]:
        """`assay sql`, in this process: that is quick enough to be asked again and again."""
        self.path.write_text(yaml.safe_dump(self.config))
        done = CliRunner().invoke(app, ["sql", str(self.path), sql, "--format", "json"], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        rows: list[dict[str, Any]] = json.loads(done.stdout)
        return rows

    def outcomes(self) -> list[tuple[Any, ...]]:
        """What was decided, row by row, without what differs from run to run."""
        rows = self.query(
            "select item_id, policy_id, violation, rule_ids, severity, action, null as reason, position from verdicts "
            "union all select item_id, policy_id, null, null, null, null, reason, position from rejections"
        )
        return sorted(tuple(str(value) for value in row.values()) for row in rows)


def write_items(path: Path, count: int, *, start: int = 0, row_group: int = 100) -> None:
    """`count` messages; every tenth advertises free money."""
    path.parent.mkdir(parents=True, exist_ok=True)
    numbers = range(start, start + count)
    table = pa.table(
        {
            "id": [f"m{number}" for number in numbers],
            "text": [f"message {number}" + (" with free money" if number % 10 == 0 else "") for number in numbers],
            "created_at": pa.array([1_760_000_000 + number for number in numbers], pa.timestamp("s", "UTC")),
            "lang": [("en", "de", "fr")[number % 3] for number in numbers],
        }
    )
    pq.write_table(table, path, row_group_size=row_group)


def make_workplace(folder: Path, *, files: int = 2, items: int = 300, policies: int = 2) -> Workplace:
    """A small job: `files` files of `items` items each, under `policies` policies, with a scripted judge."""
    for number in range(files):
        write_items(folder / "data" / f"part-{number}.parquet", items, start=number * items)
    (folder / "policies").mkdir()
    for number in range(policies):
        (folder / "policies" / f"p{number}.md").write_text(POLICY.format(id=f"p{number}"))
    config = {
        "name": "nightly",
        "source": {
            "kind": "parquet",
            "path": "data/*.parquet",
            "columns": {"id": "id", "text": "text", "time": "created_at", "carry": ["lang"]},
        },
        "policies": ["policies/*.md"],
        "judge": {"kind": "scripted", "latency_ms": 0, "match": "(?i)free money"},
        "sink": {"kind": "delta", "path": "out/audit"},
        "replicas": {"count": 2, "gpus": 0, "cpus": 0.5},
    }
    return Workplace(folder, config)


def replicas_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """The replica processes that run under a driver."""
    return [child for child in _descendants(process.pid) if is_replica(child)]


def is_replica(process: psutil.Process) -> bool:
    """Whether this process is a replica (of any driver)."""
    with contextlib.suppress(psutil.Error):
        return any(part.startswith("ray::Replica") for part in process.cmdline())
    return False


def wait_for_replicas(process: subprocess.Popen[str], count: int = 1, seconds: float = 60) -> None:
    """Until a driver has so many replicas. Fails if it ends before."""
    deadline = time.monotonic() + seconds
    while len(replicas_of(process)) < count:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "no replicas"
        time.sleep(0.2)


def wait_for_rows(place: Workplace, process: subprocess.Popen[str], commits: int, seconds: float = 60) -> None:
    """Until the table has so many log entries, or the process ended."""
    log = place.folder / "out" / "audit" / "verdicts" / "_delta_log"
    deadline = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < deadline:
        if log.is_dir() and len(list(log.glob("*.json"))) >= commits:
            return
        time.sleep(0.02)


def _descendants(pid: int) -> Iterator[psutil.Process]:
    try:
        yield from psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return
