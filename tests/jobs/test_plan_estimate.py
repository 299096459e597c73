"""Intervals of a plan from a sample: how often they hold, over many samples of known wholes."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from jobs.plan_estimate import Estimate, Sum, each_with, exactly, scaled

ROUNDS = 1_000


def cover(values: Sequence[float], share: float) -> float:
    """The share of samples whose interval holds the true sum."""
    rng, truth, held = random.Random(7), sum(values), 0
    for _ in range(ROUNDS):
        drawn = Sum()
        for value in values:
            if rng.random() < share:
                drawn.add(value)
        found = scaled(drawn, share)
        held += found.low <= truth <= found.high
    return held / ROUNDS


@pytest.mark.parametrize(
    ("values", "share"),
    [([1.0] * 20, 0.1), ([1.0] * 400, 0.05), ([1.0] * 100, 0.5), ([float(300 + n % 90) for n in range(200)], 0.1)],
)
def test_an_interval_of_95_percent_holds_about_that_often(values: Sequence[float], share: float) -> None:
    assert cover(values, share) >= 0.93


def test_what_contents_bring_is_held_by_its_bounds() -> None:
    rng, values, held = random.Random(8), [float(300 + n * n % 900) for n in range(300)], 0
    for _ in range(ROUNDS):
        sample = [value for value in values if rng.random() < 0.1]
        drawn = Sum(sum(sample), sum(value * value for value in sample))
        count = scaled(Sum(len(sample), len(sample)), 0.1)
        found = each_with(count, drawn, len(sample), 0.1, 1.0)
        held += found.low <= sum(values) <= found.high
    assert held / ROUNDS >= 0.95


def test_what_few_contents_bring_is_not_known_well() -> None:
    assert each_with(exactly(10), Sum(), 0, 0.1, 5.0) == exactly(50)
    assert each_with(exactly(10), Sum(7, 49), 1, 0.1, 5.0) == Estimate(70, 0, 140)
    assert each_with(exactly(10), Sum(7, 49), 1, 1.0, 5.0) == exactly(7)


def test_a_whole_is_no_estimate() -> None:
    assert scaled(Sum(2**60 + 1, 2**90), 1.0) == exactly(2**60 + 1)


def test_nothing_drawn_is_not_nothing_there() -> None:
    found = scaled(Sum(), 0.05)
    assert (found.value, found.low) == (0, 0)
    assert 70 < found.high < 80


def test_figures_add_up_with_their_bounds() -> None:
    part = scaled(Sum(10, 10), 0.5)
    total = part + part + exactly(5)
    assert (total.low, total.value, total.high) == (2 * part.low + 5, 45, 2 * part.high + 5)
    assert part.low < part.value == 20 < part.high
    left = total.left_of(100)
    assert left.low < left.value == 55 < left.high
    assert left.within(60, 60) == exactly(60)
    assert total.rounded().low <= total.low
