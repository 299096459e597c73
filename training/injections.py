"""Synthetic attempts to take control of a language model, and texts that look like them but only talk about them.

No data set of such attempts is used; these are sentences of our own, put together by a seeded generator.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict

from training.contents import Content, completion, text

SEED = 7
ATTEMPTS = 1_500
"""How many of each are drawn: attempts, and look-alikes. Doubles are left out by the reader."""


class Phrases(BaseModel):
    """The sentences of `injections.yaml`. `{a|b}` in one stands for either."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    attempts: dict[str, tuple[str, ...]]
    carriers: tuple[str, ...]
    wishes: tuple[str, ...]
    lookalikes: tuple[str, ...]
    benign: tuple[str, ...]


@cache
def phrases() -> Phrases:
    path = Path(__file__).with_name("injections.yaml")
    return Phrases.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))


def injections() -> Iterator[Content]:
    """The attempts and look-alikes, always the same."""
    rng = random.Random(SEED)
    for _ in range(ATTEMPTS):
        yield _attempt(rng)
        yield _lookalike(rng)


def _attempt(rng: random.Random) -> Content:
    bank = phrases()
    kind = rng.choice(sorted(bank.attempts))
    words = _said(rng, bank.attempts[kind])
    if kind == "planted" or rng.random() < 0.25:
        words = _said(rng, bank.carriers).replace("<X>", words)
    elif rng.random() < 0.5:
        words = f"{words} {_said(rng, bank.wishes)}"
    return text("injection", _voice(rng, words), (kind,))


def _lookalike(rng: random.Random) -> Content:
    bank = phrases()
    if rng.random() < 0.6:
        quoted = _said(rng, bank.attempts[rng.choice(sorted(bank.attempts))])
        words = _said(rng, bank.lookalikes).replace("<X>", quoted)
    else:
        words = _said(rng, bank.benign)
        if rng.random() < 0.5:
            words = f"{words} {_said(rng, bank.wishes)}"
    if rng.random() < 0.15:
        return completion("injection", "", words, ())
    return text("injection", _voice(rng, words), ())


def _voice(rng: random.Random, words: str) -> str:
    drawn = rng.random()
    return words.upper() if drawn < 0.04 else words.lower() if drawn < 0.2 else words


def _said(rng: random.Random, patterns: tuple[str, ...]) -> str:
    pieces = rng.choice(patterns).replace("{", "}").split("}")
    return "".join(rng.choice(piece.split("|")) if number % 2 else piece for number, piece in enumerate(pieces))
