"""Other thresholds than the judge's own: what each would bring, and which one reaches a wanted precision or recall."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from measure.answers import Answer, Estimate, unavailable
from measure.figures import share_of
from measure.samples import Bools, Floats, Ints, Sample, sample

MOST = 101
"""Thresholds that are looked at; more are thinned."""
FOLDS = 5


@dataclass(frozen=True, slots=True)
class Point:
    """What comes of it if everything with a score of at least `threshold` is taken for a violation.

    A rejection stays wrong at every threshold. `flagged` is the share of all scored or rejected answers with a label
    that would be flagged; a rejection is not.
    """

    threshold: float
    precision: Estimate
    recall: Estimate
    specificity: Estimate
    flagged: Estimate


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """The best threshold whose wanted figure has a lower bound of at least `target`.

    `figure` is "precision" or "recall". `point` has the figures on the answers by which the threshold was chosen, so
    its bounds flatter it. `held_out` is the wanted figure on answers that had no say: each fifth of the items (or
    groups) is judged by the threshold that the other four fifths would have chosen.
    """

    figure: str
    target: float
    point: Point
    held_out: Estimate

    @property
    def holds(self) -> bool:
        """Whether the lower bound also reaches the target on answers that had no say in the choice."""
        return self.held_out.low is not None and self.held_out.low >= self.target


def sweep(answers: Sequence[Answer], *, confidence: float = 0.95, most: int = MOST) -> tuple[Point, ...]:
    """A point for each score that occurs, lowest threshold first; if more than `most`, as many, spread evenly by rank.

    Empty if no answer has both a label and a score.
    """
    scored = sample(answers).scored
    return tuple(_point(scored, float(threshold), confidence) for threshold in _thresholds(scored, most))


def operating_point(
    answers: Sequence[Answer],
    *,
    precision: float | None = None,
    recall: float | None = None,
    confidence: float = 0.95,
    seed: int = 0,
) -> OperatingPoint | None:
    """The threshold with the highest recall of those that reach `precision`, or the other way round.

    Of equally good ones the highest. None if no threshold reaches it. Exactly one of `precision` and `recall` must be
    given, else ValueError.
    """
    if (precision is None) == (recall is None):
        raise ValueError("an operating point is for a precision or for a recall: give one of them")
    figure, target = ("recall", recall) if recall is not None else ("precision", precision or 0.0)
    search = _Search(figure, target, confidence)
    scored = sample(answers).scored
    chosen = search.best(scored)
    if chosen is None:
        return None
    return OperatingPoint(figure, target, _point(scored, chosen, confidence), _held_out(scored, search, seed))


def _thresholds(scored: Sample, most: int) -> Floats:
    found = np.unique(scored.score[~scored.rejected])
    return found if len(found) <= most else found[np.linspace(0, len(found) - 1, most).round().astype(int)]


def _flagged(scored: Sample, thresholds: float | Floats) -> Bools:
    """By a threshold, or by one of each answer's own; a rejection as the wrong verdict."""
    flagged: Bools = np.where(scored.rejected, ~scored.truth, scored.score >= thresholds)
    return flagged


def _point(scored: Sample, threshold: float, confidence: float) -> Point:
    flagged, everything = _flagged(scored, threshold), np.ones_like(scored.truth)
    return Point(
        threshold=threshold,
        precision=share_of(scored, flagged, scored.truth, confidence),
        recall=share_of(scored, scored.truth, flagged, confidence),
        specificity=share_of(scored, ~scored.truth, ~flagged, confidence),
        flagged=share_of(scored, everything, flagged & ~scored.rejected, confidence),
    )


class _Candidate(NamedTuple):
    """A threshold: the lower bound of the figure that is wanted, and the value of the other one."""

    low: float
    other: float
    threshold: float


@dataclass(frozen=True, slots=True)
class _Search:
    """How a threshold is chosen."""

    figure: str
    target: float
    confidence: float

    def best(self, scored: Sample) -> float | None:
        """The threshold with the best other figure of those whose lower bound reaches the target."""
        return _best([each for each in self._candidates(scored) if each.low >= self.target])

    def closest(self, scored: Sample) -> float | None:
        """The same, or if none reaches it the one whose lower bound is highest; None if there is no score at all."""
        candidates = self._candidates(scored)
        reached = min(self.target, max((each.low for each in candidates), default=0.0))
        return _best([each for each in candidates if each.low >= reached])

    def wanted(self, scored: Sample, flagged: Bools) -> Estimate:
        of, hits = (flagged, scored.truth) if self.figure == "precision" else (scored.truth, flagged)
        return share_of(scored, of, hits, self.confidence)

    def _candidates(self, scored: Sample) -> list[_Candidate]:
        return [self._candidate(scored, float(threshold)) for threshold in _thresholds(scored, MOST)]

    def _candidate(self, scored: Sample, threshold: float) -> _Candidate:
        flagged = _flagged(scored, threshold)
        of = scored.truth if self.figure == "precision" else flagged
        other = (scored.truth & flagged).sum() / max(1, of.sum())
        return _Candidate(self.wanted(scored, flagged).low or 0.0, float(other), threshold)


def _best(candidates: list[_Candidate]) -> float | None:
    found = max(candidates, key=lambda each: (each.other, each.threshold), default=None)
    return found.threshold if found else None


def _held_out(scored: Sample, search: _Search, seed: int) -> Estimate:
    folds = _folds(scored, seed)
    thresholds = np.zeros(len(folds))
    for fold in np.unique(folds):
        chosen = search.closest(scored.only(folds != fold))
        if chosen is None:
            return unavailable()
        thresholds[folds == fold] = chosen
    return search.wanted(scored, _flagged(scored, thresholds))


def _folds(scored: Sample, seed: int) -> Ints:
    """The fold of each answer: whole clusters, shuffled, those with a violation and those without dealt out evenly."""
    clusters = int(scored.cluster.max()) + 1
    violating = np.bincount(scored.cluster, scored.truth) > 0
    order = np.lexsort((np.random.default_rng(seed).random(clusters), violating))
    dealt = np.empty(clusters, dtype=np.int64)
    dealt[order] = np.arange(clusters) % FOLDS
    return dealt[scored.cluster]
