"""By a carried column: the figures of each language, market, or whatever else a golden file brings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from measure.answers import Answer
from measure.figures import Figures


@dataclass(frozen=True, slots=True)
class Slice:
    """The answers whose column `column` is `value`; None: those that don't have the column."""

    column: str
    value: str | None
    figures: Figures


def columns(answers: Sequence[Answer]) -> tuple[str, ...]:
    """The carried columns that any of the answers has, sorted."""
    raise NotImplementedError


def slices(
    answers: Sequence[Answer], column: str, *, confidence: float = 0.95, resamples: int = 2000, seed: int = 0
) -> tuple[Slice, ...]:
    """The figures for each value of `column`, the value with most answers first. The answers are of one policy."""
    raise NotImplementedError
