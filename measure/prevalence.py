"""How much of all content really violates a policy, from the judge's verdicts on all and people's labels of some.

Three figures, none of which stands for another: what the judge flagged (`raw_rate`), what people found in a sample
(`labelled_share`), and that sample helped by the verdicts on everything (`prediction_powered`). Which to use, and how
far to trust their intervals: docs/prevalence.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from assay.intervals import Interval, normal_errors, score_limits, wilson
from measure.answers import Estimate, unavailable
from measure.samples import Floats

FEWEST_MISSES = 5
"""So many violations that the judge let pass must be among the labels before its verdicts may help."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """One item with what a person said (`truth`: it violates), what the judge said, and its sampling weight.

    `weight` is one over the probability with which the item was drawn to be labelled, so at least 1; None if every
    item was as likely as any other. `flagged` is None if the judge rejected the item.
    """

    truth: bool
    flagged: bool | None = None
    weight: float | None = None


@dataclass(frozen=True, slots=True)
class Prevalence:
    """The share of items that violate a policy, estimated in two ways. `raw` estimates something else."""

    raw: Estimate
    labelled: Estimate
    powered: Estimate

    @property
    def powered_as_labelled(self) -> bool:
        """Whether the labels have too few of the judge's errors to correct its verdicts by."""
        return self.powered == self.labelled


def prevalence(labels: Sequence[Labelled], flagged: int, items: int, *, confidence: float = 0.95) -> Prevalence:
    """All three figures: of `items` the judge flagged `flagged`."""
    return Prevalence(
        raw=raw_rate(flagged, items, confidence=confidence),
        labelled=labelled_share(labels, confidence=confidence),
        powered=prediction_powered(labels, flagged, items, confidence=confidence),
    )


def raw_rate(flagged: int, items: int, *, confidence: float = 0.95) -> Estimate:
    """The share that the judge flags, its errors included; Wilson's interval."""
    if not items:
        return unavailable()
    value, limits = flagged / items, wilson(flagged, items, confidence)
    return Estimate(value, min(value, limits.low), max(value, limits.high), items)


def labelled_share(labels: Sequence[Labelled], *, confidence: float = 0.95) -> Estimate:
    """The share that people find violating, each label counted with its weight (Hajek 1971); verdicts play no part.

    The interval is the score interval for the effective number of labels: as many of a simple random sample as would
    spread like these. Items that were drawn for certain are known, so only the others are uncertain. Labels that are
    missing at random do no harm. With equal weights it is Wilson's interval, with the correction for a finite
    population if the weights say how large it is. Raises ValueError for a weight below 1.
    """
    if not labels:
        return unavailable()
    truth, weights = _truth(labels), _weights(labels)
    value, chosen = float(truth @ weights / weights.sum()), weights > _CERTAIN
    if not chosen.any():
        return Estimate(value, value, value, len(labels))
    rest = float(truth[chosen] @ weights[chosen] / weights[chosen].sum())
    limits = _limits(rest, truth[chosen], weights[chosen], confidence)
    part = float(weights[chosen].sum() / weights.sum())
    low, high = (value + part * (limit - rest) for limit in limits)
    return Estimate(value, min(value, low), max(value, high), len(labels))


def prediction_powered(labels: Sequence[Labelled], flagged: int, items: int, *, confidence: float = 0.95) -> Estimate:
    """The judge's rate on everything plus, from the labels, how much it is off: the difference estimator.

    (Cassel, Saerndal, Wretman 1976; prediction-powered inference, Angelopoulos et al. 2023, with weights.) It assumes
    nothing of the judge. Its interval needs differences to measure: with fewer than FEWEST_MISSES misses or no false
    alarm among the labels, and if the estimate is no share, it is `labelled_share`.
    Raises ValueError for a weight below 1.
    """
    plain = labelled_share(labels, confidence=confidence)
    said = np.array([bool(label.flagged) for label in labels], dtype=np.float64)
    truth, weights = _truth(labels), _weights(labels)
    off = truth - said
    misses, alarms = (np.count_nonzero((off == sign) & (weights > _CERTAIN)) for sign in (1, -1))
    if not items or misses < FEWEST_MISSES or not alarms:
        return plain
    value = flagged / items + float(off @ weights / weights.sum())
    if not 0 < value < 1:
        return plain
    limits = _limits(value, off, weights, confidence)
    return Estimate(value, min(value, limits.low), max(value, limits.high), len(labels))


def _truth(labels: Sequence[Labelled]) -> Floats:
    return np.array([label.truth for label in labels], dtype=np.float64)


def _weights(labels: Sequence[Labelled]) -> Floats:
    """A missing weight is the mean of the others; without any, all are equal and large."""
    given = np.array([np.nan if label.weight is None else label.weight for label in labels], dtype=np.float64)
    if (given < 1).any():
        raise ValueError("a sampling weight is one over a probability, so at least 1")
    known = given[~np.isnan(given)]
    return np.where(np.isnan(given), known.mean() if len(known) else _LARGE, given)


_LARGE = 1e9
"""The weight of each label where there are none: so large that the correction for a finite population is nothing."""

_CERTAIN = 1 + 1e-9
"""Up to this weight an item was drawn for certain."""

_NOTHING = 1e-18
"""A variance of no more than this is rounding."""


def _limits(value: float, measured: Floats, weights: Floats, confidence: float) -> Interval:
    """The score interval of `value` for the effective number of labels, from the variance of the mean of `measured`.

    Variance: Hajek's, for samples of near maximum entropy (1964). Where none can be seen, as without a violation, the
    effective number is that of equal weights of the harmonic mean: what violations would weigh if they were drawn as
    the sample was meant to draw them.
    """
    whole, drawn = float(weights.sum()), 1 / weights
    beyond = (measured - float(measured @ weights) / whole) * weights / whole
    left = 1 - drawn
    centred = beyond - float(left @ beyond) / float(left.sum())
    variance = float(left @ (centred * centred))
    if 0 < value < 1 and variance > _NOTHING:
        effective = value * (1 - value) / variance
    else:
        effective = whole * float(drawn.mean()) / (1 - float(drawn.mean()))
    return score_limits(value, effective, normal_errors(confidence))
