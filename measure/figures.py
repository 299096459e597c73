"""The figures of one policy, or of one slice of its answers: how often the judge is right, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from measure.answers import Answer, Estimate


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
        raise NotImplementedError


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
    raise NotImplementedError
