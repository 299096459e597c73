"""Pairs: against scipy and statsmodels, clusters, rejected sides; and counts carried over to a whole source."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.stats import binomtest
from statsmodels.stats.contingency_tables import mcnemar

from assay.intervals import wilson
from measure.answers import Estimate
from measure.paired import Comparison, Pair, compare, extrapolate


def compared(both: int, lost: int, gained: int, neither: int) -> Comparison:
    sides = [(True, True)] * both + [(True, False)] * lost + [(False, True)] * gained + [(False, False)] * neither
    return compare([Pair(str(n), "", before, after) for n, (before, after) in enumerate(sides)])


@pytest.mark.parametrize("table", [(20, 3, 9, 40), (0, 5, 0, 0), (1, 7, 7, 1), (50, 0, 0, 50), (9, 120, 80, 4000)])
def test_the_p_value_is_mcnemars(table: tuple[int, int, int, int]) -> None:
    both, lost, gained, neither = table
    found = compared(*table)
    assert (found.lost, found.gained, found.pairs) == (lost, gained, sum(table))
    assert found.p_value == pytest.approx(mcnemar([[both, lost], [gained, neither]], exact=True).pvalue)
    if lost + gained:
        assert found.p_value == pytest.approx(binomtest(gained, gained + lost).pvalue)


def test_rates_and_their_difference() -> None:
    found = compared(20, 4, 10, 66)
    assert (found.before.low, found.before.high) == wilson(24, 100)
    assert (found.after.low, found.after.high) == wilson(30, 100)
    assert (found.gained_share.low, found.gained_share.high) == wilson(10, 100)
    assert (found.lost_share.low, found.lost_share.high) == wilson(4, 100)
    assert found.difference.value == pytest.approx(0.06)


def test_the_difference_has_newcombes_interval() -> None:
    found = compared(36, 2, 0, 12)
    before, after = wilson(38, 50), wilson(36, 50)
    phi = (36 * 12 - 2 * 0) / np.sqrt(38 * 12 * 36 * 14)
    below, above = (0.72 - after.low, before.high - 0.76), (after.high - 0.72, 0.76 - before.low)
    low, high = (np.sqrt(a * a + b * b - 2 * phi * a * b) for a, b in (below, above))
    assert (found.difference.low, found.difference.high) == pytest.approx((-0.04 - low, -0.04 + high))


def test_a_rejected_side_is_counted_and_left_out() -> None:
    found = compare([Pair("1", "", True, None), Pair("2", "", None, None), Pair("3", "", True, False)])
    assert (found.pairs, found.unpaired, found.lost) == (1, 2, 1)


def test_no_pairs_no_figures() -> None:
    found = compare([Pair("1", "", None, True)])
    assert (found.p_value, found.difference.value, found.before.value, found.gained_share.value) == (
        1,
        None,
        None,
        None,
    )
    assert compared(5, 0, 0, 5).difference.value == 0


def test_the_p_value_of_groups_counts_every_way_they_could_have_moved() -> None:
    moves = {"a": 3, "b": 2, "c": -1, "d": 2, "e": 0}
    pairs = [
        Pair(f"{group}{n}", group, moves[group] < 0, moves[group] > 0)
        for group in moves
        for n in range(abs(moves[group]))
    ]
    pairs += [Pair("e1", "e", True, False), Pair("e2", "e", False, True)]
    totals = [abs(sum(way)) for way in itertools.product(*((-abs(move), abs(move)) for move in moves.values() if move))]
    assert compare(pairs).p_value == pytest.approx(float(np.mean([total >= 6 for total in totals])))


def test_copies_in_a_group_are_no_new_evidence() -> None:
    sides = [(False, True)] * 6 + [(True, True)] * 20
    alone = compare([Pair(str(n), "", *side) for n, side in enumerate(sides)])
    copied = compare([Pair(f"{n}.{c}", str(n), *side) for n, side in enumerate(sides) for c in range(5)])
    assert copied.p_value == pytest.approx(alone.p_value)
    assert (copied.difference.low or 1) < (alone.difference.low or 0) + 0.02


@pytest.mark.parametrize(("hits", "n", "population"), [(5, 4, 10), (-1, 4, 10), (2, 11, 10)])
def test_a_sample_that_can_not_be(hits: int, n: int, population: int) -> None:
    with pytest.raises(ValueError, match="at most the next"):
        extrapolate(hits, n, population)


def test_counts_carried_over() -> None:
    assert extrapolate(3, 10, 10) == Estimate(3.0, 3.0, 3.0, 10)
    assert extrapolate(0, 0, 10).value is None
    assert extrapolate(0, 0, 0).value is None
    few = extrapolate(0, 100, 10_000)
    assert (few.value, few.low) == (0, 0)
    assert 300 < (few.high or 0) < 420
    nearly = extrapolate(4, 9, 10)
    assert (nearly.low, nearly.high) == (4, 5)


def test_what_was_drawn_is_known() -> None:
    low, high = wilson(50, 500)
    found = extrapolate(50, 500, 1000)
    assert (found.high or 0) - (found.low or 0) == pytest.approx(1000 * (high - low) / np.sqrt(2), rel=0.05)


def test_a_large_population_has_wilsons_limits() -> None:
    low, high = wilson(30, 200)
    found = extrapolate(30, 200, 10**9)
    assert (found.low, found.high) == pytest.approx((low * 1e9, high * 1e9), rel=1e-4)
