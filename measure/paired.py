"""The same items judged twice, as under an old and a new policy: what flips, and what that means for all items."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from measure.answers import Estimate


@dataclass(frozen=True, slots=True)
class Pair:
    """One item before and after: True, False, or None for a rejection.

    What True means is the caller's: that it was flagged, or, where there are labels, that the verdict was right.
    """

    item_id: str
    group: str
    before: bool | None
    after: bool | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What became of the pairs that have both sides. `unpaired` ones, rejected on a side, are in nothing else.

    `gained` went from False to True, `lost` from True to False. `p_value` is for the hypothesis that both ways are
    equally likely: McNemar's, exact; 1 if nothing flipped. `difference` is `after` less `before`.
    """

    pairs: int
    unpaired: int
    gained: int
    lost: int
    p_value: float
    before: Estimate
    after: Estimate
    difference: Estimate
    gained_share: Estimate
    lost_share: Estimate


def compare(pairs: Sequence[Pair], *, confidence: float = 0.95, seed: int = 0) -> Comparison:
    """Compare both sides. Pairs of one group count as one cluster, for the intervals and for the p-value."""
    raise NotImplementedError


def extrapolate(hits: int, n: int, population: int, *, confidence: float = 0.95) -> Estimate:
    """How many of `population` items are hits, if `hits` of `n` drawn by a simple random sample from them are.

    Whole numbers, as floats; exact if all were drawn. None if none was. Raises ValueError unless
    0 <= hits <= n <= population.
    """
    raise NotImplementedError
