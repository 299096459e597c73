"""A stream that is hurt again and again: does it stay exact, small and quick?

    python benchmarks/soak.py [--minutes 20] [--quick]

Events come at an even pace while each minute a replica is killed (SIGKILL). At the end each event must be in the table
once. Memory is the unique set size of the driver (upkeep runs in it) and the replicas, read each second. A commit's
time goes from the youngest outcome in it to its entry in the table's log. Figures are by quarter of the time.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import signal
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import psutil
from _broker import broker, new_topic
from _machine import describe
from _stream import make_stream, paced, stopped, streaming, warm
from deltalake import DeltaTable

_PER_SECOND = 200
_PARTITIONS = 4
_REPLICAS = 2
_START_SECONDS = 120
_END_SECONDS = 180
_MEMORY_LIMIT = 1.05
_COMMIT_LIMIT = 1.25


@dataclass
class Samples:
    """What was seen while it ran: moments with bytes, and moments of kills."""

    memory: list[tuple[float, int]] = field(default_factory=list)
    kills: list[float] = field(default_factory=list)


def replicas(driver: int) -> list[psutil.Process]:
    """The processes of the stream's replicas, oldest first."""
    found = []
    for process in psutil.Process(driver).children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if process.cmdline()[:1] and process.cmdline()[0].startswith("ray::Replica"):
                found.append((process.create_time(), process))
    return [process for _, process in sorted(found, key=lambda pair: pair[0])]


def bytes_of(driver: int) -> int:
    total = 0
    for process in (psutil.Process(driver), *replicas(driver)):
        with contextlib.suppress(psutil.Error):
            total += process.memory_full_info().uss
    return total


def hurt(process: subprocess.Popen[str], seconds: float, kill_every: float) -> Samples:
    """Sample memory each second and kill the oldest replica at each interval, until time or stream are over."""
    samples, began, due = Samples(), time.time(), kill_every
    while (passed := time.time() - began) < seconds:
        if process.poll() is not None:
            print(f"the stream ended after {passed:.0f} s", flush=True)
            break
        if passed >= due:
            due += kill_every
            for victim in replicas(process.pid)[:1]:
                victim.send_signal(signal.SIGKILL)
                samples.kills.append(time.time())
        samples.memory.append((time.time(), bytes_of(process.pid)))
        time.sleep(max(0.0, 1.0 - (time.time() - began - passed)))
    return samples


def rows(table: Path) -> tuple[int, int]:
    """Rows of the table, and events among them."""
    if not (table / "_delta_log").is_dir():
        return 0, 0
    files = DeltaTable(str(table)).file_uris()
    if not files:
        return 0, 0
    query = "select count(*), count(distinct (shard, position)) from read_parquet(?)"
    count, events = duckdb.execute(query, [files]).fetchall()[0]
    return int(count), int(events)


def wait_for(done: Callable[[], bool], seconds: float) -> None:
    """Look each second; returns when it is done, or when the time is over."""
    deadline = time.monotonic() + seconds
    while not done() and time.monotonic() < deadline:
        time.sleep(1.0)


def commits(table: Path) -> list[tuple[float, float]]:
    """Moment and seconds of each commit of outcomes."""
    added: dict[str, float] = {}
    for entry in sorted((table / "_delta_log").glob("*.json")):
        for line in entry.read_text().splitlines():
            add = json.loads(line).get("add")
            if add and add["dataChange"]:
                added[str(table / add["path"])] = entry.stat().st_mtime
    query = "select filename, max(epoch(judged_at)) from read_parquet(?, filename = true) group by filename"
    youngest = duckdb.execute(query, [sorted(added)]).fetchall()
    return sorted((added[name], added[name] - judged) for name, judged in youngest)


def by_quarter(
    samples: Iterable[tuple[float, float]], start: float, seconds: float, of: Callable[[Sequence[float]], float]
) -> list[float]:
    """One figure for each quarter of the time from `start`."""
    quarters: list[list[float]] = [[], [], [], []]
    for moment, value in samples:
        if 0 <= moment - start < seconds:
            quarters[int((moment - start) / seconds * 4)].append(value)
    return [of(values) if values else float("nan") for values in quarters]


def p99(values: Sequence[float]) -> float:
    return statistics.quantiles(values, n=100)[98] if len(values) > 1 else values[0]


def measure(folder: Path, bootstrap: str, seconds: float, kill_every: float) -> dict[str, Any]:
    topic = new_topic(bootstrap, _PARTITIONS)
    config = make_stream(folder / "job", bootstrap, topic, replicas={"count": _REPLICAS, "cpus": 0.5})
    table = config.parent / "audit" / "verdicts"
    with streaming(config) as process:
        early = warm(bootstrap, topic, _PARTITIONS)
        wait_for(lambda: rows(table)[1] == early or process.poll() is not None, _START_SECONDS)
        produced = early + int(_PER_SECOND * seconds)
        sender, start = paced(bootstrap, topic, _PARTITIONS, _PER_SECOND, seconds), time.time()
        samples = hurt(process, seconds, kill_every)
        sender.join()
        ended = time.time()
        wait_for(lambda: rows(table)[1] >= produced or process.poll() is not None, _END_SECONDS)
        caught_up = time.time() - ended
        stopped(process, config)
    count, events = rows(table)
    memory = by_quarter(samples.memory, start, seconds, statistics.median)
    took = commits(table)
    print("raw, memory MiB, each tenth:", [size // 2**20 for _, size in samples.memory[::10]])
    print("raw, commits in each quarter:", by_quarter(took, start, seconds, len))
    quick = by_quarter(took, start, seconds, p99)
    gaps = [(later, later - earlier) for (earlier, _), (later, _) in itertools.pairwise(took)]
    return {
        "produced": produced,
        "lost": produced - events,
        "doubled": count - events,
        "kills": len(samples.kills),
        "caught_up_s": round(caught_up, 1),
        "memory_mib": [round(size / 2**20) for size in memory],
        "memory_last_over_second": round(memory[3] / memory[1], 3),
        "commit_p50_ms": [round(1000 * value) for value in by_quarter(took, start, seconds, statistics.median)],
        "commit_p99_ms": [round(1000 * value) for value in quick],
        "commit_p99_last_over_second": round(quick[3] / quick[1], 2),
        "between_commits_p99_s": [round(value, 1) for value in by_quarter(gaps, start, seconds, p99)],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--quick", action="store_true", help="2 minutes, a kill each 20 s")
    chosen = parser.parse_args()
    minutes, kill_every = (2.0, 20.0) if chosen.quick else (chosen.minutes, 60.0)
    rates = {"per_second": _PER_SECOND, "minutes": minutes, "kill_every_s": kill_every}
    describe({**rates, "partitions": _PARTITIONS, "replicas": _REPLICAS, "flush_seconds": 1.0})
    with broker() as bootstrap, tempfile.TemporaryDirectory() as folder:
        figures = measure(Path(folder), bootstrap, minutes * 60, kill_every)
    exact = figures["lost"] == 0 and figures["doubled"] == 0
    flat = figures["memory_last_over_second"] <= _MEMORY_LIMIT
    steady = figures["commit_p99_last_over_second"] <= _COMMIT_LIMIT
    figures |= {"within_limits": exact and flat and steady, "load": round(os.getloadavg()[0], 2)}
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
