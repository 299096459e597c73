"""The figures of one policy: against scikit-learn, for odd answers, and what rejections and unknown labels do."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from assay.intervals import wilson
from measure.answers import Answer, Estimate
from measure.figures import FIGURES, Figures, figures
from tests.measure.builders import answer, drawn, is_sound, rejected

NOTHING = (None, None, None)


def limits(estimate: Estimate) -> tuple[float | None, float | None, float | None]:
    return estimate.value, estimate.low, estimate.high


@pytest.mark.parametrize("seed", range(5))
def test_values_are_those_of_scikit_learn(seed: int) -> None:
    answers = drawn(200 + seed, seed)
    truth, said = [a.expected for a in answers], [a.violation for a in answers]
    scores = [a.score for a in answers]
    found = figures(answers, resamples=50)
    expected = {
        "precision": metrics.precision_score(truth, said),
        "recall": metrics.recall_score(truth, said),
        "specificity": metrics.recall_score(truth, said, pos_label=False),
        "f1": metrics.f1_score(truth, said),
        "balanced_accuracy": metrics.balanced_accuracy_score(truth, said),
        "auc": metrics.roc_auc_score(truth, scores),
        "average_precision": metrics.average_precision_score(truth, scores),
    }
    assert {name: found.estimate(name).value for name in expected} == pytest.approx(expected)
    assert metrics.confusion_matrix(truth, said).ravel().tolist() == [found.tn, found.fp, found.fn, found.tp]


def test_shares_of_independent_items_have_wilsons_interval() -> None:
    found = figures(drawn(100, 1), resamples=10, confidence=0.9)
    assert (found.recall.low, found.recall.high) == wilson(found.tp, found.tp + found.fn, 0.9)
    assert (found.precision.low, found.precision.high) == wilson(found.tp, found.tp + found.fp, 0.9)
    assert not found.clustered


def test_a_rejection_is_the_wrong_answer_and_is_counted_besides() -> None:
    answers = [answer("1"), answer("2"), answer("3", expected=False, violation=False)]
    found = figures([*answers, rejected(answer("4")), rejected(answer("5", expected=False))])
    assert (found.tp, found.fp, found.tn, found.fn, found.rejected) == (2, 1, 1, 1, 2)
    assert found.recall.value == pytest.approx(2 / 3)
    assert found.precision.value == pytest.approx(2 / 3)
    assert found.rejection_rate.value == pytest.approx(2 / 5)


def test_a_rejection_is_at_the_wrong_end_of_the_scores() -> None:
    right = [answer("1", score=0.9), answer("2", expected=False, violation=False, score=0.1)]
    assert figures(right).auc.value == 1
    assert figures([*right, rejected(answer("3"))]).auc.value == 0.5
    assert figures([*right, rejected(answer("3", expected=False))]).auc.value == 0.5
    assert figures([*right, rejected(answer("3"))]).ece.value == pytest.approx((0.1 + 0.1 + 1) / 3, abs=0.3)


def test_an_unknown_label_changes_no_figure_and_is_counted() -> None:
    answers = drawn(60, 2)
    unknown = [answer("x", expected=None, score=0.1), answer("y", expected=None, violation=None)]
    with_unknown, without = figures([*answers, *unknown], resamples=50), figures(answers, resamples=50)
    assert (with_unknown.unknown, with_unknown.items, with_unknown.answers, with_unknown.rejected) == (2, 62, 62, 0)
    assert all(with_unknown.estimate(name) == without.estimate(name) for name in FIGURES)


@pytest.mark.parametrize(
    ("answers", "had"),
    [
        ([], set()),
        ([answer(expected=None)], set()),
        ([answer(score=0.9)], {"precision", "recall", "f1", "ece", "rejection_rate"}),
        ([answer(str(n), score=0.9) for n in range(9)], {"precision", "recall", "f1", "ece", "rejection_rate"}),
        ([answer(expected=False, violation=False)], {"specificity", "rejection_rate"}),
        ([answer(), answer("2", violation=False)], {"precision", "recall", "f1", "rejection_rate"}),
        ([answer(violation=None)], {"recall", "f1", "rejection_rate"}),
        (
            [answer(violation=None), answer("2", expected=False, violation=None)],
            {"precision", "recall", "specificity", "f1", "balanced_accuracy", "rejection_rate"},
        ),
    ],
    ids=["none", "unlabelled", "one", "one class", "an allowed one", "no scores", "a rejection", "rejections"],
)
def test_what_can_not_be_had_is_none(answers: list[Answer], had: set[str]) -> None:
    found = figures(answers, resamples=20)
    assert {name for name in FIGURES if found.estimate(name).known} == had
    assert all(is_sound(found.estimate(name)) for name in FIGURES)


ANY = st.builds(
    answer,
    st.sampled_from("abcdef"),
    expected=st.sampled_from([True, False, None]),
    violation=st.sampled_from([True, False, None]),
    score=st.one_of(st.none(), st.sampled_from([0.0, 0.25, 0.5, 1.0]), st.floats(0, 1)),
    group=st.sampled_from(["", "g", "h"]),
    repeat=st.integers(0, 2),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(ANY, max_size=30))
def test_any_answers_have_sound_figures(answers: list[Answer]) -> None:
    found = figures(answers, resamples=20)
    assert found.tp + found.fp + found.tn + found.fn == found.answers - found.unknown
    assert all(is_sound(found.estimate(name)) for name in FIGURES)


def test_a_seed_gives_the_same_figures_and_the_order_of_answers_the_same_values() -> None:
    answers = drawn(80, 3)
    assert figures(answers, resamples=50, seed=4) == figures(answers, resamples=50, seed=4)
    assert figures(answers, resamples=50, seed=4).auc != figures(answers, resamples=50, seed=5).auc
    turned = figures(answers[::-1], resamples=50)
    assert [turned.estimate(name).value for name in FIGURES] == pytest.approx(
        [figures(answers, resamples=50).estimate(name).value for name in FIGURES]
    )


def test_only_named_figures_are_found() -> None:
    with pytest.raises(KeyError):
        figures([]).estimate("tp")


def width(found: Figures, name: str) -> float:
    estimate = found.estimate(name)
    assert estimate.low is not None
    assert estimate.high is not None
    return estimate.high - estimate.low


@pytest.mark.parametrize("name", [name for name in FIGURES if name != "ece"])
def test_copies_of_items_in_one_group_tell_nothing_new(name: str) -> None:
    once = drawn(60, 5)
    copies = [answer(f"{a.item_id}.{n}", expected=a.expected, violation=a.violation, score=a.score, group=a.item_id)
              for a in once for n in range(4)]  # fmt: skip
    alone, grouped = figures(once, resamples=500), figures(copies, resamples=500)
    assert grouped.clustered
    assert grouped.estimate(name).value == pytest.approx(alone.estimate(name).value)
    assert width(grouped, name) == pytest.approx(width(alone, name), rel=0.2)


def test_repeats_of_an_item_are_one_cluster() -> None:
    once = drawn(60, 6)
    again = [answer(a.item_id, expected=a.expected, violation=a.violation, score=a.score, repeat=n)
             for a in once for n in range(5)]  # fmt: skip
    found = figures(again, resamples=50)
    assert (found.items, found.answers, found.clustered) == (60, 300, True)
    assert width(found, "recall") > 0.9 * width(figures(once, resamples=50), "recall")


def test_a_single_cluster_says_nothing_of_others() -> None:
    found = figures([answer(str(n), violation=n > 3, group="one", score=n / 9) for n in range(9)], resamples=20)
    assert (found.recall.low, found.recall.high) == (0, 1)
    assert (found.ece.low, found.ece.high) == (0, 1)


def test_scores_that_some_answers_lack() -> None:
    answers = [*drawn(50, 7), answer("x"), answer("y", expected=False, violation=False)]
    found = figures(answers, resamples=20)
    assert (found.unscored, found.auc.n, found.rejection_rate.n) == (2, 50, 52)


def test_thousands_of_answers_are_resampled_in_parts() -> None:
    found = figures(drawn(3000, 8), resamples=400)
    assert all(found.estimate(name).known for name in FIGURES)
    assert np.isclose(width(found, "auc"), 0.025, atol=0.01)
