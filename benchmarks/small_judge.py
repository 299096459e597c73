"""Cases per second of the small judge through the whole path, with and without prefix caching, at 1 and 4 policies.

    python benchmarks/small_judge.py [--quick] [--model PATH] [--gpus N] [--set KEY=VALUE ...]

`assay backfill` on sample texts under shipped policies, with the judge of configs/demo.yaml on one replica. The two
settings take turns at going first, on items that are new in each round. A rate is of cases over the time from the first
case's admission by the judge to the last case's answer: without the engine's start, which is printed beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml
from _job import run_job
from _machine import describe
from _model import add_arguments, item_texts, judge_settings, write_items
from deltalake import DeltaTable

from actors import small_judge_model
from assay.errors import FatalError
from jobs.load import load_config
from sinks.delta import VERDICTS

_ROOT = Path(__file__).parents[1]
_POLICIES = ("harassment", "prompt-injection", "spam", "self-harm")
_COUNTS = (1, 4)


@dataclass(frozen=True, slots=True)
class Pace:
    """One run: its cases, the seconds in which they were judged and those before, and tokens read, written, cached."""

    cases: int
    seconds: float
    start_seconds: float
    read: int
    written: int
    cached: int
    asked_again: int

    @property
    def rate(self) -> float:
        return self.cases / self.seconds

    def __str__(self) -> str:
        return (
            f"{self.rate:.2f} cases/s ({self.cases} cases in {self.seconds:.1f} s after {self.start_seconds:.1f} s, "
            f"{self.read:,} tokens read, {self.cached:,} of them cached, {self.written:,} written, "
            f"{self.asked_again} asked again)"
        )


def run(folder: Path, judge: dict[str, Any], gpus: float, policies: int, texts: list[str]) -> Pace:
    """One job in a folder of its own."""
    write_items(folder / "items.parquet", texts)
    config = {
        "name": "small-judge",
        "source": {"kind": "parquet", "path": "items.parquet", "columns": {"id": "id", "text": "text"}},
        "policies": [str(_ROOT / "configs" / "policies" / f"{name}.md") for name in _POLICIES[:policies]],
        "on_canary_failure": "off",
        "judge": judge,
        "sink": {"kind": "delta", "path": "audit"},
        "replicas": {"count": 1, "gpus": gpus, "cpus": 2},
    }
    (folder / "job.yaml").write_text(yaml.safe_dump(config))
    done = run_job(folder / "job.yaml")
    columns = ["judged_at", "latency_ms", "attempts"]
    rows = DeltaTable(f"{folder}/audit/{VERDICTS}").to_pyarrow_table(columns=columns).to_pylist()
    first = min(row["judged_at"] - timedelta(milliseconds=row["latency_ms"]) for row in rows)
    seconds = (max(row["judged_at"] for row in rows) - first).total_seconds()
    return Pace(
        cases=len(rows),
        seconds=seconds,
        start_seconds=done.seconds - seconds,
        read=done.summary["prompt_tokens"],
        written=done.summary["output_tokens"],
        cached=done.summary["cached_tokens"],
        asked_again=sum(row["attempts"] - 1 for row in rows),
    )


def compare(judge: dict[str, Any], gpus: float, policies: int, texts: list[str], first: bool) -> dict[bool, Pace]:
    """A run with and one without prefix caching, `first` the one that goes first."""
    found = {}
    for caching in (first, not first):
        with tempfile.TemporaryDirectory() as folder:
            found[caching] = run(Path(folder), {**judge, "prefix_caching": caching}, gpus, policies, texts)
        print(f"{policies} policies, {'with' if caching else 'without'} caching: {found[caching]}", flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="24 cases, 1 round")
    parser.add_argument("--rounds", type=int)
    add_arguments(parser)
    chosen = parser.parse_args()
    cases, rounds = (24, chosen.rounds or 1) if chosen.quick else (96, chosen.rounds or 2)
    try:
        chosen.model = chosen.model or str(small_judge_model.prepare(_ROOT / ".models"))
    except FatalError as error:
        raise SystemExit(str(error)) from error
    demo = load_config(_ROOT / "configs" / "demo.yaml").judge.model_dump(mode="json", exclude={"kind", "model"})
    judge = judge_settings(chosen, **demo)
    describe({"cases": cases, "rounds": rounds, "cores": len(os.sched_getaffinity(0)), "judge": judge})
    result: dict[str, object] = {}
    for count in _COUNTS:
        texts = [item_texts(cases // count, salt) for salt in range(rounds)]
        pairs = [compare(judge, chosen.gpus, count, each, salt % 2 == 0) for salt, each in enumerate(texts)]
        ratios = [pair[True].rate / pair[False].rate for pair in pairs]
        result |= {
            f"cases_per_s_{count}": [round(pair[True].rate, 3) for pair in pairs],
            f"cases_per_s_{count}_uncached": [round(pair[False].rate, 3) for pair in pairs],
            f"ratios_{count}": [round(ratio, 3) for ratio in ratios],
            f"ratio_{count}": round(statistics.median(ratios), 3),
        }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
