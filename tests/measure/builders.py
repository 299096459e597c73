"""Answers to try figures on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from measure.answers import Answer, Estimate


def answer(
    item_id: str = "1",
    *,
    expected: bool | None = True,
    violation: bool | None = True,
    score: float | None = None,
    group: str = "",
    policy_id: str = "spam",
    repeat: int = 0,
    rules: Sequence[str] = (),
    expected_rules: Sequence[str] = (),
    carried: Sequence[tuple[str, str]] = (),
) -> Answer:
    return Answer(
        item_id,
        group,
        policy_id,
        expected,
        violation,
        score,
        tuple(rules),
        tuple(expected_rules),
        tuple(carried),
        "" if violation is not None else "length",
        repeat,
    )


def scored(truth: NDArray[np.bool_], score: NDArray[np.float64], per_group: int = 1) -> list[Answer]:
    """An answer for each score, a violation from 0.5 on; so many neighbours share a group."""
    return [
        answer(
            str(place),
            expected=bool(label),
            violation=bool(each >= 0.5),
            score=float(each),
            group=f"group {place // per_group}" if per_group > 1 else "",
        )
        for place, (label, each) in enumerate(zip(truth, score, strict=True))
    ]


def drawn(n: int, seed: int, *, share: float = 0.3, apart: float = 2.0, per_group: int = 1) -> list[Answer]:
    """Random items whose scores tell violations from allowed ones better the further `apart` they are; with ties."""
    rng = np.random.default_rng(seed)
    truth = rng.random(n) < share
    score = 1 / (1 + np.exp(-2 * rng.normal(np.where(truth, apart / 2, -apart / 2), 1)))
    return scored(truth, np.round(score, 2), per_group)


def rejected(given: Answer) -> Answer:
    return replace(given, violation=None, score=None, rule_ids=(), reason="length")


def swapped(given: Answer) -> Answer:
    """The same answer beside the opposite label."""
    return replace(given, expected=None if given.expected is None else not given.expected)


def is_sound(estimate: Estimate, least: float = 0.0) -> bool:
    """Nothing is known, or value and limits are numbers in order and in range."""
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return (estimate.value, estimate.low, estimate.high) == (None, None, None)
    return least - 1e-12 <= estimate.low <= estimate.value <= estimate.high <= 1 + 1e-12
