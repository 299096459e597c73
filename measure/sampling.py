"""Which items people should label: few, where it tells most, and with known probabilities.

The **size** of an item is the square root of its risk, the chance that it violates. For a share estimated from labels
weighted by one over their probability, that is the best there is (Neyman 1934, for chances instead of strata). The risk
need not be right: estimates stay unbiased whatever it is, and are narrow where it is good.
"""

from __future__ import annotations

import hashlib

import numpy as np

from measure.samples import Bools, Floats, Ints

FLOOR = 0.1
"""The part of the labels that is spread evenly. No item is drawn with less than this part of its chance in a simple
random sample, so no weight is above items / (FLOOR x labels)."""

_SAID = {"low": 0.6, "medium": 0.8, "high": 0.95}
_NOT_SAID = {"low": 0.3, "medium": 0.1, "high": 0.02}
LEAST, MOST = 1e-4, 1.0


def risk(scores: Floats) -> Floats:
    """The chance that each item violates, as far as its score tells: between LEAST and MOST.

    Severity is no part of it: a grave violation is no likelier, and counts once.
    """
    risks: Floats = np.clip(scores, LEAST, MOST)
    return risks


def unscored_risk(violation: bool, confidence: str) -> float:
    """The same by the judge's own word, where there is no score. A word that is none of ours is taken for `low`."""
    words = _SAID if violation else _NOT_SAID
    return words.get(confidence, words["low"])


def probabilities(risks: Floats, labels: int, floor: float = FLOOR) -> Floats:
    """With which probability to draw each item so that they sum to `labels`: by the root of its risk, above a floor.

    Items whose probability would be above 1 are drawn for certain, and the others share what is left. All are 1 if
    there are no more items than labels. Equal risks give a simple random sample. Raises ValueError for a risk <= 0.
    """
    if not (risks > 0).all():
        raise ValueError("a risk is above 0, or its item could not be drawn")
    found, certain = np.ones(len(risks)), np.zeros(len(risks), dtype=np.bool_)
    sizes = np.sqrt(risks)
    while labels < len(risks):
        found = _shared_out(sizes, certain, labels, floor)
        beyond = (found >= 1) & ~certain
        if not beyond.any():
            break
        certain |= beyond
    return found


def _shared_out(sizes: Floats, certain: Bools, labels: int, floor: float) -> Floats:
    least, rest = floor * labels / len(sizes), ~certain
    left = labels - int(certain.sum()) - least * int(rest.sum())
    return np.where(certain, 1.0, least + left * sizes / sizes[rest].sum())


def draw(chances: Floats, rng: np.random.Generator) -> Ints:
    """The places of the drawn items, in random order: each with exactly its probability, none twice.

    Systematic sampling in random order (Madow 1949; Hartley and Rao 1962): so many as the probabilities sum to, which
    has to be a whole number. Joint probabilities are so near those of maximum entropy that Hajek's variance holds.
    """
    order = rng.permutation(len(chances))
    reached = np.cumsum(chances[order])
    marks = rng.random() + np.arange(round(float(reached[-1]))) if len(chances) else np.empty(0)
    places = np.searchsorted(reached, marks, side="right")
    drawn: Ints = order[np.minimum(places, len(order) - 1)]
    return rng.permutation(drawn)


def generator(seed: int, name: str) -> np.random.Generator:
    """Random numbers of this seed for one policy: those of another are independent of them."""
    digest = hashlib.sha256(name.encode()).digest()
    return np.random.default_rng([seed, int.from_bytes(digest[:8], "big")])
