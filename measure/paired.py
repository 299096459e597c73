"""The same items judged twice, as under an old and a new policy: what flips, and what that means for all items."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import binom

from assay.intervals import normal_errors, score_limits
from measure.answers import Estimate, unavailable
from measure.samples import Floats, Ints, cluster_key, numbered
from measure.shares import correlation, residuals, share, sum_limits


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


def compare(pairs: Sequence[Pair], *, confidence: float = 0.95) -> Comparison:
    """Compare both sides. Pairs of one group count as one cluster, for the intervals and for the p-value.

    The interval of the difference is Newcombe's for paired shares (1998), method 10 but for its continuity correction.
    """
    both = [pair for pair in pairs if pair.before is not None and pair.after is not None]
    cluster = numbered(cluster_key(pair.group, pair.item_id) for pair in both)
    before, after = (np.array(side, dtype=np.float64) for side in ([p.before for p in both], [p.after for p in both]))
    every = np.ones_like(before)
    gained, lost = after * (1 - before), before * (1 - after)
    rate_before, rate_after = (share(side, every, cluster, confidence) for side in (before, after))
    return Comparison(
        pairs=len(both),
        unpaired=len(pairs) - len(both),
        gained=int(gained.sum()),
        lost=int(lost.sum()),
        p_value=_p_value(np.bincount(cluster, after - before).round().astype(np.int64)) if both else 1.0,
        before=rate_before,
        after=rate_after,
        difference=difference_of(rate_before, rate_after, _together(before, after, cluster)) if both else unavailable(),
        gained_share=share(gained, every, cluster, confidence),
        lost_share=share(lost, every, cluster, confidence),
    )


def extrapolate(hits: int, n: int, population: int, *, confidence: float = 0.95) -> Estimate:
    """How many of `population` items are hits, if `hits` of `n` drawn by a simple random sample from them are.

    Whole numbers, as floats; exact if all were drawn. None if none was. Raises ValueError unless
    0 <= hits <= n <= population. The limits are Wilson's for as many draws with replacement as would spread like
    these (finite population correction, Cochran 1977, 2.6), and never beyond what the drawn items leave open.
    """
    if not 0 <= hits <= n <= population:
        raise ValueError(f"{hits} hits of {n} drawn from {population}: each must be at most the next")
    if not n:
        return unavailable()
    if n == population:
        return Estimate(float(hits), float(hits), float(hits), n)
    effective = n * (population - 1) / (population - n)
    limits = score_limits(hits / n, effective, normal_errors(confidence))
    value = round(hits / n * population)
    low = max(hits, math.floor(limits.low * population))
    high = min(population - n + hits, math.ceil(limits.high * population))
    return Estimate(float(value), float(min(low, value)), float(max(high, value)), n)


def _together(before: Floats, after: Floats, cluster: Ints) -> float:
    every = np.ones_like(before)
    return correlation(residuals(before, every, cluster), residuals(after, every, cluster))


def difference_of(before: Estimate, after: Estimate, together: float) -> Estimate:
    """`after` less `before`, their correlation being `together`; -1 to 1. None if one of them can't be had."""
    if before.value is None or before.low is None or before.high is None or after.value is None:
        return unavailable()
    limits = sum_limits(after, Estimate(-before.value, -before.high, -before.low, before.n), -together)
    value = after.value - before.value
    return Estimate(value, max(-1.0, min(value, limits.low)), min(1.0, max(value, limits.high)), after.n)


def _p_value(moves: Ints) -> float:
    """Two-sided and exact: each cluster's move, gains less losses, might as well have gone the other way.

    With clusters of one pair that is McNemar's exact test (1947). The total of the upward moves is a sum of binomials,
    one for each size of move.
    """
    sizes, counts = np.unique(np.abs(moves[moves != 0]), return_counts=True)
    chances = np.ones(1)
    for size, count in zip(sizes.tolist(), counts.tolist(), strict=True):
        steps = np.zeros(size * count + 1)
        steps[::size] = binom.pmf(np.arange(count + 1), count, 0.5)
        chances = np.convolve(chances, steps).astype(np.float64)
    upward = int(moves[moves > 0].sum())
    most = max(upward, len(chances) - 1 - upward)
    return min(1.0, 2 * float(chances[most:].sum()))
