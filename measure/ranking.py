"""Figures of a ranking by score: the area under the ROC curve, and average precision."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from measure.answers import Estimate, unavailable
from measure.bootstrap import logit_estimate, resampled
from measure.samples import Bools, Floats, Sample


class RankFigures(NamedTuple):
    auc: Estimate
    average_precision: Estimate


def rank_figures(sample: Sample, confidence: float, resamples: int, seed: int) -> RankFigures:
    """Both, from one bootstrap. None without scores, or if all items are of one class."""
    scored = sample.scored
    n, violating, allowed = len(scored.truth), clusters(scored, scored.truth), clusters(scored, ~scored.truth)
    if not violating or not allowed:
        return RankFigures(unavailable(n), unavailable(n))
    ranking = Ranking(scored)
    auc, precision = ranking.figures(np.ones((1, n)))[0]
    spread = resampled(ranking.figures, scored.cluster, resamples, seed)
    fewer = min(violating, allowed)
    return RankFigures(
        logit_estimate(float(auc), spread[:, 0], n, fewer, confidence),
        logit_estimate(float(precision), spread[:, 1], n, fewer, confidence),
    )


def clusters(scored: Sample, of: Bools) -> int:
    """How many clusters hold at least one of these answers."""
    return len(np.unique(scored.cluster[of]))


class Ranking:
    """The order by score, worked out once, so that a resample is but new weights for it."""

    def __init__(self, scored: Sample) -> None:
        self._order = np.argsort(-scored.score, kind="stable")
        self._truth = scored.truth[self._order].astype(np.float64)
        score = scored.score[self._order]
        self._ends = np.flatnonzero(np.append(score[1:] != score[:-1], True))

    def figures(self, weights: Floats) -> Floats:
        """A row of auc and average precision for each row of weights; nan where one can't be had.

        auc: the share of pairs of a violation and an allowed item in which the violation has the higher score, equal
        scores counting half (Mann and Whitney 1947). Average precision: the precision at each score that occurs,
        weighted by the recall that it adds, not interpolated.
        """
        ordered = weights[:, self._order]
        found = np.cumsum(ordered * self._truth, axis=1)[:, self._ends]
        flagged = np.cumsum(ordered, axis=1)[:, self._ends]
        added = np.diff(found, axis=1, prepend=0.0)
        alarms = np.diff(flagged - found, axis=1, prepend=0.0)
        violations = found[:, -1]
        pairs = violations * (flagged[:, -1] - violations)
        precision = np.divide(found, flagged, out=np.zeros_like(found), where=flagged > 0)
        return np.stack(
            [
                _ratio(((found - added / 2) * alarms).sum(axis=1), pairs),
                _ratio((added * precision).sum(axis=1), violations),
            ],
            axis=1,
        )


def _ratio(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.full_like(part, np.nan), where=whole > 0)
