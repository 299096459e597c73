"""Simulated content, a judge of stated quality, and samples of it that people label without error."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np

from measure.prevalence import Labelled
from measure.samples import Bools, Floats
from measure.sampling import draw, probabilities

ITEMS = 20_000
LOW, HIGH = 0.001, 0.01


@dataclass(frozen=True, slots=True)
class Quality:
    """Scores on the logit scale: of violations and of allowed items, each normal with a mean and a deviation.

    `blind` is the share of violations that get the scores of allowed items: nothing warns of them.
    """

    name: str
    blind: float
    violating: tuple[float, float] = (2.0, 2.0)
    allowed: tuple[float, float] = (-5.0, 1.6)


JUDGES = (Quality("good", 0.0), Quality("with a blind spot", 0.05))


@dataclass(frozen=True, slots=True, eq=False)
class Content:
    truth: Bools
    score: Floats

    @property
    def flagged(self) -> Bools:
        return self.score >= 0.5


def content(judge: Quality, prevalence: float, rng: np.random.Generator, items: int = ITEMS) -> Content:
    """So many items with this chance of a violation each, as the judge scores them."""
    truth = rng.random(items) < prevalence
    seen = truth & (rng.random(items) >= judge.blind)
    logit = np.where(seen, rng.normal(*judge.violating, items), rng.normal(*judge.allowed, items))
    return Content(truth, 1 / (1 + np.exp(-logit)))


def labelled(items: Content, labels: int, by: str, rng: np.random.Generator) -> tuple[Labelled, ...]:
    """A sample of the items, drawn as `assay sample --by` draws it."""
    risks = np.clip(items.score, 1e-4, 1.0) if by == "score" else np.ones(len(items.score))
    chances = probabilities(risks, labels)
    rows = draw(chances, rng)
    columns = zip(items.truth[rows], items.flagged[rows], 1 / chances[rows], strict=True)
    return tuple(Labelled(bool(truth), bool(said), float(weight)) for truth, said, weight in columns)


def spread_over(repeats: int) -> Iterator[float]:
    """Prevalences from LOW to HIGH, evenly on the log scale: one for each repeat."""
    for turn in range(repeats):
        yield LOW * (HIGH / LOW) ** ((turn + 0.5) / repeats)


def cases(sizes: tuple[int, ...], judges: tuple[Quality, ...] = JUDGES) -> Iterator[tuple[Quality, int]]:
    yield from product(judges, sizes)
