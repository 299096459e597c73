"""AUC over several policies, and how much better one system ranks the same cases than another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from measure.answers import Answer, Estimate, unavailable
from measure.bootstrap import logit_estimate, resampled
from measure.paired import difference_of
from measure.ranking import Ranking, clusters
from measure.samples import Floats, Ints, Sample, sample

_NOWHERE = np.zeros(0, dtype=np.int64)


def auc_difference(
    before: Sequence[Answer],
    after: Sequence[Answer],
    *,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Estimate:
    """`mean_auc` of `after` less that of `before`: answers of two systems to the same cases, in the same order.

    Both have their intervals from the same resamples by cluster, which also say how far they vary together; the
    interval of the difference follows from the three (Zou and Donner 2008). None if no policy has cases of both labels.
    Raises ValueError if the cases differ.
    """
    if list(map(_case, before)) != list(map(_case, after)):
        raise ValueError("only answers to the same cases, in the same order, can be compared")
    first, second = _MeanAuc(before), _MeanAuc(after)
    if not first.known:
        return unavailable(len(before))
    spread = resampled(lambda weights: np.stack([first(weights), second(weights)], 1), first.cluster, resamples, seed)
    one, two = (mean.estimate(column, confidence) for mean, column in zip((first, second), spread.T, strict=True))
    return difference_of(one, two, _together(spread[~np.isnan(spread).any(axis=1)]))


def mean_auc(answers: Sequence[Answer], *, confidence: float = 0.95, resamples: int = 2000, seed: int = 0) -> Estimate:
    """The mean over the policies of the AUC of each; of one policy its AUC. All policies weigh the same.

    Scores under different policies are never compared, so it does not matter which of them is violated more often.
    Policies without cases of both labels are left out; None if that is all.
    """
    mean = _MeanAuc(answers)
    if not mean.known:
        return unavailable(len(answers))
    return mean.estimate(resampled(mean, mean.cluster, resamples, seed), confidence)


class _MeanAuc:
    """The orders by score, a policy at a time, worked out once: a resample is but new weights for them."""

    def __init__(self, answers: Sequence[Answer]) -> None:
        labelled = [answer for answer in answers if answer.expected is not None]
        found = sample(labelled)
        self.cluster = found.cluster
        self._rankings = [(places, Ranking(some)) for places in _places(labelled) if _both(some := _at(found, places))]
        self._counted = _at(found, np.concatenate([places for places, _ in self._rankings] or [_NOWHERE]))

    @property
    def known(self) -> bool:
        return bool(self._rankings)

    def __call__(self, weights: Floats) -> Floats:
        """A value for each row of weights; nan where a policy has lost one of its labels."""
        aucs = [ranking.figures(weights[:, places])[:, 0] for places, ranking in self._rankings]
        mean: Floats = np.mean(aucs, axis=0)
        return mean

    def estimate(self, spread: Floats, confidence: float) -> Estimate:
        n, truth = len(self._counted.truth), self._counted.truth
        value = float(self(np.ones((1, len(self.cluster))))[0])
        fewer = min(clusters(self._counted, truth), clusters(self._counted, ~truth))
        return logit_estimate(value, spread, n, fewer, confidence)


def _case(answer: Answer) -> tuple[str, str, bool | None]:
    return answer.policy_id, answer.item_id, answer.expected


def _places(answers: Sequence[Answer]) -> list[Ints]:
    found: dict[str, list[int]] = defaultdict(list)
    for place, answer in enumerate(answers):
        found[answer.policy_id].append(place)
    return [np.array(places, dtype=np.int64) for places in found.values()]


def _at(found: Sample, places: Ints) -> Sample:
    chosen = np.zeros(len(found.truth), dtype=np.bool_)
    chosen[places] = True
    return found.only(chosen)


def _both(some: Sample) -> bool:
    return bool(some.truth.any()) and not bool(some.truth.all())


def _together(spread: Floats) -> float:
    """The correlation of both columns; 0 if one of them does not vary."""
    if len(spread) < 2 or (spread == spread[0]).all(axis=0).any():
        return 0.0
    return float(np.corrcoef(spread.T)[0, 1])
