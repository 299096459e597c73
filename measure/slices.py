"""By a carried column: the figures of each language, market, or whatever else a golden file brings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy.stats import fisher_exact, norm

from measure.answers import Answer, Estimate
from measure.figures import Figures, figures, share_of
from measure.multiple import false_discovery
from measure.samples import Bools, Sample, sample


@dataclass(frozen=True, slots=True)
class Slice:
    """The answers whose column `column` is `value`; None: those that don't have the column."""

    column: str
    value: str | None
    figures: Figures


@dataclass(frozen=True, slots=True)
class AgainstRest:
    """Whether the judge is right as often where `column` is `value` as elsewhere.

    `right` and `rest` are the shares of right answers, there and elsewhere. `p_value` is for the hypothesis that they
    differ by chance; `adjusted` allows for the number of values that were looked at (Benjamini and Hochberg).
    """

    column: str
    value: str | None
    right: Estimate
    rest: Estimate
    p_value: float
    adjusted: float


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


def against_rest(answers: Sequence[Answer], column: str, *, confidence: float = 0.95) -> tuple[AgainstRest, ...]:
    """One for each value of `column`, least adjusted p-value first. The answers are of one policy.

    Fisher's exact test; if answers come in clusters, a score test with the variance between clusters (Liang and Zeger
    1986). Answers without a label are left out.
    """
    labelled = [answer for answer in answers if answer.expected is not None]
    found, values = sample(labelled), [dict(answer.carried).get(column) for answer in labelled]
    distinct = sorted(set(values), key=lambda value: (value is None, value or ""))
    inside = [np.array([each == value for each in values], dtype=np.bool_) for value in distinct]
    p_values = [_p_value(found, mask) for mask in inside]
    right = found.truth == found.said
    compared = [
        AgainstRest(
            column=column,
            value=value,
            right=share_of(found, mask, right, confidence),
            rest=share_of(found, ~mask, right, confidence),
            p_value=p_value,
            adjusted=adjusted,
        )
        for value, mask, p_value, adjusted in zip(distinct, inside, p_values, false_discovery(p_values), strict=True)
    ]
    return tuple(sorted(compared, key=lambda each: each.adjusted))


def _p_value(found: Sample, inside: Bools) -> float:
    right = found.truth == found.said
    if inside.all() or right.all() or not right.any():
        return 1.0
    if not found.clustered:
        table = [[int((mask & hits).sum()) for hits in (right, ~right)] for mask in (inside, ~inside)]
        return float(fisher_exact(table).pvalue)
    weights = inside / inside.sum() - ~inside / (~inside).sum()
    apart = np.bincount(found.cluster, weights * (right - right.mean()))
    spread = sqrt(float(apart @ apart))
    return 2 * float(norm.sf(abs(float(apart.sum())) / spread)) if spread > 0 else 1.0
