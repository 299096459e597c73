"""The figures of one policy, or of one slice of its answers: how often the judge is right, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from measure.answers import Answer, Estimate, unavailable
from measure.calibration import calibration_error
from measure.ranking import rank_figures
from measure.samples import Bools, Sample, sample
from measure.shares import correlation, residuals, share, sum_limits


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts of answers, and figures with their intervals. `docs/measuring.md` has each formula.

    `items` are distinct items, `answers` all answers to them (more with repeats), of which `unknown` have no label and
    are in no other count or figure. tp + fp + tn + fn = answers - unknown. A rejection is a false negative if the item
    violates, else a false positive, and is counted in `rejected` besides. `unscored` answers have a verdict but no
    score: they are in no figure of scores (auc, average_precision, ece). `clustered`: whether the intervals allow for
    items that share a source, or answers that share an item.
    """

    items: int
    answers: int
    unknown: int
    tp: int
    fp: int
    tn: int
    fn: int
    rejected: int
    unscored: int
    clustered: bool
    precision: Estimate
    recall: Estimate
    specificity: Estimate
    f1: Estimate
    balanced_accuracy: Estimate
    auc: Estimate
    average_precision: Estimate
    ece: Estimate
    rejection_rate: Estimate

    def estimate(self, name: str) -> Estimate:
        """The figure of that name, one of FIGURES. Raises KeyError."""
        if name not in FIGURES:
            raise KeyError(name)
        found: Estimate = getattr(self, name)
        return found


FIGURES = (
    "precision",
    "recall",
    "specificity",
    "f1",
    "balanced_accuracy",
    "auc",
    "average_precision",
    "ece",
    "rejection_rate",
)
"""The names of the figures, in the order in which they are shown."""

LOW_IS_GOOD = ("ece", "rejection_rate")


def figures(answers: Sequence[Answer], *, confidence: float = 0.95, resamples: int = 2000, seed: int = 0) -> Figures:
    """The figures of these answers, all under one policy. The same answers and seed give the same figures.

    Never raises for what the answers are: a figure that they can't give has None.
    """
    found = sample(answers)
    truth, said = found.truth, found.said
    recall = share_of(found, truth, said, confidence)
    specificity = share_of(found, ~truth, ~said, confidence)
    ranks = rank_figures(found, confidence, resamples, seed)
    return Figures(
        items=len({answer.item_id for answer in answers}),
        answers=len(answers),
        unknown=len(answers) - len(truth),
        tp=int((truth & said).sum()),
        fp=int((~truth & said).sum()),
        tn=int((~truth & ~said).sum()),
        fn=int((truth & ~said).sum()),
        rejected=int(found.rejected.sum()),
        unscored=int(np.isnan(found.score).sum()),
        clustered=found.clustered,
        precision=share_of(found, said, truth, confidence),
        recall=recall,
        specificity=specificity,
        f1=_f1(share_of(found, truth | said, truth & said, confidence)),
        balanced_accuracy=_balanced(found, recall, specificity),
        auc=ranks.auc,
        average_precision=ranks.average_precision,
        ece=calibration_error(found.scored, confidence, resamples, seed),
        rejection_rate=share_of(found, np.ones_like(truth), found.rejected, confidence),
    )


def share_of(found: Sample, of: Bools, hits: Bools, confidence: float) -> Estimate:
    """Of the answers `of`, the share that are also `hits`."""
    return share((of & hits).astype(np.float64), of.astype(np.float64), found.cluster, confidence)


def _f1(overlap: Estimate) -> Estimate:
    """From the share tp / (tp + fp + fn), of which F1 is a rising function: 2 s / (1 + s); so are its limits."""
    if overlap.value is None or overlap.low is None or overlap.high is None:
        return overlap
    value, low, high = (2 * each / (1 + each) for each in (overlap.value, overlap.low, overlap.high))
    return Estimate(value, low, high, overlap.n)


def _balanced(found: Sample, recall: Estimate, specificity: Estimate) -> Estimate:
    """The mean of recall and specificity, which hang together only where a cluster has items of both classes."""
    if recall.value is None or specificity.value is None:
        return unavailable(recall.n + specificity.n)
    truth, said = found.truth, found.said
    violating = residuals((truth & said).astype(np.float64), truth.astype(np.float64), found.cluster)
    allowed = residuals((~truth & ~said).astype(np.float64), (~truth).astype(np.float64), found.cluster)
    limits = sum_limits(recall, specificity, correlation(violating, allowed))
    value = (recall.value + specificity.value) / 2
    return Estimate(value, limits.low / 2, limits.high / 2, recall.n + specificity.n)
