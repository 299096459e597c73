"""Ordinary notices, offers, talk, and conversations with an assistant: nothing that a policy here minds."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import cache

from pydantic import BaseModel, ConfigDict

from assay.records import ItemKind, Turn
from training.contents import Content, completion, text
from training.synthetic.phrases import bank, said, voiced

SEED = 9
TEXTS = 3_000
"""How many are drawn. Doubles are left out by the reader."""


class Phrases(BaseModel):
    """The sentences of `everyday.yaml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    notices: tuple[str, ...]
    offers: tuple[str, ...]
    talk: tuple[str, ...]
    questions: tuple[str, ...]
    answers: tuple[str, ...]


@cache
def phrases() -> Phrases:
    return bank(Phrases, "everyday.yaml")


def everyday() -> Iterator[Content]:
    """Texts, answers, and chats, always the same."""
    rng = random.Random(SEED)
    for _ in range(TEXTS):
        yield _text(rng) if rng.random() < 0.55 else _conversation(rng)


def _text(rng: random.Random) -> Content:
    found = phrases()
    patterns = rng.choice((found.notices, found.offers, found.talk, found.talk, found.questions))
    words = said(rng, patterns)
    return text("everyday", voiced(rng, f"{words} {said(rng, patterns)}" if rng.random() < 0.3 else words), ())


def _conversation(rng: random.Random) -> Content:
    """An answer, after a question or after several turns."""
    asked, answered = said(rng, phrases().questions), said(rng, phrases().answers)
    if rng.random() < 0.6:
        return completion("everyday", asked if rng.random() < 0.7 else "", answered, ())
    before = (Turn("user", asked), Turn("assistant", said(rng, phrases().answers)))
    context = (*before, Turn("user", said(rng, phrases().questions)))
    return Content("everyday", ItemKind.CHAT, (Turn("assistant", answered),), (), context)
