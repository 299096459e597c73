"""Unkind words to people, told apart by what they do; fair but hard words, and texts about harassment, beside them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import cache

from pydantic import BaseModel, ConfigDict

from training.contents import Content, completion, text
from training.synthetic.phrases import bank, said, voiced

SEED = 8
TEXTS = 1_200
"""How many of each are drawn: unkind, and not. Doubles are left out by the reader."""


class Phrases(BaseModel):
    """The sentences of `conduct.yaml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    unkind: dict[str, tuple[str, ...]]
    fair: tuple[str, ...]
    about: tuple[str, ...]
    writing: tuple[str, ...]
    declining: tuple[str, ...]
    asking: tuple[str, ...]


@cache
def phrases() -> Phrases:
    return bank(Phrases, "conduct.yaml")


def conduct() -> Iterator[Content]:
    """Both kinds in turn, always the same."""
    rng = random.Random(SEED)
    for _ in range(TEXTS):
        yield _unkind(rng)
        yield _allowed(rng)


def _unkind(rng: random.Random) -> Content:
    kind = rng.choice(sorted(phrases().unkind))
    words = said(rng, phrases().unkind[kind])
    if rng.random() < 0.2:
        return completion("conduct", said(rng, phrases().asking), said(rng, phrases().writing, words), (kind,))
    if rng.random() < 0.3:
        words = f"{words} {said(rng, phrases().unkind[kind])}"
    return text("conduct", voiced(rng, words), (kind,))


def _allowed(rng: random.Random) -> Content:
    drawn = rng.random()
    if drawn < 0.2:
        return completion("conduct", said(rng, phrases().asking), said(rng, phrases().declining), ())
    if drawn < 0.55:
        quoted = said(rng, phrases().unkind[rng.choice(sorted(phrases().unkind))])
        return text("conduct", voiced(rng, said(rng, phrases().about, quoted)), ())
    words = said(rng, phrases().fair)
    return text("conduct", voiced(rng, f"{words} {said(rng, phrases().fair)}" if drawn < 0.7 else words), ())
