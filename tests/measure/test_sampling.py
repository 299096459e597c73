"""Drawing items to label: known probabilities, a floor, and the same sample for the same seed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from measure.sampling import FLOOR, draw, generator, probabilities, risk, unscored_risk

RISKS = st.lists(st.floats(1e-4, 1), min_size=1, max_size=60).map(np.array)


@given(RISKS, st.integers(1, 60))
def test_probabilities_sum_to_the_labels_and_leave_nobody_out(risks: np.ndarray, labels: int) -> None:
    chances = probabilities(risks, labels)
    wanted = min(labels, len(risks))
    assert chances.sum() == pytest.approx(wanted)
    assert (chances <= 1).all()
    assert (chances >= FLOOR * wanted / len(risks) * (1 - 1e-9)).all()
    assert (np.diff(chances[np.argsort(risks)]) >= -1e-12).all()


@given(RISKS, st.integers(1, 60), st.integers(0, 99))
def test_so_many_are_drawn_and_none_twice(risks: np.ndarray, labels: int, seed: int) -> None:
    drawn = draw(probabilities(risks, labels), np.random.default_rng(seed))
    assert len(drawn) == len(set(drawn.tolist())) == min(labels, len(risks))


def test_equal_risks_are_a_simple_random_sample() -> None:
    assert probabilities(np.full(50, 0.3), 10) == pytest.approx(np.full(50, 0.2))


def test_probability_goes_with_the_root_of_the_risk() -> None:
    chances = probabilities(np.array([0.01] * 50 + [0.04] * 50), 10, floor=0)
    assert chances[-1] / chances[0] == pytest.approx(2)


def test_the_unlikely_keep_a_tenth_of_their_chance() -> None:
    chances = probabilities(np.array([1e-4] + [1.0] * 999), 10)
    assert 0.001 <= chances[0] < 0.0012
    crowded = probabilities(np.array([1e-4] * 1000 + [1.0] * 19), 20)
    assert crowded[0] >= 0.1 * 20 / 1019


def test_a_small_table_is_labelled_whole() -> None:
    assert probabilities(np.array([0.5, 0.1, 0.9]), 200).tolist() == [1, 1, 1]
    assert sorted(draw(np.ones(3), np.random.default_rng(0)).tolist()) == [0, 1, 2]
    assert len(draw(probabilities(np.empty(0), 200), np.random.default_rng(0))) == 0


def test_what_is_certain_is_always_drawn() -> None:
    chances = probabilities(np.array([1.0, *[1e-4] * 30]), 4)
    assert chances[0] == 1
    assert all(0 in draw(chances, np.random.default_rng(seed)) for seed in range(20))


def test_each_item_is_drawn_as_often_as_its_probability_says() -> None:
    chances = probabilities(np.geomspace(1e-4, 1, 40), 8)
    rng, rounds = np.random.default_rng(0), 4000
    times = np.bincount(np.concatenate([draw(chances, rng) for _ in range(rounds)]), minlength=40) / rounds
    error = np.sqrt(chances * (1 - chances) / rounds)
    assert (np.abs(times - chances) < 4.5 * error + 1e-9).all()


def test_a_seed_is_a_sample_and_policies_are_independent() -> None:
    chances = probabilities(np.geomspace(1e-4, 1, 500), 20)
    first, again = (draw(chances, generator(7, "spam")).tolist() for _ in range(2))
    assert first == again
    assert first != draw(chances, generator(8, "spam")).tolist()
    assert first != draw(chances, generator(7, "scam")).tolist()


def test_risk_is_the_score_or_else_what_the_judge_says() -> None:
    nothing, some, sure = risk(np.array([0.0, 0.3, 1.0]))
    assert (some, sure) == (0.3, 1.0)
    assert 0 < nothing < unscored_risk(False, "high") < unscored_risk(False, "low")
    assert unscored_risk(False, "low") < unscored_risk(True, "low") < unscored_risk(True, "high")


def test_a_risk_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="above 0"):
        probabilities(np.array([0.0, 0.5]), 1)
