"""Cached prompt tokens of a whole run, over the most that caching whole blocks of the policies' prefixes could serve.

    python benchmarks/prefix.py [--quick] [--model PATH] [--gpus N] [--set KEY=VALUE ...]

`assay backfill` runs twice: one policy on one replica, and 8 policies on 2 replicas, each replica with a file of its
own. Both numbers are the run's own counts (`cached_tokens`, `cacheable_tokens`): the former is what the engine reports
for each request, the latter each prefix rounded down to whole blocks.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import yaml
from _job import command
from _machine import describe
from _model import add_arguments, item_texts, judge_config, judge_settings, long_policy, write_items

from actors.engine_load import Language, load_language, prepare_environment

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


def write_job(folder: Path, judge: dict[str, Any], replicas: dict[str, Any], policies: list[str], items: int) -> Path:
    """A job with a file of items for each replica; the config's path."""
    (folder / "policies").mkdir(parents=True)
    for number, text in enumerate(policies):
        (folder / "policies" / f"p{number}.md").write_text(text)
    for number in range(replicas["count"]):
        write_items(folder / "items" / f"{number}.parquet", item_texts(items, number))
    config = {
        "name": "prefix",
        "source": {"kind": "parquet", "path": "items/*.parquet", "columns": {"id": "id", "text": "text"}},
        "policies": ["policies/*.md"],
        "judge": judge,
        "sink": {"kind": "delta", "path": "audit"},
        "replicas": replicas,
    }
    path = folder / "job.yaml"
    path.write_text(yaml.safe_dump(config))
    return path


def measure(language: Language, judge: dict[str, Any], gpus: float, shape: tuple[int, int, int], tokens: int) -> float:
    """The cached share of a run of `shape`: (policies, replicas, items per replica)."""
    count, replicas, items = shape
    policies = [long_policy(language, number, tokens)[1] for number in range(count)]
    with tempfile.TemporaryDirectory() as folder:
        held = {"count": replicas, "gpus": gpus, "cpus": 1}
        config = write_job(Path(folder) / "job", judge, held, policies, items)
        done = subprocess.run(command(config), capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    summary = json.loads(done.stdout)
    share: float = summary["cached_tokens"] / summary["cacheable_tokens"]
    print(
        f"{count} policies x {replicas} replicas: {summary['cases']} cases in {summary['seconds']:.1f} s, "
        f"{summary['rejected']} rejected, {summary['prompt_tokens']:,} prompt tokens, {summary['cached_tokens']:,} of "
        f"{summary['cacheable_tokens']:,} cached = {share:.4f}",
        flush=True,
    )
    return share


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few items, prefixes of about 500 tokens")
    add_arguments(parser)
    chosen = parser.parse_args()
    tokens = 512 if chosen.quick else 1000
    one, many = ((1, 1, 32), (8, 2, 8)) if chosen.quick else ((1, 1, 128), (8, 2, 24))
    judge = judge_settings(chosen, **({} if chosen.gpus else _CPU))
    describe({"prefix_tokens": tokens, "shapes": [one, many], "gpus": chosen.gpus, "judge": judge})
    config = judge_config(judge)
    prepare_environment(config)
    language = load_language(config)
    shares = [measure(language, judge, chosen.gpus, shape, tokens) for shape in (one, many)]
    print(json.dumps({"one_policy": round(shares[0], 4), "8_policies_2_replicas": round(shares[1], 4)}))


if __name__ == "__main__":
    main()
