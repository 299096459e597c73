"""The figures of systems side by side: against scikit-learn, and what may and may not change them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn import metrics

from assay.errors import InputError
from measure.answers import Answer, Estimate
from measure.figures import figures
from tests.measure.builders import answer, drawn
from training.figures import EVERY, Report, Slice, Spread, report
from training.figures_auc import auc_difference, mean_auc
from training.figures_curves import LEAST, curve, fitted
from training.figures_following import following, paired
from training.predictions import JUDGE, Prediction, replace_predictions

QUICK = Spread(resamples=200)


def said(n: int, score: float | None, label: bool, **changes: str) -> Prediction:
    one = Prediction("tfidf", "spam", "test", "spam", "hash", f"key {n}", f"group {n}", label, score)
    return replace(one, **changes)


def predictions(
    system: str, part: str, apart: float, *, n: int = 300, seed: int = 0, shift: float = 0.0, policy: str = "spam"
) -> list[Prediction]:
    """Scores of random cases, the same cases for each system, which tell the labels better the further `apart`."""
    truth = np.random.default_rng(seed).random(n) < 0.4
    shared, own = np.random.default_rng(seed + 1).normal(size=n), np.random.default_rng(len(system)).normal(size=n)
    odds = np.where(truth, apart / 2, -apart / 2) + 0.8 * shared + 0.6 * own + shift
    return [
        said(place, float(score), bool(label), system=system, part=part, policy_id=policy, policy_hash=policy,
             key=f"{part} {place}", group=f"{part} {place}")
        for place, (score, label) in enumerate(zip(expit(odds), truth, strict=True))
    ]  # fmt: skip


def measured(folder: Path, rows: Sequence[Prediction], spread: Spread = QUICK) -> Report:
    replace_predictions(folder, rows)
    return report(folder, spread)


def pair(apart: float, other: float, n: int = 400, seed: int = 0) -> tuple[list[Answer], list[Answer]]:
    systems = [predictions(name, "test", some, n=n, seed=seed) for name, some in (("a", apart), ("bb", other))]
    first, second = ([answer(each.key, expected=each.label, violation=(each.score or 0) > 0.5, score=each.score)
                      for each in some] for some in systems)  # fmt: skip
    return first, second


def numbers(estimate: Estimate) -> tuple[float, float, float]:
    assert estimate.value is not None
    assert estimate.low is not None
    assert estimate.high is not None
    return estimate.low, estimate.value, estimate.high


@pytest.mark.parametrize("seed", range(3))
def test_figures_are_scikit_learns(tmp_path: Path, seed: int) -> None:
    test = predictions(JUDGE, "test", 2.0, seed=seed)
    found = measured(tmp_path, [*predictions(JUDGE, "valid", 2.0, seed=seed + 10), *test])
    row, fitted_curve = found.of(Slice(JUDGE, "test", "spam", EVERY)), found.calibrations[JUDGE].of("spam")
    assert row is not None
    truth, scores = [each.label for each in test], [each.score for each in test]
    verdicts = [fitted_curve.score(float(logit(score))) >= fitted_curve.threshold for score in scores]
    assert row.auc.value == pytest.approx(metrics.roc_auc_score(truth, scores))
    assert row.figures.auc == row.auc
    assert row.figures.average_precision.value == pytest.approx(metrics.average_precision_score(truth, scores))
    assert row.accuracy.value == pytest.approx(metrics.accuracy_score(truth, verdicts))
    assert row.figures.balanced_accuracy.value == pytest.approx(metrics.balanced_accuracy_score(truth, verdicts))
    assert row.figures.f1.value == pytest.approx(metrics.f1_score(truth, verdicts))


def test_a_worse_system_differs_for_certain(tmp_path: Path) -> None:
    rows = [each for part in ("valid", "test") for each in (*predictions(JUDGE, part, 2.5),
            *predictions("tfidf", part, 0.8), *predictions("minilm", part, 2.5))]  # fmt: skip
    found = measured(tmp_path, rows)
    worse, level = (found.of(Slice(name, "test", "spam", EVERY)) for name in ("tfidf", "minilm"))
    assert worse is not None
    assert level is not None
    assert worse.difference is not None
    assert level.difference is not None
    low, value, _ = numbers(worse.difference)
    assert value > low > 0.05
    low, _, high = numbers(level.difference)
    assert low < 0 < high
    judge = found.of(Slice(JUDGE, "test", "spam", EVERY))
    assert judge is not None
    assert judge.difference is None


def test_no_difference_where_the_judge_has_not_answered(tmp_path: Path) -> None:
    found = measured(tmp_path, [*predictions(JUDGE, "test", 2, n=50), *predictions("tfidf", "test", 2, n=60)])
    row = found.of(Slice("tfidf", "test", "spam", EVERY))
    assert row is not None
    assert row.difference is None


def test_differences_are_those_of_the_aucs_and_turn_round() -> None:
    first, second = pair(0.8, 2.0)
    low, value, high = numbers(auc_difference(first, second))
    truth = [each.expected for each in first]
    aucs = [metrics.roc_auc_score(truth, [each.score for each in some]) for some in (first, second)]
    assert value == pytest.approx(aucs[1] - aucs[0])
    assert numbers(auc_difference(second, first)) == pytest.approx((-high, -value, -low))


def test_what_two_systems_share_makes_the_difference_surer() -> None:
    first, second = pair(0.8, 2.0)
    low, _, high = numbers(auc_difference(first, second))
    alone = [numbers(mean_auc(some)) for some in (first, second)]
    apart = math.hypot(*(above - below for below, _, above in alone))
    assert high - low < 0.9 * apart


def test_a_system_does_not_differ_from_itself() -> None:
    first, _ = pair(1.0, 1.0)
    assert numbers(auc_difference(first, first)) == pytest.approx((0, 0, 0), abs=0.01)


def test_two_perfect_systems_are_not_known_to_be_level() -> None:
    perfect = [answer(str(n), expected=n < 10, score=0.9 if n < 10 else 0.1) for n in range(30)]
    low, value, high = numbers(auc_difference(perfect, perfect))
    assert value == 0
    assert low < -0.05
    assert high > 0.05


def test_intervals_of_differences_hold_the_truth() -> None:
    """At 95 %, of 120 samples: fewer than 106 would be chance once in a thousand."""
    first, second = pair(0.8, 1.6, n=40_000, seed=99)
    truth = auc_difference(first, second, resamples=2).value
    assert truth is not None
    held = [numbers(auc_difference(*pair(0.8, 1.6, n=150, seed=seed), resamples=200)) for seed in range(120)]
    assert sum(low <= truth <= high for low, _, high in held) >= 106


def test_copies_make_no_difference_surer() -> None:
    first, second = pair(0.8, 2.0, n=150)
    copied = [[replace(each, item_id=f"{each.item_id}.{n}", group=each.item_id) for each in some for n in range(4)]
              for some in (first, second)]  # fmt: skip
    low, _, high = numbers(auc_difference(first, second))
    below, _, above = numbers(auc_difference(*copied))
    assert above - below == pytest.approx(high - low, rel=0.15)


def test_only_the_same_cases_can_be_compared() -> None:
    first, second = pair(1, 1, n=20)
    with pytest.raises(ValueError, match="same cases"):
        auc_difference(first, second[::-1])


def test_the_mean_auc_compares_no_scores_of_different_policies() -> None:
    """Under one policy everything scores high, under the other low: pooled, that looks like knowledge."""
    high = [replace(each, policy_id="high", item_id=f"h{each.item_id}") for each in drawn(200, 1, share=0.8, apart=1)]
    low = [replace(each, score=(each.score or 0) / 9) for each in drawn(200, 2, share=0.1, apart=1)]
    aucs = [metrics.roc_auc_score([a.expected for a in some], [a.score for a in some]) for some in (high, low)]
    assert mean_auc([*high, *low]).value == pytest.approx(np.mean(aucs))
    assert (figures([*high, *low], resamples=20).auc.value or 0) > max(aucs)


def test_the_mean_auc_of_one_policy_is_its_auc() -> None:
    answers = drawn(150, 3)
    assert mean_auc(answers) == figures(answers).auc
    unknown = [answer("x", expected=None, score=0.1), *answers]
    assert mean_auc(unknown) == mean_auc(answers)


def test_policies_of_one_label_are_left_out_of_the_mean() -> None:
    answers, alike = drawn(150, 3), [answer(f"o{n}", score=0.5, policy_id="other") for n in range(9)]
    assert mean_auc([*alike, *answers]).value == mean_auc(answers).value
    assert not mean_auc(alike).known
    assert not auc_difference(alike, alike).known
    assert not mean_auc([]).known


def test_platts_sigmoid_makes_scores_honest(tmp_path: Path) -> None:
    """Scores that are far too sure, and too high: as good after calibration as they were before the distortion."""
    rows = [replace(each, score=float(expit(4 * logit(each.score) + 3))) for part in ("valid", "test")
            for each in predictions(JUDGE, part, 2.0, n=2000, seed=len(part))]  # fmt: skip
    found = measured(tmp_path, rows)
    row = found.of(Slice(JUDGE, "test", "spam", EVERY))
    assert row is not None
    assert (row.figures.ece.value or 1) < 0.04
    raw = figures([answer(each.key, expected=each.label, score=each.score) for each in rows if each.part == "test"])
    assert (raw.ece.value or 0) > 0.2


def test_the_sigmoid_is_the_most_likely_one() -> None:
    rows = predictions("tfidf", "valid", 2.0, n=500)
    found = curve(rows)
    truth = np.array([each.label for each in rows])
    odds = logit([each.score for each in rows])
    target = np.where(truth, (truth.sum() + 1) / (truth.sum() + 2), 1 / ((~truth).sum() + 2))

    def loss(slope: float, intercept: float) -> float:
        p = expit(slope * odds + intercept)
        return -float((target * np.log(p) + (1 - target) * np.log(1 - p)).sum())

    best = loss(found.slope, found.intercept)
    assert all(best <= loss(found.slope + a, found.intercept + b) for a in (-0.02, 0, 0.02) for b in (-0.02, 0, 0.02))


def test_the_threshold_has_the_best_balanced_accuracy() -> None:
    rows = predictions("tfidf", "valid", 2.0, n=300)
    found = curve(rows)
    truth, scores = [each.label for each in rows], [found.score(float(logit(each.score))) for each in rows]

    def balanced(threshold: float) -> float:
        return float(metrics.balanced_accuracy_score(truth, np.array(scores) >= threshold))

    assert balanced(found.threshold) == pytest.approx(max(balanced(each) for each in scores))
    assert found.threshold not in scores


@pytest.mark.parametrize("labels", [[], [True], [False, False]])
def test_without_both_labels_scores_stay_as_they_are(labels: list[bool]) -> None:
    found = curve([said(n, 0.3, label) for n, label in enumerate(labels)])
    assert (found.slope, found.intercept, found.threshold) == (1, 0, 0.5)


def test_a_system_that_ranks_backwards_is_not_turned_round() -> None:
    rows = [replace(each, label=not each.label) for each in predictions("tfidf", "valid", 3.0)]
    found = curve(rows)
    assert found.slope > 0
    assert 0 <= found.score(2.0) - found.score(-2.0) < 0.001
    assert found.score(0.0) == pytest.approx(np.mean([each.label for each in rows]), abs=0.02)


def test_perfect_scores_have_a_finite_curve() -> None:
    found = curve([said(n, float(n < 50), n < 50) for n in range(100)])
    assert math.isfinite(found.slope)
    assert 0.9 < found.score(20.7) < 1


def test_policies_have_curves_of_their_own_if_they_have_enough_cases() -> None:
    many, few = predictions("tfidf", "valid", 2, shift=3.0), predictions("tfidf", "valid", 2, n=LEAST, policy="rare")
    found = fitted([*many, *few, said(0, None, True, part="valid", policy_id="rare")])
    assert list(found.policies) == ["spam"]
    assert found.of("spam") == curve(many)
    assert found.of("rare") == found.of("never seen") == curve([*many, *few])


def test_nothing_but_the_valid_part_chooses_curves(tmp_path: Path) -> None:
    valid, test = predictions(JUDGE, "valid", 2), predictions(JUDGE, "test", 2)
    before = measured(tmp_path, [*valid, *test]).calibrations
    turned = [replace(each, label=not each.label) for each in test]
    assert measured(tmp_path, [*valid, *turned]).calibrations == before


def test_a_missing_score_is_a_wrong_verdict(tmp_path: Path) -> None:
    test = predictions(JUDGE, "test", 9)
    rows = [*predictions(JUDGE, "valid", 9), *test[30:], *(replace(each, score=None) for each in test[:30])]
    row = measured(tmp_path, rows).of(Slice(JUDGE, "test", "spam", EVERY))
    assert row is not None
    assert row.figures.rejected == 30
    assert row.accuracy.value == pytest.approx(0.9, abs=0.005)
    assert (row.auc.value or 1) < 0.95


def test_unseen_policies_and_tasks_of_several_are_measured_one_by_one(tmp_path: Path) -> None:
    rows = [*predictions(JUDGE, "test", 2), *predictions(JUDGE, "unseen", 2, policy="a"),
            *predictions(JUDGE, "test", 2, policy="b"), *predictions(JUDGE, "valid", 2)]  # fmt: skip
    found = [each.slice for each in measured(tmp_path, rows).measured]
    assert [(each.part, each.task, each.policy_id) for each in found] == [
        ("test", EVERY, EVERY), ("test", "spam", EVERY), ("test", "spam", "b"), ("test", "spam", "spam"),
        ("unseen", EVERY, EVERY), ("unseen", "spam", EVERY), ("unseen", "spam", "a"),
    ]  # fmt: skip


def changed(label: bool, verdict: bool | None, n: int) -> Answer:
    return answer(str(n), expected=label, violation=verdict, group=f"g{n}")


def test_what_follows_a_turned_policy() -> None:
    before = [changed(True, True, 0), changed(True, True, 1), changed(True, False, 2), changed(False, False, 3),
              changed(True, None, 4), changed(True, True, 5)]  # fmt: skip
    after = [changed(False, False, 0), changed(False, True, 1), changed(False, True, 2), changed(True, None, 3),
             changed(False, False, 4), changed(True, True, 5), changed(False, False, 6)]  # fmt: skip
    found = following(paired([("t", each) for each in before], [("t", each) for each in after]))
    assert found.pairs == 5
    assert (found.flipped.value, found.flipped.n) == (pytest.approx(2 / 5), 5)
    assert (found.followed.value, found.followed.n) == (pytest.approx(1 / 3), 3)


def test_an_answer_under_the_same_task_comes_first() -> None:
    first, second = changed(True, True, 0), changed(True, False, 0)
    turned = changed(False, False, 0)
    assert paired([("a", first), ("b", second)], [("b", turned)]) == [(second, turned)]
    assert paired([("a", first), ("b", second)], [("c", turned)]) == [(first, turned)]


def test_a_judge_that_ignores_the_policy_follows_nothing(tmp_path: Path) -> None:
    test = predictions(JUDGE, "test", 4)
    turned = [replace(each, part="inverted", policy_hash="turned", label=not each.label) for each in test]
    followed = [replace(each, score=1 - (each.score or 0)) for each in turned]
    ignored = measured(tmp_path, [*predictions(JUDGE, "valid", 4), *test, *turned]).followed
    obeyed = measured(tmp_path, [*predictions(JUDGE, "valid", 4), *test, *followed]).followed
    assert [(each.task, each.change) for each in ignored] == [(EVERY, "inverted"), ("spam", "inverted")]
    assert (ignored[0].following.pairs, ignored[0].following.followed.value) == (300, 0)
    assert (obeyed[0].following.followed.value or 0) > 0.95


def test_the_same_predictions_give_the_same_report(tmp_path: Path) -> None:
    rows = [each for part in ("valid", "test") for each in predictions(JUDGE, part, 2)]
    assert measured(tmp_path, rows) == measured(tmp_path, rows)


def test_nothing_to_measure(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"predictions\.parquet"):
        report(tmp_path)
    replace_predictions(tmp_path, [])
    with pytest.raises(InputError, match="nothing to measure"):
        report(tmp_path)
