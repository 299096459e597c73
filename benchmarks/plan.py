"""How long a plan takes, and whether it is right to the token.

    python benchmarks/plan.py [--quick] [--model PATH] [--gpus N] [--set KEY=VALUE ...]

First `assay plan` of a large source under 4 policies without a past: wall seconds, CPU seconds and peak memory of the
whole command, its start included; the same with `--sample 0.05`, whose intervals must hold the truth. Texts are words
of the sample items, in many languages, drawn at random: 200 characters on average; a stated share are copies of an
earlier one. Then, with the real model, a plan and the run after it: prompt tokens must be equal.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from _job import Run, measured, run_job
from _machine import describe
from _model import add_arguments, item_texts, judge_settings, policy_text, write_items

_POLICIES = 4
_COPIES = 0.2
_ROW_GROUP = 50_000
_CHARACTERS = 200
_CPU = {
    "max_model_len": 1280,
    "max_num_seqs": 16,
    "max_num_batched_tokens": 2048,
    "window": 32,
    "cpu_kv_cache_gib": 0.5,
    "enforce_eager": True,
    "max_output_tokens": 128,
    "max_rationale_chars": 20,
}


def write_job(folder: Path, judge: dict[str, Any], gpus: float) -> Path:
    """Config and policies of a job that reads `items.parquet` beside them."""
    (folder / "policies").mkdir(parents=True)
    for number in range(_POLICIES):
        (folder / "policies" / f"p{number}.md").write_text(policy_text(number, 10))
    source = {"kind": "parquet", "path": "items.parquet", "columns": {"id": "id", "text": "text"}}
    config = {
        "name": "plan",
        "source": source,
        "policies": ["policies/*.md"],
        "judge": judge,
        "sink": {"kind": "delta", "path": "audit"},
        "replicas": {"count": 1, "gpus": gpus, "cpus": 1},
        "cost": {"gpu_hour": 4.0},
    }
    path = folder / "job.yaml"
    path.write_text(yaml.safe_dump(config))
    return path


def write_large(path: Path, count: int) -> int:
    """So many items; how many different texts they have."""
    rng, words = random.Random(1), [word for text in item_texts(350, 0) for word in text.split()[1:]]
    each = round(_CHARACTERS / (sum(map(len, words)) / len(words) + 1))
    texts: list[str] = []
    schema = pa.schema([("id", pa.string()), ("text", pa.string())])
    with pq.ParquetWriter(path, schema) as writer:
        for start in range(0, count, _ROW_GROUP):
            numbers = range(start, min(start + _ROW_GROUP, count))
            for number in numbers:
                copy = texts and rng.random() < _COPIES
                texts.append(rng.choice(texts) if copy else f"{number} " + " ".join(rng.choices(words, k=each)))
            rows = {"id": [f"m{number}" for number in numbers], "text": texts[start:]}
            writer.write_table(pa.table(rows, schema=schema))
    print(f"{count:,} texts of {sum(map(len, texts)) / count:.0f} characters on average", flush=True)
    return len(set(texts))


def plan(config: Path, *options: str) -> Run:
    """`assay plan` to its end."""
    return measured([sys.executable, "-m", "jobs.cli", "plan", str(config), "--json", *options])


def large(folder: Path, judge: dict[str, Any], gpus: float, items: int) -> dict[str, float]:
    config = write_job(folder, judge, gpus)
    different = write_large(folder / "items.parquet", items)
    whole, part = plan(config), plan(config, "--sample", "0.05")
    for name, run in (("all", whole), ("5 %", part)):
        print(
            f"plan of {name}: {run.seconds:.1f} s wall, {run.cpu_seconds:.1f} s CPU, "
            f"{run.peak_bytes / 2**20:,.0f} MiB, {items / run.seconds:,.0f} items/s; "
            f"to judge {run.summary['to_judge']:,}, {run.summary['prompt_tokens']:,} prompt tokens",
            flush=True,
        )
    assert whole.summary["to_judge"] == different * _POLICIES, "the plan's cases are not the ones there are"
    for name, (low, high) in part.summary["intervals"].items():
        holds = low <= whole.summary[name] <= high
        print(f"  {name}: {low:,} to {high:,} {'holds' if holds else 'MISSES'} {whole.summary[name]:,}", flush=True)
    return {
        "seconds": round(whole.seconds, 1),
        "items_per_s": round(items / whole.seconds),
        "mib": whole.peak_bytes >> 20,
    }


def small(folder: Path, judge: dict[str, Any], gpus: float, items: int) -> bool:
    """Whether the run after the plan read as many prompt tokens as planned."""
    config = write_job(folder, judge, gpus)
    write_items(folder / "items.parquet", item_texts(items, 1))
    planned, done = plan(config).summary, run_job(config).summary
    print(
        f"{done['judged']} cases with the model: {planned['prompt_tokens']:,} prompt tokens planned, "
        f"{done['prompt_tokens']:,} read; {planned['cacheable_tokens']:,} cacheable planned, "
        f"{done['cacheable_tokens']:,} counted, {done['cached_tokens']:,} cached"
    )
    return bool(planned["prompt_tokens"] == done["prompt_tokens"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="100,000 items")
    parser.add_argument("--no-model", action="store_true", help="leave out the part with the engine")
    add_arguments(parser)
    chosen = parser.parse_args()
    items, few = (100_000, 8) if chosen.quick else (1_000_000, 24)
    judge = judge_settings(chosen, **({} if chosen.gpus else _CPU))
    describe({"items": items, "policies": _POLICIES, "copies": _COPIES, "run_items": few, "judge": judge})
    with tempfile.TemporaryDirectory() as folder:
        figures: dict[str, float | bool] = {**large(Path(folder) / "large", judge, chosen.gpus, items)}
        if not chosen.no_model:
            figures["tokens_equal"] = small(Path(folder) / "small", judge, chosen.gpus, few)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
