"""Other thresholds: against scikit-learn's curves, and the choice of an operating point."""

from __future__ import annotations

import pytest
from sklearn import metrics

from measure.figures import figures
from measure.thresholds import operating_point, sweep
from tests.measure.builders import answer, drawn, is_sound, rejected


def test_a_sweep_is_scikit_learns_curve() -> None:
    answers = drawn(120, 1)
    precision, recall, thresholds = metrics.precision_recall_curve(
        [a.expected for a in answers], [a.score for a in answers]
    )
    points = sweep(answers, most=1000)
    assert [point.threshold for point in points] == thresholds.tolist()
    assert [point.precision.value for point in points] == pytest.approx(precision[:-1].tolist())
    assert [point.recall.value for point in points] == pytest.approx(recall[:-1].tolist())
    assert points[0].flagged.value == 1


def test_at_the_judges_own_threshold_a_sweep_has_its_figures() -> None:
    answers = [*drawn(120, 2), rejected(answer("x")), rejected(answer("y", expected=False))]
    found = figures(answers, resamples=10)
    own = next(point for point in sweep(answers, most=1000) if point.threshold >= 0.5)
    assert (own.precision, own.recall, own.specificity) == (found.precision, found.recall, found.specificity)
    assert own.flagged.value == sum(a.violation is True for a in answers) / len(answers)


def test_a_rejection_is_wrong_at_every_threshold() -> None:
    answers = [answer("1", score=1.0), answer("2", expected=False, violation=False, score=0.0)]
    points = sweep([*answers, rejected(answer("3")), rejected(answer("4", expected=False))])
    assert [point.threshold for point in points] == [0.0, 1.0]
    assert [(point.recall.value, point.specificity.value) for point in points] == [(0.5, 0.0), (0.5, 0.5)]


def test_many_scores_are_thinned_and_both_ends_kept() -> None:
    answers = [answer(str(n), expected=n % 3 == 0, score=n / 5000) for n in range(5000)]
    points = sweep(answers, most=11)
    assert len(points) == 11
    assert (points[0].threshold, points[-1].threshold) == (0.0, 4999 / 5000)


def test_without_scores_there_is_no_sweep_and_no_operating_point() -> None:
    for answers in ([], [answer()], [answer(expected=None, score=0.5)], [answer(violation=None)]):
        assert sweep(answers) == ()
        assert operating_point(answers, recall=0.1) is None


@pytest.mark.parametrize("figure", ["precision", "recall"])
def test_the_bound_and_not_the_value_reaches_the_target(figure: str) -> None:
    answers = drawn(300, 3, apart=2.5)
    chosen = operating_point(answers, **{figure: 0.8})
    assert chosen is not None
    wanted = {point.threshold: getattr(point, figure) for point in sweep(answers)}
    other = "recall" if figure == "precision" else "precision"
    gains = {point.threshold: getattr(point, other).value for point in sweep(answers)}
    reaching = [threshold for threshold, estimate in wanted.items() if (estimate.low or 0) >= 0.8]
    assert chosen.point.threshold in reaching
    assert gains[chosen.point.threshold] == max(gains[threshold] for threshold in reaching)
    assert any((each.value or 0) >= 0.8 > (each.low or 0) for each in wanted.values()), "the value alone reaches more"


def test_a_target_out_of_reach_gives_no_point() -> None:
    assert operating_point(drawn(100, 4, apart=0.0), precision=0.9) is None
    assert operating_point(drawn(10, 4, apart=9.0), recall=0.99) is None


def test_what_was_chosen_is_held_against_answers_that_had_no_say() -> None:
    clear = operating_point(drawn(400, 5, apart=4.0), precision=0.8)
    assert clear is not None
    assert clear.holds
    assert is_sound(clear.held_out)
    assert clear == operating_point(drawn(400, 5, apart=4.0), precision=0.8)


def test_a_choice_by_chance_does_not_hold() -> None:
    """Scores without any meaning: now and then one threshold looks good on the answers by which it was chosen."""
    rounds = [operating_point(drawn(60, seed, apart=0.0, share=0.5), precision=0.52) for seed in range(150)]
    chosen = [each for each in rounds if each is not None]
    assert chosen, "chance alone should have found one"
    assert sum(each.holds for each in chosen) < len(chosen) / 2


def test_a_group_is_not_torn_apart_between_choosing_and_trying() -> None:
    """Without the group at 0.1 the threshold would be 0.2, which misses it."""
    violating = [answer(f"v{g}.{n}", score=g / 10, group=f"v{g}") for g in range(1, 6) for n in range(20)]
    allowed = [answer(f"a{g}.{n}", expected=False, score=0.05, group=f"a{g}") for g in range(5) for n in range(20)]
    chosen = operating_point([*violating, *allowed], recall=0.3)
    assert chosen is not None
    assert (chosen.point.threshold, chosen.point.recall.value) == (0.1, 1.0)
    assert chosen.held_out.value == 0.8


def test_one_figure_is_wanted() -> None:
    with pytest.raises(ValueError, match="one of them"):
        operating_point([], precision=0.5, recall=0.5)
    with pytest.raises(ValueError, match="one of them"):
        operating_point([])
