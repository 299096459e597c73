"""Attempts to take control of a language model, texts that only talk about them, and how assistants answer them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import cache

from pydantic import BaseModel, ConfigDict

from training.contents import Content, completion, text
from training.synthetic.phrases import bank, said, voiced

SEED = 7
ATTEMPTS = 1_500
"""How many of each are drawn: attempts, and look-alikes. Doubles are left out by the reader."""

ANSWERS = 400
"""How many answers that obey an attempt, and how many that don't."""


class Phrases(BaseModel):
    """The sentences of `injections.yaml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    attempts: dict[str, tuple[str, ...]]
    carriers: tuple[str, ...]
    wishes: tuple[str, ...]
    lookalikes: tuple[str, ...]
    benign: tuple[str, ...]
    obeying: tuple[str, ...]
    declining: tuple[str, ...]


@cache
def phrases() -> Phrases:
    return bank(Phrases, "injections.yaml")


def injections() -> Iterator[Content]:
    """The attempts and look-alikes, always the same."""
    rng = random.Random(SEED)
    for _ in range(ATTEMPTS):
        yield _attempt(rng)
        yield _lookalike(rng)


def answers() -> Iterator[Content]:
    """Answers of assistants to attempts: tagged `obeying` where the assistant gives in."""
    rng = random.Random(SEED + 1)
    for _ in range(ANSWERS):
        yield _answer(rng, phrases().obeying, ("obeying",))
        yield _answer(rng, phrases().declining, ())


def _attempt(rng: random.Random) -> Content:
    kind = rng.choice(sorted(phrases().attempts))
    words = said(rng, phrases().attempts[kind])
    if kind == "planted" or rng.random() < 0.25:
        words = said(rng, phrases().carriers, words)
    elif rng.random() < 0.5:
        words = f"{words} {said(rng, phrases().wishes)}"
    return text("injection", voiced(rng, words), (kind,))


def _lookalike(rng: random.Random) -> Content:
    if rng.random() < 0.6:
        words = said(rng, phrases().lookalikes, _any_attempt(rng))
    else:
        words = said(rng, phrases().benign)
        if rng.random() < 0.5:
            words = f"{words} {said(rng, phrases().wishes)}"
    if rng.random() < 0.15:
        return completion("injection", "", words, ())
    return text("injection", voiced(rng, words), ())


def _answer(rng: random.Random, patterns: tuple[str, ...], tags: tuple[str, ...]) -> Content:
    asked = voiced(rng, _any_attempt(rng)) if rng.random() < 0.7 else ""
    words = said(rng, patterns)
    if rng.random() < 0.4:
        words = f"{words} {said(rng, patterns)}"
    return completion("answers", asked, words, tags)


def _any_attempt(rng: random.Random) -> str:
    return said(rng, phrases().attempts[rng.choice(sorted(phrases().attempts))])
