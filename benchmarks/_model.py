"""What the benchmarks on a real model share: policies as long as real ones, items, and the judge's settings."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from actors import small_model
from actors.prompt import Layout
from assay.config import VllmConfig
from assay.policy import Policy, parse_policy

if TYPE_CHECKING:
    from actors.engine_load import Language

_TOPICS = ("advertising", "gambling", "scams", "insults", "threats", "spoilers", "rumours", "impersonation")
_SENTENCE = "Paragraph {number}: a message is about {topic} if {reader} would take it so after reading it {times}. "
_READERS = ("a careful reader", "a neighbour", "a moderator", "most members", "a new member")
_TIMES = ("once", "twice", "in its thread", "without its thread", "aloud")
_SAMPLE = Path(__file__).parents[1] / "configs" / "sample" / "items.jsonl"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`--model`, `--gpus` and `--set`."""
    parser.add_argument("--model", help="folder or name (default: the small model, made in .models if it isn't there)")
    parser.add_argument("--gpus", type=float, default=0, help="GPUs of each replica")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a key of the config's judge")


def judge_settings(chosen: argparse.Namespace, **defaults: object) -> dict[str, Any]:
    """The config's `judge` as the command line asks for it."""
    model = chosen.model or str(small_model.prepare(Path(__file__).parents[1] / ".models"))
    given = {key: yaml.safe_load(value) for key, _, value in (pair.partition("=") for pair in chosen.set)}
    return {"kind": "vllm", "model": model, **defaults, **given}


def policy_text(number: int, sentences: int) -> str:
    """A policy's file. Two policies differ from their first word on, so that they share no prefix."""
    topic = _TOPICS[number % len(_TOPICS)]
    prose = "".join(
        _SENTENCE.format(number=k, topic=topic, reader=_READERS[k % 5], times=_TIMES[k // 5 % 5])
        for k in range(sentences)
    )
    return f"""---
id: p{number}
version: "1"
rules:
  - {{id: R1, text: No {topic} of any kind, severity: 3, action: block}}
  - {{id: R2, text: No links to pages about {topic}, severity: 1, action: review}}
---
{topic.capitalize()} (policy {number}). {prose}
"""


def long_policy(language: Language, number: int, tokens: int) -> tuple[Policy, str]:
    """The shortest policy whose whole prefix has at least so many tokens, and its file's text."""
    sentences = 0
    while True:
        text = policy_text(number, sentences)
        policy = parse_policy(text, f"policy {number}")
        if len(language.renderer.frame(policy, Layout.TEXT).prefix) >= tokens:
            return policy, text
        sentences += 1


def item_texts(count: int, salt: int) -> list[str]:
    """Texts of the sample, in many languages, so that answers differ. Another salt makes other texts of them."""
    rows = [json.loads(line) for line in _SAMPLE.read_text(encoding="utf-8").splitlines()]
    texts = [row["text"] for row in rows if "text" in row]
    return [f"{salt}.{n}: {texts[n % len(texts)]}" for n in range(count)]


def write_items(path: Path, texts: Sequence[str]) -> None:
    """A Parquet file with columns id and text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"id": [f"{path.stem}-{n}" for n in range(len(texts))], "text": list(texts)}), path)


def judge_config(settings: dict[str, Any]) -> VllmConfig:
    """The same as the judge takes them."""
    return VllmConfig.model_validate(settings)
