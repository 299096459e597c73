"""What the benchmarks that run `assay stream` share: its job, a paced producer, and a reader of the growing table."""

from __future__ import annotations

import json
import multiprocessing
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import duckdb
from _broker import pace, producer
from _job import write_job
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

_WARM = 40
_TEXT = "the market opens early and our neighbours bring bread cheese and letters from the town across the river"


def make_stream(folder: Path, bootstrap: str, topic: str, **sections: Mapping[str, Any]) -> Path:
    """Write a policy and the config of a stream into a table in the folder; the config's path."""
    columns = {"id": "id", "text": "text", "time": "created_at"}
    source = {"kind": "kafka", "bootstrap": bootstrap, "topics": [topic], "group": topic, "columns": columns}
    return write_job(folder, source, 1, sections)


@contextmanager
def streaming(config: Path) -> Iterator[subprocess.Popen[str]]:
    """`assay stream` in the background; killed after the block if it still runs. What it says goes to a file."""
    command = [sys.executable, "-m", "jobs.cli", "stream", str(config), "--json"]
    with (config.parent / "stream.err").open("w") as err:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=err, text=True)
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()


def stopped(process: subprocess.Popen[str], config: Path) -> dict[str, Any]:
    """SIGTERM, and the summary that the stream then gives. SystemExit if it failed."""
    if process.poll() is None:
        process.terminate()
    out, _ = process.communicate(timeout=180)
    if process.returncode:
        raise SystemExit((config.parent / "stream.err").read_text())
    return dict(json.loads(out))


def paced(bootstrap: str, topic: str, partitions: int, per_second: float, seconds: float) -> BaseProcess:
    """A process that sends records as a clock ticks, each stamped with the moment. Started; join it."""
    count = int(per_second * seconds)
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=_send, args=(bootstrap, topic, partitions, per_second, count, "m"), daemon=True)
    process.start()
    return process


def warm(bootstrap: str, topic: str, partitions: int) -> int:
    """Send some records at once, whose ids begin with w; how many."""
    _send(bootstrap, topic, partitions, 1e6, _WARM, "w")
    return _WARM


def _send(bootstrap: str, topic: str, partitions: int, per_second: float, count: int, prefix: str) -> None:
    sender = producer(bootstrap)
    sender.partitions_for(topic)
    start, latest = time.time(), 0.0
    for number in range(count):
        latest = max(latest, pace(start, number, per_second))
        value = {"id": f"{prefix}{number}", "text": f"{_TEXT} {number}", "created_at": datetime.now(UTC).isoformat()}
        sender.send(topic, value=json.dumps(value).encode(), partition=number % partitions)
    sender.flush()
    sender.close()
    if prefix == "m":
        took = time.time() - start
        print(f"producer: {count:,} records in {took:.1f} s, at most {latest * 1000:.0f} ms late", flush=True)


class Reader:
    """A reader of the table beside its writers: each look queries what the newest snapshot has that is new."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._table: DeltaTable | None = None
        self._version = -1
        self._files: set[str] = set()
        self._duckdb = duckdb.connect()

    def look(self, columns: str) -> list[tuple[Any, ...]]:
        """Rows of the files that came since the last look; a compacted file brings its rows again."""
        if self._table is None:
            if not (self._path / "_delta_log").is_dir():
                return []
            try:
                self._table = DeltaTable(str(self._path))
            except DeltaError:
                return []
        self._table.update_incremental()
        if self._table.version() == self._version:
            return []
        self._version = self._table.version()
        fresh = set(self._table.file_uris()) - self._files
        self._files |= fresh
        if not fresh:
            return []
        return self._duckdb.execute(f"select {columns} from read_parquet(?)", [sorted(fresh)]).fetchall()
