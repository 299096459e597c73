"""A stream job in a folder of its own: topic, policies, config, and the real command run on it."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sinks.delta_table import add_actions, locate, open_table
from tests.jobs.workplace import POLICY, Workplace
from tests.kafka.broker import Produced, Topics

Row = tuple[int, int, str]
"""Partition, offset, policy."""


@dataclass
class StreamPlace(Workplace):
    """A `Workplace` whose source is `topic`."""

    topic: str = ""

    def stream(self) -> dict[str, Any]:
        """Run the job to the present ends; its summary."""
        summary: dict[str, Any] = json.loads(self.run("stream", "CONFIG", "--until-end", "--json").stdout)
        return summary

    def rows(self) -> list[Row]:
        """Every row of the table, so that a doubled one shows."""
        rows = self.query("select shard, position, policy_id from outcomes")
        return sorted((int(row["shard"]), row["position"], row["policy_id"]) for row in rows)

    def expected(self, counts: Iterable[int], policies: int = 2) -> list[Row]:
        """A row for each of so many offsets of each partition, under each policy."""
        return [
            (partition, offset, f"p{policy}")
            for partition, count in enumerate(counts)
            for offset in range(count)
            for policy in range(policies)
        ]

    def count(self) -> int:
        """Rows that are in the table now, as its log has it: little work for what is asked many times."""
        table = open_table(locate(str(self.folder / "out" / "audit"), "verdicts"))
        return sum(add_actions(table)["num_records"].to_pylist()) if table else 0

    def wait_for_count(self, count: int, process: subprocess.Popen[str], seconds: float = 90) -> None:
        """Until the table has so many rows. Fails if the process ends before, or it takes too long."""
        wait_until(lambda: self.count() >= count or _ended(process), seconds)
        assert process.poll() is None, process.communicate()

    def finish(self, process: subprocess.Popen[str], seconds: float = 90) -> dict[str, Any]:
        """SIGTERM, and the summary that follows. Exit code 0."""
        process.terminate()
        out, err = process.communicate(timeout=seconds)
        assert process.returncode == 0, f"exit {process.returncode}\n{out}\n{err}"
        summary: dict[str, Any] = json.loads(out)
        return summary


def _ended(process: subprocess.Popen[str]) -> bool:
    return process.poll() is not None


def wait_until(true: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.1)


def record(number: int) -> bytes:
    """A message; every tenth advertises free money."""
    text = f"message {number}" + (" with free money" if number % 10 == 0 else "")
    return json.dumps({"id": f"m{number}", "text": text, "user": {"lang": "en"}}).encode()


def messages(partitions: int, each: int, start: int = 0) -> list[Produced]:
    return [
        (partition, None, record(start + number * partitions + partition), (), None)
        for number in range(each)
        for partition in range(partitions)
    ]


def make_stream(folder: Path, kafka: Topics, topic: str, policies: int = 2) -> StreamPlace:
    """A job on the topic, which is to be created by the caller, with two replicas and a scripted judge."""
    (folder / "policies").mkdir()
    for number in range(policies):
        (folder / "policies" / f"p{number}.md").write_text(POLICY.format(id=f"p{number}"))
    config = {
        "name": "live",
        "source": {
            "kind": "kafka",
            "bootstrap": kafka.address,
            "topics": [topic],
            "group": f"{topic}-audit",
            "start": "earliest",
            "columns": {"id": "id", "text": "text", "carry": ["user.lang"]},
            "session_seconds": 3,
        },
        "policies": ["policies/*.md"],
        "judge": {"kind": "scripted", "latency_ms": 0, "match": "(?i)free money"},
        "sink": {"kind": "delta", "path": "out/audit", "flush_seconds": 0.2},
        "replicas": {"count": 2, "gpus": 0, "cpus": 0.5, "drain_seconds": 10},
    }
    return StreamPlace(folder, config, topic)
