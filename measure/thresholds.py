"""Other thresholds than the judge's own: what each would bring, and which one reaches a wanted precision or recall."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from measure.answers import Answer, Estimate


@dataclass(frozen=True, slots=True)
class Point:
    """What comes of it if everything with a score of at least `threshold` is taken for a violation.

    `flagged` is the share of all labelled answers that would be flagged.
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
    its bounds flatter it. `held_out` is the wanted figure on answers that had no say: each fifth of the items is
    judged by the threshold that the other four fifths would have chosen.
    """

    figure: str
    target: float
    point: Point
    held_out: Estimate

    @property
    def holds(self) -> bool:
        """Whether the lower bound also reaches the target on answers that had no say in the choice."""
        raise NotImplementedError


def sweep(answers: Sequence[Answer], *, confidence: float = 0.95, most: int = 101) -> tuple[Point, ...]:
    """A point for each score that occurs, lowest threshold first; if more than `most`, as many, spread evenly by rank.

    Empty if no answer has both a label and a score.
    """
    raise NotImplementedError


def operating_point(
    answers: Sequence[Answer],
    *,
    precision: float | None = None,
    recall: float | None = None,
    confidence: float = 0.95,
    seed: int = 0,
) -> OperatingPoint | None:
    """The threshold with the highest recall of those that reach `precision`, or the other way round.

    None if no threshold reaches it. Exactly one of `precision` and `recall` must be given, else ValueError.
    """
    raise NotImplementedError
