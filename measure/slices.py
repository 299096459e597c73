"""By a carried column: the figures of each language, market, or whatever else a golden file brings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from measure.answers import Answer
from measure.figures import Figures, figures


@dataclass(frozen=True, slots=True)
class Slice:
    """The answers whose column `column` is `value`; None: those that don't have the column."""

    column: str
    value: str | None
    figures: Figures


def columns(answers: Sequence[Answer]) -> tuple[str, ...]:
    """The carried columns that any of the answers has, sorted."""
    return tuple(sorted({name for answer in answers for name, _ in answer.carried}))


def slices(
    answers: Sequence[Answer], column: str, *, confidence: float = 0.95, resamples: int = 2000, seed: int = 0
) -> tuple[Slice, ...]:
    """The figures for each value of `column`, the value with most answers first. The answers are of one policy."""
    by_value: dict[str | None, list[Answer]] = defaultdict(list)
    for answer in answers:
        by_value[dict(answer.carried).get(column)].append(answer)
    ordered = sorted(by_value.items(), key=lambda pair: (-len(pair[1]), pair[0] is None, pair[0] or ""))
    return tuple(
        Slice(column, value, figures(part, confidence=confidence, resamples=resamples, seed=seed))
        for value, part in ordered
    )
