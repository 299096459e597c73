"""From a sample to the whole: sums over contents that were drawn independently, each with the same probability."""

from __future__ import annotations

import math
from dataclasses import dataclass

_Z = 1.959964
"""Of a 95 % interval."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure and its 95 % interval; all three are equal where nothing was estimated."""

    value: float
    low: float
    high: float

    def __add__(self, other: Estimate) -> Estimate:
        """The bounds are added too: of figures that rest on one sample, that is not too narrow."""
        return Estimate(self.value + other.value, self.low + other.low, self.high + other.high)

    def times(self, factor: float) -> Estimate:
        return Estimate(self.value * factor, self.low * factor, self.high * factor)

    def within(self, least: float, most: float) -> Estimate:
        """What is known for certain narrows it."""
        return Estimate(*(min(max(each, least), most) for each in (self.value, self.low, self.high)))

    def at_most(self, other: Estimate) -> Estimate:
        """Neither the figure nor its upper bound is above the other's."""
        return Estimate(min(self.value, other.value), min(self.low, other.value), min(self.high, other.high))

    def rounded(self) -> Estimate:
        return Estimate(round(self.value), math.floor(self.low), math.ceil(self.high))

    def left_of(self, whole: float) -> Estimate:
        """`whole` less this."""
        return Estimate(whole - self.value, whole - self.high, whole - self.low)


def exactly(value: float) -> Estimate:
    return Estimate(value, value, value)


@dataclass(slots=True)
class Sum:
    """The sum of what each drawn content brings, and of its squares."""

    total: float = 0
    squares: float = 0

    def add(self, value: float, times: int = 1) -> None:
        self.total += value * times
        self.squares += value * value * times


def scaled(drawn: Sum, share: float) -> Estimate:
    """The sum over all contents, of which each was drawn with probability `share`.

    Horvitz and Thompson's estimate. Its interval is the score interval of a count of n contents, n being the number of
    equal ones that would spread as much as these do (Kish): total squared over the sum of squares. If none was drawn
    that brings anything, the upper bound takes each that may have been missed to bring 1.
    """
    if share >= 1:
        return exactly(drawn.total)
    spread = _Z * _Z * (1 - share)
    if not drawn.total:
        return Estimate(0, 0, spread / share)
    n = drawn.total * drawn.total / drawn.squares
    middle, half = 2 * n + spread, math.sqrt((2 * n + spread) ** 2 - 4 * n * n)
    value = drawn.total / share
    return Estimate(value, value * (middle - half) / (2 * n), value * (middle + half) / (2 * n))


def each_with(count: Estimate, brings: Sum, drawn: int, share: float, otherwise: float) -> Estimate:
    """What `count` contents bring, of which `drawn` were drawn and brought so much; `otherwise` each if none was.

    The bounds are those of the count times those of the mean (Student's), so at least as wide as they must be.
    """
    if share >= 1:
        return exactly(brings.total)
    if not drawn:
        return count.times(otherwise)
    mean = brings.total / drawn
    if drawn == 1:
        return Estimate(count.value * mean, 0, count.high * 2 * mean)
    from scipy.special import stdtrit  # here, because every run loads this module and few estimate

    variance = max(0.0, brings.squares - brings.total * mean) / (drawn - 1)
    half = float(stdtrit(drawn - 1, 0.975)) * math.sqrt(variance / drawn * (1 - share))
    return Estimate(count.value * mean, count.low * max(0.0, mean - half), count.high * (mean + half))
