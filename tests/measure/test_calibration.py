"""Bins for the plot and the calibration error."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.calibration import calibration_curve

from assay.intervals import wilson
from measure.calibration import Binning, calibration
from measure.figures import figures
from tests.measure.builders import answer, drawn, scored


@pytest.mark.parametrize(("binning", "strategy"), [(Binning.EQUAL_WIDTH, "uniform"), (Binning.EQUAL_MASS, "quantile")])
def test_bins_are_those_of_scikit_learn(binning: Binning, strategy: str) -> None:
    rng = np.random.default_rng(1)
    score = rng.random(500)
    answers = scored(rng.random(500) < score, score)
    rates, means = calibration_curve([a.expected for a in answers], score, n_bins=10, strategy=strategy)
    found = calibration(answers, binning=binning, resamples=10)
    assert [each.rate.value for each in found.bins] == pytest.approx(rates.tolist())
    assert [each.mean_score for each in found.bins] == pytest.approx(means.tolist())
    shares = np.array([each.rate.n for each in found.bins]) / 500
    assert found.ece.value == pytest.approx(float(np.abs(rates - means) @ shares))


def test_a_bin_has_wilsons_interval_and_its_own_ends() -> None:
    answers = [answer(str(n), expected=n < 4, score=0.2 + n / 1000) for n in range(10)]
    (only,) = calibration(answers, resamples=10).bins
    assert (only.low, only.high) == pytest.approx((0.2, 0.209))
    assert (only.rate.low, only.rate.high) == wilson(4, 10)


def test_equal_scores_stay_together_and_empty_bins_are_left_out() -> None:
    answers = [answer(str(n), expected=n % 2 == 0, score=0.01 if n < 150 else 0.99) for n in range(200)]
    for binning in Binning:
        assert [each.rate.n for each in calibration(answers, binning=binning, resamples=10).bins] == [150, 50]


def test_few_answers_make_few_bins_of_equal_mass() -> None:
    assert len(calibration(drawn(35, 1), resamples=10).bins) == 3
    assert len(calibration(drawn(5, 1), resamples=10).bins) == 1


def test_no_scores_no_bins() -> None:
    found = calibration([answer()])
    assert (found.bins, found.ece.value) == ((), None)


def test_the_figures_have_the_error_over_bins_of_equal_mass() -> None:
    answers = drawn(200, 2)
    assert figures(answers, resamples=50).ece == calibration(answers, resamples=50).ece


def test_a_judge_as_sure_as_it_is_right_can_be_without_error() -> None:
    rng = np.random.default_rng(3)
    score = rng.random(300)
    found = calibration(scored(rng.random(300) < score, score), resamples=500).ece
    assert found.low == 0
    assert found.value is not None
    assert found.value > 0, "chance alone makes gaps"


def test_an_error_that_is_nothing_by_luck_has_no_narrow_interval() -> None:
    truth = np.array([1] * 4 + [1] * 2 + [0] * 2 + [0] * 4, bool)
    score = np.array([0.99] * 4 + [0.01] * 2 + [0.99] * 2 + [0.01] * 4)
    found = calibration(scored(truth, score), resamples=200).ece
    assert found.value == pytest.approx(0)
    assert (found.high or 0) > 0.2
