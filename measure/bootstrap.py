"""The bootstrap by cluster: draw as many clusters as there are, with replacement, and see how a figure spreads."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np

from assay.intervals import Interval, score_limits
from measure.answers import Estimate
from measure.samples import Floats, Ints
from measure.shares import critical_value

_AT_ONCE = 1 << 19
"""How many weights are held at a time; beyond that memory is slower than it need be."""


def draws(cluster: Ints, resamples: int, seed: int) -> Iterator[Floats]:
    """How often each answer is in each resample: a row a resample, a block of rows at a time."""
    clusters, rng = int(cluster.max()) + 1, np.random.default_rng(seed)
    most = max(1, _AT_ONCE // len(cluster))
    for start in range(0, resamples, most):
        rows = min(most, resamples - start)
        drawn = rng.integers(clusters, size=(rows, clusters)) + np.arange(rows)[:, None] * clusters
        times = np.bincount(drawn.ravel(), minlength=rows * clusters).reshape(rows, clusters)
        yield times[:, cluster].astype(np.float64)


def resampled(figure: Callable[[Floats], Floats], cluster: Ints, resamples: int, seed: int) -> Floats:
    """`figure` of each resample's weights; rows or values, in the order of drawing."""
    return np.concatenate([figure(weights) for weights in draws(cluster, resamples, seed)])


def logit_estimate(value: float, spread: Floats, n: int, clusters: int, confidence: float) -> Estimate:
    """A figure of 0 to 1, its interval from the standard error of its resampled values on the logit scale.

    `clusters` are those of the class that has fewer: it limits what is known, so Student's t has a degree of freedom
    for each of them but one, and at 0 or 1, where there is no such scale, the interval is the score interval of a share
    of so many. Of one cluster nothing follows for others. Resamples that do not have the figure are nan, and left out.
    """
    if clusters < 2:
        return Estimate(value, 0.0, 1.0, n)
    critical = critical_value(confidence, clusters)
    had = spread[~np.isnan(spread)]
    error = float(had.std(ddof=1)) if len(had) > 1 else 0.0
    if 0 < value < 1 and error > 0:
        limits = _logit_limits(value, critical * error / (value * (1 - value)))
    else:
        limits = score_limits(value, clusters, critical)
    return Estimate(value, min(value, limits.low), max(value, limits.high), n)


def _logit_limits(value: float, half: float) -> Interval:
    odds = math.log(value / (1 - value))
    low, high = (1 / (1 + math.exp(-np.clip(odds + move, -700, 700))) for move in (-half, half))
    return Interval(float(low), float(high))
