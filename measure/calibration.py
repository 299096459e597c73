"""Calibration: whether of the items with score 0.8 eight in ten are violations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from measure.answers import Answer, Estimate, unavailable
from measure.bootstrap import resampled
from measure.samples import Bools, Floats, Ints, Sample, sample
from measure.shares import share


class Binning(StrEnum):
    """EQUAL_MASS puts about as many answers into each bin (equal scores stay together); EQUAL_WIDTH cuts 0 to 1."""

    EQUAL_MASS = "equal_mass"
    EQUAL_WIDTH = "equal_width"


BINS = 10
_NOTHING = 1e-9
LEAST = 10
"""As many bins of equal mass as hold so many answers each, but at most BINS."""


@dataclass(frozen=True, slots=True)
class Bin:
    """Answers with scores of `low` to `high`: their mean score, and the share of violations among them."""

    low: float
    high: float
    mean_score: float
    rate: Estimate


@dataclass(frozen=True, slots=True)
class Calibration:
    """Bins that hold at least one answer, lowest first, and the expected calibration error over them."""

    binning: Binning
    bins: tuple[Bin, ...]
    ece: Estimate


def calibration(
    answers: Sequence[Answer],
    *,
    binning: Binning = Binning.EQUAL_MASS,
    bins: int = BINS,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Calibration:
    """Bins for a plot and the ECE. No bins, and an ECE of None, if no answer has both a label and a score.

    Of equal mass there are fewer bins than asked for if they would hold fewer than LEAST answers.
    """
    scored = sample(answers).scored
    if not len(scored.truth):
        return Calibration(binning, (), unavailable())
    places = _places(scored.score, binning, bins)
    shown = tuple(_bin(scored, places == place, confidence) for place in range(int(places.max()) + 1))
    return Calibration(binning, shown, _ece(scored, places, confidence, resamples, seed))


def calibration_error(scored: Sample, confidence: float, resamples: int, seed: int) -> Estimate:
    """The ECE over bins of equal mass; None if nothing has a score."""
    if not len(scored.truth):
        return unavailable()
    return _ece(scored, _places(scored.score, Binning.EQUAL_MASS, BINS), confidence, resamples, seed)


def _places(score: Floats, binning: Binning, bins: int) -> Ints:
    """The bin of each answer, counted from 0 over the bins that are not empty."""
    if binning is Binning.EQUAL_MASS:
        bins = max(1, min(bins, len(score) // LEAST))
    inner = np.arange(1, bins) / bins
    edges = np.quantile(score, inner) if binning is Binning.EQUAL_MASS else inner
    found: Ints = np.unique(np.searchsorted(edges, score, side="right"), return_inverse=True)[1]
    return found


def _bin(scored: Sample, inside: Bools, confidence: float) -> Bin:
    score = scored.score[inside]
    rate = share(scored.truth.astype(np.float64) * inside, inside.astype(np.float64), scored.cluster, confidence)
    return Bin(float(score.min()), float(score.max()), float(score.mean()), rate)


def _ece(scored: Sample, places: Ints, confidence: float, resamples: int, seed: int) -> Estimate:
    """The mean over the answers of their bin's |share of violations - mean score| (Naeini, Cooper, Hauskrecht 2015).

    It is too high by construction: chance alone makes gaps, and a bootstrap adds them a second time. So the interval
    holds those errors that make the observed one likely: all gaps are scaled by a factor, what the bootstrap says of
    chance is put on top, and the factors for which the observed error is between the outer quantiles are kept. What
    is outside them is half of what `confidence` leaves: in simulations with all of it the intervals were too narrow.
    An error that is smaller than chance alone makes it is luck: its upper end is that of what chance makes.
    """
    n, clusters = len(places), int(scored.cluster.max()) + 1
    gaps = np.zeros((n, int(places.max()) + 1))
    gaps[np.arange(n), places] = (scored.truth - scored.score) / n
    observed = gaps.sum(axis=0)
    value = float(np.abs(observed).sum())
    if clusters < 2:
        return Estimate(value, 0.0, 1.0, n)
    inside = np.bincount(places)
    unbiased = np.sqrt(inside / np.maximum(1, inside - 1))
    chance = (resampled(lambda weights: weights @ gaps, scored.cluster, resamples, seed) - observed) * unbiased

    spread = np.sqrt((chance**2).mean(axis=0))
    gap = observed / value if value > _NOTHING else spread / max(_NOTHING, spread.sum())

    def quantile(error: float, level: float) -> float:
        return float(np.quantile(np.abs(error * gap + chance).sum(axis=1), level))

    outside = (1 - confidence) / 4
    likely = max(value, quantile(0.0, 0.5))
    low = _first(lambda error: quantile(error, 1 - outside) >= value)
    high = _first(lambda error: quantile(error, outside) > likely)
    return Estimate(value, min(value, low), max(value, high), n)


def _first(holds: Callable[[float], bool]) -> float:
    """The least error for which it holds, to a ten-thousandth; it holds for all above that. 1 if it never does."""
    low, high = 0.0, 1.0
    if holds(low):
        return low
    while high - low > 0.0001:
        middle = (low + high) / 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high
