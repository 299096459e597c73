"""What it costs to meet again what was judged before.

    python benchmarks/rerun.py [--quick] [--known 20]

Three runs of one job on the scripted judge (50 ms a case): the first judges everything; the second meets the same
places again, which the ledger knows; the third the same content in new files, which the lookup knows. Then a lookup
file with so many million keys is made, and asked 1,000 keys at a time, half of them known.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import statistics
import tempfile
import time
from pathlib import Path

import psutil
from _job import make_job, run_job
from _machine import describe

from sinks.known_store import KnownStore, Value

_POLICIES = 4
_JUDGE_MS = 50
_ASKED = 1_000
_STEP = 100_000


def known(folder: Path, millions: float) -> dict[str, float]:
    """Build a file of random keys and look some of them up. Bytes of memory are private ones of this process."""
    chance, count = random.Random(1), int(millions * 1e6)
    store, process = KnownStore(str(folder / "known.sqlite")), psutil.Process()
    kept: list[bytes] = []
    began = time.perf_counter()
    for start in range(0, count, _STEP):
        keys = [chance.randbytes(16) for _ in range(min(_STEP, count - start))]
        kept += keys[:_ASKED]
        words = [f"word{chance.randrange(5000)}" for _ in range(2000)]
        with store.step(start):
            store.put({key: _value(key, n, words) for n, key in enumerate(keys)})
    built = time.perf_counter() - began
    took = []
    for _ in range(100):
        asked = [*chance.sample(kept, _ASKED // 2), *(chance.randbytes(16) for _ in range(_ASKED // 2))]
        began = time.perf_counter()
        assert len(store.find(asked)) == _ASKED // 2
        took.append(time.perf_counter() - began)
    memory = process.memory_full_info().uss
    store.close()
    size = (folder / "known.sqlite").stat().st_size
    return {
        "known_keys": count,
        "build_per_s": round(count / built),
        "bytes_per_key": round(size / count),
        "ask_1000_p50_ms": round(statistics.median(took) * 1000, 1),
        "memory_mib": round(memory / 2**20),
    }


def _value(key: bytes, number: int, words: list[str]) -> Value:
    rationale = " ".join(words[(number * 7 + k) % 2000] for k in range(20))
    return Value(key, "run", f"item-{number}", number, 1200, 80, rule_ids=("R1",), action="allow", rationale=rationale)


def runs(folder: Path, items: int) -> dict[str, float]:
    judge = {"latency_ms": _JUDGE_MS, "window": 512}
    config = make_job(folder / "job", items=items, policies=_POLICIES, judge=judge, sink={"flush_rows": 20_000})
    first = run_job(config)
    again = run_job(config)
    shutil.copy(config.parent / "items.parquet", config.parent / "items-2.parquet")
    config.write_text(config.read_text().replace("path: items.parquet", "path: items-2.parquet"))
    copied = run_job(config)
    cases = items * _POLICIES
    assert (again.summary["judged"], copied.summary["judged"]) == (0, 0), "something was judged twice"
    assert copied.summary["recalled"] == cases
    for name, run in (("first", first), ("again", again), ("copied", copied)):
        print(f"raw, {name}: {run.seconds:.1f} s, {run.cpu_seconds:.1f} s CPU, peak {run.peak_bytes / 2**20:.0f} MiB")
    return {
        "cases": cases,
        "first_s": round(first.seconds, 1),
        "skipped_per_s": round(cases / again.seconds),
        "again_share_of_first": round(again.seconds / first.seconds, 4),
        "recalled_per_s": round(cases / copied.seconds),
        "recalled_share_of_first": round(copied.seconds / first.seconds, 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="40,000 cases, 1 M keys")
    parser.add_argument("--known", type=float, default=20.0, help="millions of keys in the lookup file")
    chosen = parser.parse_args()
    items, millions = (10_000, 1.0) if chosen.quick else (250_000, chosen.known)
    describe({"items": items, "policies": _POLICIES, "judge_ms": _JUDGE_MS, "known_millions": millions})
    with tempfile.TemporaryDirectory() as folder:
        figures = runs(Path(folder), items)
        print(json.dumps(figures), flush=True)
        figures |= known(Path(folder), millions)
    figures["load"] = round(os.getloadavg()[0], 2)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
