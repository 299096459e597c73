"""A throw-away job for the benchmarks that run the whole command on the scripted judge."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from assay.contracts import Grant, Shard

_POLICY = """---
id: {id}
version: "1"
rules:
  - {{id: R1, text: No advertising for free money, severity: 3, action: block}}
---
Decide whether the message advertises free money.
"""
_TEXT = "the market opens early and our neighbours bring bread cheese and letters from the town across the river"
_WORDS = _TEXT.split()


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the command: its summary, wall seconds, and CPU seconds and peak bytes of all its processes."""

    summary: dict[str, Any]
    seconds: float
    cpu_seconds: float
    peak_bytes: int


class Listed:
    """Hands out `shards` to a loop in this process."""

    def __init__(self, shards: Iterable[Shard]) -> None:
        self._shards = iter(shards)

    def next(self) -> Grant | None:
        return next((Grant(shard) for shard in self._shards), None)

    def done(self, shard: Shard) -> None:
        """Nobody else asks."""


def make_job(
    folder: Path, *, items: int, policies: int, row_group: int = 20_000, **sections: Mapping[str, Any]
) -> Path:
    """Write data (about 180 characters an item), policies and config; the config's path."""
    folder.mkdir(parents=True, exist_ok=True)
    _write_items(folder / "items.parquet", items, row_group)
    source = {"kind": "parquet", "path": "items.parquet", "columns": {"id": "id", "text": "text"}}
    return write_job(folder, source, policies, sections)


def write_job(
    folder: Path, source: Mapping[str, Any], policies: int, sections: Mapping[str, Mapping[str, Any]]
) -> Path:
    """Write policies and a config that reads `source` into a table in the folder; the config's path."""
    (folder / "policies").mkdir(parents=True)
    for number in range(policies):
        (folder / "policies" / f"p{number}.md").write_text(_POLICY.format(id=f"p{number}"))
    config: dict[str, Any] = {
        "name": "bench",
        "source": dict(source),
        "policies": ["policies/*.md"],
        "judge": {"kind": "scripted", "match": "free money"},
        "sink": {"kind": "delta", "path": "audit"},
        "replicas": {"count": 1, "gpus": 0, "cpus": 1},
    }
    for name, keys in sections.items():
        config[name] |= keys
    path = folder / "job.yaml"
    path.write_text(yaml.safe_dump(config))
    return path


def _write_items(path: Path, count: int, row_group: int) -> None:
    schema = pa.schema([("id", pa.string()), ("text", pa.string())])
    with pq.ParquetWriter(path, schema) as writer:
        for start in range(0, count, row_group):
            numbers = range(start, min(start + row_group, count))
            texts = [
                " ".join(_WORDS[(number * 7 + k) % len(_WORDS)] for k in range(32)) + f" {number}" for number in numbers
            ]
            writer.write_table(pa.table({"id": [f"m{n}" for n in numbers], "text": texts}, schema=schema))


def command(config: Path) -> list[str]:
    return [sys.executable, "-m", "jobs.cli", "backfill", str(config), "--json"]


def run_job(config: Path) -> Run:
    """`assay backfill` to its end."""
    return measured(command(config))


def measured(command: Sequence[str]) -> Run:
    """A command to its end. CPU is summed over it and all its descendants.

    They are looked at ten times a second, or more rarely where that would take more than a fortieth of one CPU from
    what is measured.
    """
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    used: dict[int, float] = {}
    peak = 0
    while process.poll() is None:
        looking = time.perf_counter()
        members = family(process.pid)
        used |= {pid: cpu for pid, (cpu, _) in members.items()}
        peak = max(peak, sum(memory for _, memory in members.values()))
        time.sleep(max(0.1, 39 * (time.perf_counter() - looking)))
    seconds = time.perf_counter() - began
    out, err = process.communicate()
    if process.returncode:
        raise SystemExit(err)
    return Run(json.loads(out), seconds, sum(used.values()), peak)


def family(pid: int) -> dict[int, tuple[float, int]]:
    """CPU seconds and private bytes (unique set size) of a process and its descendants."""
    found: dict[int, tuple[float, int]] = {}
    try:
        parent = psutil.Process(pid)
        for process in (parent, *parent.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                times = process.cpu_times()
                found[process.pid] = (times.user + times.system, process.memory_full_info().uss)
    except psutil.Error:
        pass
    return found
