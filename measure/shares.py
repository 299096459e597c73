"""Intervals of shares: of answers that are independent, of answers that come in clusters, and of sums of two shares.

Independent answers have Wilson's score interval. For clusters it is computed for the effective number of answers: as
many independent ones as would spread like these do (Dean and Pavlou 2015, Franco et al. 2019). Unlike a bootstrap it
says something where all answers are right, and it covers what it says from some ten clusters on.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy.special import stdtrit

from assay.intervals import Interval, score_limits, wilson
from measure.answers import Estimate, unavailable
from measure.samples import Floats, Ints


class Residuals(NamedTuple):
    """What each cluster has beyond its part of the hits; their squares sum to the variance of the share."""

    beyond: Floats
    counted: int

    @property
    def variance(self) -> float:
        """Of a ratio of two sums over clusters, linearised (Cochran 1977, 6.5)."""
        return float(self.beyond @ self.beyond) * self.counted / max(1, self.counted - 1)


def share(hits: Floats, of: Floats, cluster: Ints, confidence: float) -> Estimate:
    """Sum of `hits` over sum of `of`, which is 0 or 1 for each answer; hits are 0 to 1, and 0 where `of` is 0."""
    n = round(float(of.sum()))
    if not n:
        return unavailable()
    value = float(hits.sum()) / n
    whole = bool(((hits == 0) | (hits == 1)).all())
    if whole and np.bincount(cluster, of).max() <= 1:
        limits = wilson(round(float(hits.sum())), n, confidence)
    else:
        limits = _clustered(hits, of, cluster, confidence)
    return Estimate(value, min(value, limits.low), max(value, limits.high), n)


def _clustered(hits: Floats, of: Floats, cluster: Ints, confidence: float) -> Interval:
    """Of one cluster nothing follows for others. Where all answers are alike, clusters are taken to be of one mind."""
    found, n, value = residuals(hits, of, cluster), float(of.sum()), float(hits.sum() / of.sum())
    if found.counted == 1:
        return Interval(0.0, 1.0)
    if 0 < value < 1:
        effective = n if found.variance == 0 else min(n, value * (1 - value) / found.variance)
    else:
        sizes = np.bincount(cluster, of)
        effective = n * n / float(sizes @ sizes)
    return score_limits(value, effective, critical_value(confidence, found.counted))


def residuals(hits: Floats, of: Floats, cluster: Ints) -> Residuals:
    n = float(of.sum())
    sizes = np.bincount(cluster, of)
    return Residuals((np.bincount(cluster, hits) - float(hits.sum()) / n * sizes) / n, int(np.count_nonzero(sizes)))


def correlation(first: Residuals, second: Residuals) -> float:
    """How two shares of the same clusters vary together, -1 to 1; 0 if one of them does not vary."""
    spread = math.sqrt(float(first.beyond @ first.beyond) * float(second.beyond @ second.beyond))
    return float(np.clip(float(first.beyond @ second.beyond) / spread, -1.0, 1.0)) if spread > 0 else 0.0


def critical_value(confidence: float, clusters: int) -> float:
    """How many standard errors: Student's, with a degree of freedom for each cluster but one."""
    return float(stdtrit(clusters - 1, (1 + confidence) / 2))


def sum_limits(first: Estimate, second: Estimate, together: float) -> Interval:
    """Limits of the sum of two figures from their own, `together` being their correlation.

    The method of variance estimates recovery (Zou and Donner 2008); with Wilson's limits of two independent shares it
    is Newcombe's method 10 (1998). Raises ValueError for a figure that can't be had.
    """
    (a, a_low, a_high), (b, b_low, b_high) = _known(first), _known(second)
    below = _length(a - a_low, b - b_low, together)
    above = _length(a_high - a, b_high - b, together)
    return Interval(a + b - below, a + b + above)


def _known(estimate: Estimate) -> tuple[float, float, float]:
    if estimate.value is None or estimate.low is None or estimate.high is None:
        raise ValueError("a figure that can't be had has no limits")
    return estimate.value, estimate.low, estimate.high


def _length(first: float, second: float, together: float) -> float:
    return math.sqrt(max(0.0, first * first + second * second + 2 * together * first * second))
