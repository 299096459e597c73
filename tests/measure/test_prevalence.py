"""Prevalence from verdicts and labels: closed forms, unbiasedness, and how often the intervals hold the truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from assay.intervals import wilson
from measure.answers import Estimate
from measure.prevalence import (
    FEWEST_MISSES,
    Labelled,
    labelled_share,
    prediction_powered,
    prevalence,
    raw_rate,
)
from measure.samples import Bools, Floats
from measure.sampling import draw, probabilities

LOWEST, HIGHEST = 0.92, 0.98
"""95 %, and what 400 rounds leave to chance."""


def held(truth: float, estimate: Estimate) -> bool:
    assert estimate.low is not None
    assert estimate.high is not None
    return estimate.low <= truth <= estimate.high


def drawn(truth: Bools, score: Floats, labels: int, rng: np.random.Generator) -> list[Labelled]:
    chances = probabilities(np.clip(score, 1e-4, 1), labels)
    return [Labelled(bool(truth[i]), bool(score[i] >= 0.5), 1 / chances[i]) for i in draw(chances, rng)]


def judged(rate: float, items: int, rng: np.random.Generator) -> tuple[Bools, Floats]:
    """A judge with recall 0.8 and precision 0.8 at 0.5 %, of whose misses one in four looks like all else."""
    truth = rng.random(items) < rate
    seen = truth & (rng.random(items) < 0.95)
    logit = np.where(seen, rng.normal(2, 2, items), rng.normal(-5, 1.6, items))
    return truth, 1 / (1 + np.exp(-logit))


def test_the_raw_rate_is_what_was_flagged() -> None:
    assert raw_rate(30, 1000) == Estimate(0.03, *wilson(30, 1000), 1000)
    assert not raw_rate(0, 0).known


@pytest.mark.parametrize(("hits", "of"), [(0, 3), (1, 3), (3, 3), (4, 200), (0, 200)])
def test_without_weights_a_share_is_wilsons(hits: int, of: int) -> None:
    found = labelled_share([Labelled(i < hits) for i in range(of)])
    assert found.value == pytest.approx(hits / of)
    assert (found.low, found.high) == pytest.approx(wilson(hits, of), abs=1e-9)
    assert found.n == of


def test_equal_weights_shrink_the_interval_by_the_part_that_was_labelled() -> None:
    """Half of all labelled: as good as twice as many from a large whole."""
    found = labelled_share([Labelled(i < 10, weight=2.0) for i in range(100)])
    assert (found.low, found.high) == pytest.approx(wilson(20, 200))


def test_weights_count_an_item_for_those_that_it_stands_for() -> None:
    labels = [Labelled(True, weight=2.0), Labelled(True, weight=4.0), Labelled(False, weight=94.0)]
    assert labelled_share(labels).value == pytest.approx(0.06)


def test_a_census_leaves_nothing_open() -> None:
    found = labelled_share([Labelled(i == 0, weight=1.0) for i in range(4)])
    assert (found.low, found.value, found.high) == (0.25, 0.25, 0.25)


def test_what_was_drawn_for_certain_says_nothing_of_the_rest() -> None:
    """All 20 likely items violate, none of 80 of the other 380: these may still hide as many as 80 can."""
    found = labelled_share([Labelled(True, weight=1.0)] * 20 + [Labelled(False, weight=4.75)] * 80)
    assert (found.value, found.low) == (pytest.approx(0.05), pytest.approx(0.05))
    assert found.high == pytest.approx(0.05 + 0.95 * wilson(0, round(80 / (1 - 1 / 4.75)))[1], rel=0.02)


def test_missing_weights_among_others_are_the_mean_of_those() -> None:
    labels = [Labelled(i < 5, weight=None if i % 2 else 3.0) for i in range(40)]
    assert labelled_share(labels) == labelled_share([replace(label, weight=3.0) for label in labels])


def test_a_weight_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        labelled_share([Labelled(True, weight=0.5)])


def test_the_difference_estimator_is_the_raw_rate_less_what_it_is_off() -> None:
    """Of 100 labels 10 are false alarms and 5 misses: 5 points too high."""
    labels = [Labelled(False, True)] * 10 + [Labelled(True, False)] * 5 + [Labelled(True, True)] * 25
    labels += [Labelled(False, False)] * 60
    found = prediction_powered(labels, 3000, 10_000)
    plain = labelled_share(labels)
    assert found.value == pytest.approx(0.30 - 0.10 + 0.05)
    assert (found.high or 0) - (found.low or 0) < (plain.high or 0) - (plain.low or 0)


def test_a_rejected_item_was_not_flagged() -> None:
    labels = [Labelled(i < 10, False if i % 2 else None) for i in range(60)] + [Labelled(False, True)] * 3
    assert prediction_powered(labels, 500, 10_000).value == pytest.approx(0.05 + (10 - 3) / 63)


def test_the_verdicts_help_only_where_their_errors_can_be_seen() -> None:
    agreed = [Labelled(i < 20, i < 20) for i in range(200)]
    assert prediction_powered(agreed, 100, 1000) == labelled_share(agreed)
    few = [Labelled(True, False)] * (FEWEST_MISSES - 1) + [Labelled(False, True)] * 9 + agreed
    assert prediction_powered(few, 100, 1000) == labelled_share(few)
    assert prediction_powered([Labelled(True, False), *few], 100, 1000) != labelled_share([Labelled(True, False), *few])
    assert prediction_powered([], 10, 100) == Estimate(None, None, None, 0)


def test_all_figures_together() -> None:
    labels = [Labelled(i < 2, i < 1) for i in range(50)]
    found = prevalence(labels, 40, 1000)
    assert found.raw == raw_rate(40, 1000)
    assert found.labelled == found.powered == labelled_share(labels)
    assert found.powered_as_labelled
    seen = [*labels, *[Labelled(True, False)] * FEWEST_MISSES, Labelled(False, True)]
    assert not prevalence(seen, 40, 1000).powered_as_labelled


def test_estimates_from_a_sample_by_risk_are_unbiased_and_their_intervals_hold_the_truth() -> None:
    rng, rounds, items = np.random.default_rng(1), 400, 10_000
    rows = []
    for turn in range(rounds):
        truth, score = judged(0.001 * 10 ** (turn / rounds), items, rng)
        labels = drawn(truth, score, 500, rng)
        rate, flagged = float(truth.mean()), int((score >= 0.5).sum())
        share, powered = labelled_share(labels), prediction_powered(labels, flagged, items)
        rows.append(((share.value or 0) - rate, (powered.value or 0) - rate, held(rate, share), held(rate, powered)))
    plain_off, powered_off, plain_held, powered_held = np.array(rows, dtype=np.float64).T
    for off in (plain_off, powered_off):
        assert abs(off.mean()) < 3 * off.std() / np.sqrt(rounds)
    assert LOWEST <= plain_held.mean() <= HIGHEST
    assert LOWEST <= powered_held.mean() <= HIGHEST


def test_without_their_weights_such_labels_would_be_far_off() -> None:
    rng = np.random.default_rng(2)
    truth, score = judged(0.005, 20_000, rng)
    labels = drawn(truth, score, 500, rng)
    assert (labelled_share([replace(label, weight=None) for label in labels]).value or 0) > 0.02
    assert held(float(truth.mean()), labelled_share(labels))
