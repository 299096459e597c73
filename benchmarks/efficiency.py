"""Rows per second from reading to the last commit, over what the engine alone does with the same prompts.

    python benchmarks/efficiency.py [--quick] [--model PATH] [--gpus N] [--set KEY=VALUE ...]

Two engines with the same settings live side by side; one works while the other rests. Ours is asked by the real loop
with a Parquet source and a Delta sink; the other is `vllm.LLM`, which is handed all prompts at once, as token ids and
with the judge's own sampling parameters. They take turns, on items that are new in each round, after the policy's
prefix was cached. The table's prompt hashes are compared with the prompts of `LLM`: they must be the same.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from _job import Listed
from _machine import describe
from _model import add_arguments, item_texts, judge_config, judge_settings, long_policy, write_items
from deltalake import DeltaTable

from actors.engine import VllmJudge
from actors.engine_load import Language, engine_args, load_language, prepare_environment, sampling
from actors.limits import Limits
from actors.loop import Loop
from actors.prompt import Layout, Rendered
from assay.config import Columns, DeltaConfig, ParquetConfig, VllmConfig
from assay.policy import Policy
from assay.records import Case, Item, ItemKind, Place, Turn
from sinks.delta import VERDICTS, DeltaSink
from sources.parquet import ParquetSource
from sources.plan import plan

if TYPE_CHECKING:
    from vllm import LLM

_PREFIX_TOKENS = 1024
_CPU = {
    "max_model_len": 2048,
    "max_num_seqs": 32,
    "max_num_batched_tokens": 2048,
    "window": 96,
    "cpu_kv_cache_gib": 1.0,
    "enforce_eager": True,
    "max_output_tokens": 256,  # more than any answer takes: none is cut and judged again
    "max_rationale_chars": 60,
    "temperature": 1.0,
}


@dataclass(frozen=True, slots=True)
class Turnout:
    """One turn of one side. `idle`: the share of the time in which the engine had nothing although rows waited."""

    seconds: float
    lengths: Sequence[int]
    cached_tokens: int
    idle: float = 0.0
    again: int = 0

    def __str__(self) -> str:
        mean = sum(self.lengths) / len(self.lengths)
        return (
            f"{len(self.lengths) / self.seconds:.2f} rows/s ({self.seconds:.1f} s, output {min(self.lengths)}-"
            f"{max(self.lengths)} tokens, mean {mean:.1f}, cached {self.cached_tokens:,})"
        )


async def audit(folder: Path, judge: VllmJudge, policy: Policy, window: int) -> Turnout:
    """`folder/items.parquet` to `folder/audit`: from opening the source to the last commit."""
    began = time.perf_counter()
    config = ParquetConfig(kind="parquet", path=str(folder / "items.parquet"), columns=Columns(id="id", text="text"))
    planned = plan(config)
    source = ParquetSource(config, planned, Listed(planned.shards))
    path = str(folder / "audit")
    sink = DeltaSink(DeltaConfig(kind="delta", path=path), path)
    tally = await Loop(source, judge, sink, [policy], "bench", Limits(window), lambda _: None).run()
    sink.close()
    seconds = time.perf_counter() - began
    rows = _table(folder)
    again = sum(attempts - 1 for attempts in rows["attempts"])
    return Turnout(seconds, rows["output_tokens"], tally.cached_tokens, tally.idle_seconds / seconds, again)


def generate(llm: LLM, prompts: Sequence[Rendered], params: Any) -> Turnout:
    """All prompts at once, with the engine alone."""
    from vllm.inputs import TokensPrompt

    began = time.perf_counter()
    outputs = llm.generate([TokensPrompt(prompt_token_ids=p.ids) for p in prompts], params, use_tqdm=False)
    seconds = time.perf_counter() - began
    return Turnout(
        seconds,
        [len(output.outputs[0].token_ids) for output in outputs],
        sum(output.num_cached_tokens or 0 for output in outputs),
    )


def make_llm(config: VllmConfig) -> LLM:
    """vLLM's offline engine with every setting of the judge's."""
    from vllm import LLM
    from vllm.engine.arg_utils import EngineArgs
    from vllm.platforms import current_platform

    ours = engine_args(config, current_platform.is_cpu())
    return LLM.from_engine_args(EngineArgs(**{field.name: getattr(ours, field.name) for field in fields(EngineArgs)}))


def render(language: Language, policy: Policy, texts: Sequence[str]) -> list[Rendered]:
    """The judge's own prompts."""
    place = Place("benchmark", "0", 0)
    items = (Item(str(n), ItemKind.TEXT, (Turn("user", text),), place) for n, text in enumerate(texts))
    return [language.renderer.render(Case(item, policy), room=100_000) for item in items]


