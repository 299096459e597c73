"""What a crash costs: the driver is killed when half of the cases are in the table, then the job runs again.

    python benchmarks/resume.py [--quick]

The scripted judge keeps a journal of every case that it is asked, so cases judged twice are counted, not estimated.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import psutil
from _job import command, make_job, run_job
from _machine import describe

from sinks.counts import count_by_track

_POLICIES = 2


def settled(folder: Path) -> int:
    """Outcomes in the table."""
    return sum(track.rows for track in count_by_track(str(folder / "audit")).values())


def crash_at_half(config: Path, cases: int) -> int:
    """SIGKILL the driver when half is settled, wait for its cluster to be gone; the outcomes then in the table."""
    process = subprocess.Popen(command(config), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while settled(config.parent) < cases // 2:
        time.sleep(0.1)
        if process.poll() is not None:
            raise SystemExit("the run ended before it was half through")
    family = psutil.Process(process.pid).children(recursive=True)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    psutil.wait_procs(family, timeout=60)
    return settled(config.parent)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="20,000 cases, once")
    quick = parser.parse_args().quick
    cases, rounds = (20_000, 1) if quick else (40_000, 3)
    judge = {"latency_ms": 200, "jitter": 0.5, "window": 64}
    describe({"cases": cases, "rounds": rounds, "judge": judge, "flush_seconds": 1.0})
    shares = []
    for number in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            config = make_job(
                Path(folder) / "job", items=cases // _POLICIES, policies=_POLICIES, judge=judge | {"journal": "journal"}
            )
            kept = crash_at_half(config, cases)
            summary = run_job(config).summary
            asked = (config.parent / "journal").stat().st_size
            shares.append((asked - cases) / cases)
            print(
                f"round {number}: killed with {kept:,} of {cases:,} settled; the second run judged "
                f"{summary['judged']:,}; judged twice {asked - cases:,} = {shares[-1]:.2%}",
                flush=True,
            )
    print(json.dumps({"judged_again_share": round(max(shares), 4), "shares": [round(s, 4) for s in shares]}))


if __name__ == "__main__":
    main()
