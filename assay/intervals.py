"""Intervals for rates: every rate that is reported has one.

The standard library's normal distribution, not scipy's: every command and replica would pay for that import.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import NamedTuple


class Interval(NamedTuple):
    low: float
    high: float


def wilson(hits: int, of: int, confidence: float = 0.95) -> Interval:
    """The Wilson score interval (Wilson 1927) of the rate hits / of, both whole numbers; 0 to 1 if there were none."""
    return score_limits(hits / of, of, normal_errors(confidence)) if of else Interval(0.0, 1.0)


def normal_errors(confidence: float) -> float:
    """How many standard errors of the normal distribution are on either side of an interval with this confidence."""
    return NormalDist().inv_cdf((1 + confidence) / 2)


def score_limits(value: float, n: float, errors: float) -> Interval:
    """Wilson's interval of a share of `n` answers, not always a whole number, within `errors` standard errors."""
    squared = errors * errors / n
    middle = (value + squared / 2) / (1 + squared)
    half = math.sqrt(squared * (value * (1 - value) + squared / 4)) / (1 + squared)
    return Interval(max(0.0, middle - half) if value else 0.0, min(1.0, middle + half) if value < 1 else 1.0)