def _table(folder: Path) -> dict[str, list[Any]]:
    columns = ["prompt_hash", "output_tokens", "attempts"]
    found: dict[str, list[Any]] = DeltaTable(f"{folder}/audit/{VERDICTS}").to_pyarrow_table(columns=columns).to_pydict()
    return found


async def compare(config: VllmConfig, gpus: float, rows: int, rounds: int) -> list[tuple[Turnout, Turnout]]:
    """Pairs of (ours, the engine alone)."""
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
    prepare_environment(config)
    language = load_language(config)
    policy, _ = long_policy(language, 0, _PREFIX_TOKENS)
    frame = language.renderer.frame(policy, Layout.TEXT)
    judge = VllmJudge(config, gpus)
    await judge.start([policy])
    llm = make_llm(config)
    params = sampling(config, language, policy)
    llm.generate([{"prompt_token_ids": [*frame.prefix, *frame.suffix]}], params, use_tqdm=False)
    print(f"prefix    {len(frame.prefix)} tokens", flush=True)

    async def both(texts: Sequence[str], ours_first: bool) -> tuple[Turnout, Turnout]:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            write_items(folder / "items.parquet", texts)
            prompts = render(language, policy, texts)
            alone = None if ours_first else generate(llm, prompts, params)
            ours = await audit(folder, judge, policy, config.window)
            alone = alone or generate(llm, prompts, params)
            if sorted(_table(folder)["prompt_hash"]) != sorted(prompt.hash for prompt in prompts):
                raise SystemExit("the two sides had different prompts")
        return ours, alone

    await both(item_texts(config.max_num_seqs, rounds), ours_first=False)  # engines are slow at first
    pairs = []
    for number in range(rounds):
        ours, alone = await both(item_texts(rows, number), ours_first=number % 2 == 1)
        pairs.append((ours, alone))
        print(f"round {number}: engine alone {alone}", flush=True)
        print(
            f"         assay        {ours}, ratio {alone.seconds / ours.seconds:.3f}, idle {ours.idle:.2%}, "
            f"{ours.again} judged again",
            flush=True,
        )
    await judge.close()
    return pairs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="64 rows, 2 rounds")
    parser.add_argument("--rounds", type=int)
    add_arguments(parser)
    chosen = parser.parse_args()
    rows, rounds = (64, chosen.rounds or 2) if chosen.quick else (256, chosen.rounds or 4)
    settings = judge_settings(chosen, **({} if chosen.gpus else _CPU))
    describe({"rows": rows, "rounds": rounds, "judge": settings})
    pairs = asyncio.run(compare(judge_config(settings), chosen.gpus, rows, rounds))
    ratios = [alone.seconds / ours.seconds for ours, alone in pairs]
    result = {
        "efficiency": round(statistics.median(ratios), 4),
        "ratios": [round(ratio, 4) for ratio in ratios],
        "rows_per_s": [round(rows / ours.seconds, 3) for ours, _ in pairs],
        "engine_rows_per_s": [round(rows / alone.seconds, 3) for _, alone in pairs],
        "output_tokens": [[sum(ours.lengths), sum(alone.lengths)] for ours, alone in pairs],
        "idle_share": round(max(ours.idle for ours, _ in pairs), 4),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
