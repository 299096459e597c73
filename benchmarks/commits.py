"""How long a commit takes, and whether that grows: many small commits with upkeep in another process, as in a run.

Usage: python benchmarks/commits.py [--commits 1500] [--quick]
Prints the machine, versions, settings and raw figures; the last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import statistics
import tempfile
import time
from datetime import UTC, datetime
from multiprocessing.synchronize import Event

from _machine import describe

from assay.config import DeltaConfig
from assay.contracts import Move, Shard
from assay.errors import TransientError
from assay.ledger import fence_key, track_key
from assay.policy import Policy, parse_policy
from assay.records import (
    Action,
    Confidence,
    Item,
    ItemKind,
    JudgeIdentity,
    Judgement,
    Outcome,
    Place,
    Stage,
    Turn,
    Verdict,
)
from sinks.delta import DeltaSink
from sinks.upkeep import Upkeep

JUDGE = JudgeIdentity("scripted", "1", "0" * 64)


def tend(path: str, stop: Event) -> None:
    """Upkeep until told to stop: what the driver does while replicas commit."""
    upkeep = Upkeep(DeltaConfig(kind="delta", path=path), path)
    while not stop.wait(1.0):
        try:
            upkeep.tick()
        except TransientError as error:
            print("upkeep:", error)


def outcome(policy: Policy, shard: Shard, position: int) -> Outcome:
    words = " ".join(random.choices(("offer", "hello", "meeting", "free", "today", "rules"), k=30))
    return Outcome(
        Item(f"item-{position}", ItemKind.TEXT, (Turn("user", words),), Place(shard.source, shard.id, position)),
        policy,
        Judgement(Verdict(True, ("R1",), 2, Action.REVIEW, Confidence.HIGH, words), 1, "f" * 64, 900, 800, 900, 60),
        Stage.JUDGE,
        JUDGE,
        "run",
        datetime.now(UTC),
        12.5,
    )


def measure(path: str, commits: int) -> list[float]:
    """Milliseconds of each commit: 20-50 outcomes of one shard under 4 policies, 4 tracks and a fence moved."""
    policies = [
        parse_policy(f"---\nid: p{n}\nversion: 1\nrules:\n  - {{id: R1}}\n---\nJudge.\n", f"p{n}") for n in range(4)
    ]
    sink = DeltaSink(DeltaConfig(kind="delta", path=path), path)
    took: list[float] = []
    shard, position = Shard("bench.parquet", "0"), 0
    for number in range(commits):
        if number % 100 == 0:
            shard, position = Shard("bench.parquet", str(number)), 0
            sink.commit([], {fence_key(shard): Move(None, 1)})
        end = position + random.randint(5, 12)
        outcomes = [outcome(policy, shard, at) for policy in policies for at in range(position, end)]
        moves = {track_key(shard, policy.hash, JUDGE): Move(position or None, end) for policy in policies}
        begin = time.perf_counter()
        sink.commit(outcomes, {**moves, fence_key(shard): Move(1, 1)})
        took.append((time.perf_counter() - begin) * 1000)
        position = end
        time.sleep(0.01)
    return took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--commits", type=int, default=1500)
    parser.add_argument("--quick", action="store_true", help="300 commits")
    options = parser.parse_args()
    commits = 300 if options.quick else options.commits
    random.seed(7)
    describe({"commits": commits, "outcomes": "20-48", "moves": 5, "apart_ms": 10, "upkeep": "in its own process"})
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    with tempfile.TemporaryDirectory() as path:
        keeper = context.Process(target=tend, args=(path, stop))
        keeper.start()
        took = measure(path, commits)
        stop.set()
        keeper.join()
    print(
        "raw, mean ms per 100 commits:",
        [round(statistics.mean(took[at : at + 100]), 1) for at in range(0, commits, 100)],
    )
    cuts = statistics.quantiles(took, n=100)
    ratio = statistics.median(took[-100:]) / statistics.median(took[:100])
    print(
        json.dumps(
            {
                "commits": commits,
                "p50_ms": round(cuts[49], 2),
                "p99_ms": round(cuts[98], 2),
                "max_ms": round(max(took), 2),
                "last100_over_first100": round(ratio, 2),
                "last100_over_first100_mean": round(statistics.mean(took[-100:]) / statistics.mean(took[:100]), 2),
            }
        )
    )


if __name__ == "__main__":
    main()
