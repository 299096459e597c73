"""What everything but the judge costs: the scripted judge at zero latency, all else real.

    python benchmarks/overhead.py [--quick] [--profile]

Verdicts per second count from the first poll to the last commit as the run itself measures it less its start; CPU is
that of all processes, less what a run of the same job with nothing to judge costs to start. `--profile` prints where
the replica's Python time goes (the loop in this process, under cProfile).
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import json
import pstats
import tempfile
from pathlib import Path

from _job import Listed, Run, make_job, run_job
from _machine import describe

_POLICIES = 4


def measure(folder: Path, cases: int) -> tuple[Run, Run]:
    """A run of so many cases, and one of 4 cases, which shows what starting costs."""
    settings = {"judge": {"window": 512}, "sink": {"flush_seconds": 1.0}}
    small = run_job(make_job(folder / "start", items=1, policies=_POLICIES, **settings))
    return small, run_job(make_job(folder / "full", items=cases // _POLICIES, policies=_POLICIES, **settings))


def profile(folder: Path, cases: int) -> None:
    """The same loop, source, judge and sink in this process, under the profiler."""
    from actors.limits import Limits
    from actors.loop import Loop
    from actors.scripted import ScriptedJudge
    from assay.config import ScriptedConfig
    from jobs.load import load_job
    from sinks.delta import DeltaSink
    from sources.parquet import ParquetSource
    from sources.plan import plan

    job = load_job(make_job(folder / "profile", items=cases // _POLICIES, policies=_POLICIES))
    planned = plan(job.config.source)
    source = ParquetSource(job.config.source, planned, Listed(planned.shards))
    assert isinstance(job.config.judge, ScriptedConfig)
    loop = Loop(
        source,
        ScriptedJudge(job.config.judge),
        DeltaSink(job.config.sink, job.config.sink.path),
        job.policies,
        "profile",
        Limits(512),
        lambda _: None,
    )
    profiler = cProfile.Profile()
    profiler.enable()
    asyncio.run(loop.run())
    profiler.disable()
    pstats.Stats(profiler).sort_stats("tottime").print_stats(25)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="100,000 cases, once")
    parser.add_argument("--profile", action="store_true")
    chosen = parser.parse_args()
    cases, rounds = (100_000, 1) if chosen.quick else (200_000, 3)
    describe({"cases": cases, "policies": _POLICIES, "rounds": rounds, "replicas": 1})
    rates, costs = [], []
    for number in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            small, full = measure(Path(folder), cases)
            seconds = full.summary["seconds"] - small.summary["seconds"]
            cpu = full.cpu_seconds - small.cpu_seconds
            rates.append(full.summary["verdicts"] / seconds)
            costs.append(cpu / full.summary["verdicts"] * 1e6)
            print(
                f"round {number}: {full.summary['verdicts']:,} verdicts in {seconds:.1f} s "
                f"(start {small.seconds:.1f} s) = {rates[-1]:,.0f}/s, {costs[-1]:.0f} us CPU each",
                flush=True,
            )
    if chosen.profile:
        with tempfile.TemporaryDirectory() as folder:
            profile(Path(folder), cases // 4)
    best = {"verdicts_per_s": round(max(rates)), "cpu_us_per_verdict": round(min(costs), 1)}
    print(json.dumps(best | {"rates": [round(r) for r in rates], "costs": [round(c, 1) for c in costs]}))


if __name__ == "__main__":
    main()
