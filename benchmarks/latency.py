"""How long an event takes to be seen: from its send to the table, as a DuckDB query beside the stream sees it.

    python benchmarks/latency.py [--quick]

Events come at an even pace from another process, each with the moment of its send; a third reads the table again and
again. An event counts as seen when the query that returned it has ended. The judge's own time is taken off.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from pathlib import Path

from _broker import broker, new_topic
from _machine import describe
from _stream import Reader, make_stream, paced, stopped, streaming, warm

_PER_SECOND = 500
_PARTITIONS = 4
_JUDGE_MS = 50
_LOOK_SECONDS = 0.025
_START_SECONDS = 120
_COLUMNS = "item_id, epoch(item_time)"


class Watch:
    """When each event was first seen, in seconds after its send."""

    def __init__(self, path: Path) -> None:
        self._reader = Reader(path)
        self.waits: dict[str, float] = {}

    def until(self, count: int, deadline: float) -> None:
        """Look until so many events were seen. SystemExit if that takes longer than the deadline."""
        while len(self.waits) < count:
            began = time.time()
            rows = self._reader.look(_COLUMNS)
            now = time.time()
            for item, sent in rows:
                self.waits.setdefault(item, now - sent)
            if now > deadline:
                raise SystemExit(f"{len(self.waits)} of {count} events are in the table")
            time.sleep(max(0.0, _LOOK_SECONDS - (time.time() - began)))


def measure(folder: Path, bootstrap: str, seconds: int) -> tuple[list[float], dict[str, object]]:
    """Seconds from send to sight of each event, in order of number, and the stream's summary."""
    topic = new_topic(bootstrap, _PARTITIONS)
    judge = {"latency_ms": _JUDGE_MS}
    config = make_stream(folder / "job", bootstrap, topic, judge=judge, sink={"flush_seconds": 1.0})
    watch = Watch(config.parent / "audit" / "verdicts")
    with streaming(config) as process:
        early = warm(bootstrap, topic, _PARTITIONS)
        watch.until(early, time.time() + _START_SECONDS)
        sender = paced(bootstrap, topic, _PARTITIONS, _PER_SECOND, seconds)
        watch.until(early + _PER_SECOND * seconds, time.time() + seconds + 60)
        sender.join()
        summary = stopped(process, config)
    return [watch.waits[f"m{number}"] for number in range(_PER_SECOND * seconds)], summary


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="15 seconds")
    seconds = 15 if parser.parse_args().quick else 60
    rates = {"per_second": _PER_SECOND, "seconds": seconds, "partitions": _PARTITIONS, "replicas": 1}
    describe({**rates, "judge_ms": _JUDGE_MS, "flush_seconds": 1.0, "look_ms": _LOOK_SECONDS * 1000})
    with broker() as bootstrap, tempfile.TemporaryDirectory() as folder:
        seen, summary = measure(Path(folder), bootstrap, seconds)
    waits = [wait - _JUDGE_MS / 1000 for wait in seen]
    print(
        "raw, p50 seconds for each 5 s:",
        [round(statistics.median(waits[at : at + 5 * _PER_SECOND]), 3) for at in range(0, len(waits), 5 * _PER_SECOND)],
    )
    print(f"the stream's own account, judge included: p50 {summary['p50_seconds']}, p99 {summary['p99_seconds']} s")
    cuts = statistics.quantiles(waits, n=100)
    figures = {"events": len(waits), "p50_s": round(cuts[49], 3), "p99_s": round(cuts[98], 3)}
    limits = {"max_s": round(max(waits), 3), "within_limits": cuts[49] <= 0.9 and cuts[98] <= 1.8}
    print(json.dumps(figures | limits | {"load": round(os.getloadavg()[0], 2)}))


if __name__ == "__main__":
    main()
