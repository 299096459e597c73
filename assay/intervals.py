"""Intervals for rates: every rate that is reported has one."""

from __future__ import annotations

from typing import NamedTuple

from scipy.stats import binomtest


class Interval(NamedTuple):
    low: float
    high: float


def wilson(hits: int, of: int, confidence: float = 0.95) -> Interval:
    """The Wilson score interval (Wilson 1927) of the rate hits / of, both whole numbers; 0 to 1 if there were none."""
    if of == 0:
        return Interval(0.0, 1.0)
    found = binomtest(hits, of).proportion_ci(confidence, method="wilson")
    return Interval(float(found.low), float(found.high))
