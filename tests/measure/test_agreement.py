"""Exact match over policies, agreement with oneself, and kappa."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import cohens_kappa

from assay.intervals import wilson
from measure.agreement import exact_match, kappa, self_agreement
from tests.measure.builders import answer, drawn, is_sound


def test_an_item_is_right_if_every_policy_with_a_label_is() -> None:
    answers = [
        answer("right", policy_id="a"),
        answer("right", policy_id="b", expected=False, violation=False),
        answer("half", policy_id="a"),
        answer("half", policy_id="b", violation=False),
        answer("half", policy_id="c"),
        answer("half known", policy_id="a"),
        answer("half known", policy_id="b", expected=None, violation=False),
        answer("rejected", policy_id="a"),
        answer("rejected", policy_id="b", violation=None),
        answer("unknown", policy_id="a", expected=None),
    ]
    found = exact_match(answers)
    assert (found.value, found.n) == (0.5, 4)
    assert (found.low, found.high) == wilson(2, 4)


def test_each_repeat_is_tried_by_itself_in_one_cluster() -> None:
    answers = [answer(str(n), violation=n % 2 == 0, repeat=r) for n in range(20) for r in range(5)]
    found = exact_match(answers)
    low, high = wilson(10, 20)
    assert (found.value, found.n) == (0.5, 100)
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.03)


def test_no_labels_no_match() -> None:
    assert exact_match([]).value is None
    assert exact_match([answer(expected=None)]).value is None


def test_a_judge_that_wavers() -> None:
    said = {"steady": [True] * 4, "split": [True, True, False, False], "once": [True, True, True, False]}
    said |= {"rejected": [False, False, False, None]}
    answers = [answer(item, violation=v, repeat=r) for item, verdicts in said.items() for r, v in enumerate(verdicts)]
    (found,) = self_agreement([*answers, answer("asked once"), answer("steady", policy_id="other")])
    assert (found.policy_id, found.items, found.repeats) == ("spam", 4, 4)
    assert found.unanimous.value == 0.25
    assert (found.unanimous.low, found.unanimous.high) == wilson(1, 4)
    assert found.disagreement.value == pytest.approx((0 + 4 / 6 + 3 / 6 + 3 / 6) / 4)
    assert is_sound(found.disagreement)
    assert found.wavering == ("split", "once", "rejected")


def test_labels_play_no_part_in_agreement_with_oneself() -> None:
    answers = [answer(str(n), expected=None, violation=r < n, repeat=r) for n in range(4) for r in range(3)]
    (found,) = self_agreement(answers)
    assert found.unanimous.value == 0.5


def test_a_judge_that_never_wavered_may_yet() -> None:
    (found,) = self_agreement([answer(str(n), repeat=r) for n in range(30) for r in range(3)])
    assert (found.unanimous.value, found.disagreement.value) == (1, 0)
    assert 0.8 < (found.unanimous.low or 0) < 0.95
    assert 0.05 < (found.disagreement.high or 0) < 0.2


def test_asked_once_there_is_no_agreement_with_oneself() -> None:
    assert self_agreement([answer("1"), answer("2")]) == ()


@pytest.mark.parametrize("seed", range(4))
def test_kappa_is_that_of_scikit_learn_with_an_interval_near_that_of_statsmodels(seed: int) -> None:
    answers = drawn(800, seed, share=0.4)
    truth, said = [a.expected for a in answers], [a.violation for a in answers]
    found = kappa(answers)
    assert found.value == pytest.approx(cohen_kappa_score(truth, said))
    table = np.histogram2d(np.array(truth, float), np.array(said, float), bins=2)[0]
    theirs = cohens_kappa(table)
    assert (found.low, found.high) == pytest.approx((theirs.kappa_low, theirs.kappa_upp), abs=0.01)


def test_kappa_at_its_ends() -> None:
    both = [answer("1"), answer("2", expected=False, violation=False)] * 10
    mixed = [answer(str(n), expected=a.expected, violation=a.violation) for n, a in enumerate(both)]
    perfect = kappa(mixed)
    assert perfect.value == 1
    assert (perfect.low or 1) < 0.9
    opposite = kappa([answer(str(n), expected=n % 2 == 0, violation=n % 2 == 1) for n in range(20)])
    assert opposite.value == -1
    assert is_sound(opposite, least=-1)
    assert kappa([answer(str(n)) for n in range(9)]).value is None
    assert kappa([]).value is None
