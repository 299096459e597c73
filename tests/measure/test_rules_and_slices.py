"""Figures per rule, and per value of a carried column."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import fisher_exact

from assay.intervals import wilson
from measure.figures import figures
from measure.rules import rule_figures
from measure.slices import against_rest, columns, slices
from tests.measure.builders import answer


def test_rules_that_were_expected_and_cited() -> None:
    answers = [
        answer("both", expected_rules=["S1"], rules=["S1", "S2"]),
        answer("other", expected_rules=["S1"], rules=["S2"]),
        answer("missed", expected_rules=["S2"], violation=False),
        answer("rejected", expected_rules=["S2"], violation=None),
        answer("alarm", expected=False, rules=["S1"]),
        answer("any rule will do", rules=["S1"]),
        answer("unknown", expected=None, rules=["S1"]),
        answer("elsewhere", policy_id="hate", expected_rules=["S1"], rules=["S1"]),
    ]
    elsewhere, first, second = rule_figures(answers)
    assert (elsewhere.policy_id, elsewhere.expected, elsewhere.cited, elsewhere.both) == ("hate", 1, 1, 1)
    assert (first.rule_id, first.expected, first.cited, first.both) == ("S1", 2, 2, 1)
    assert (second.rule_id, second.expected, second.cited, second.both) == ("S2", 2, 2, 0)
    assert (first.recall.value, first.recall.low, first.recall.high) == (0.5, *wilson(1, 2))
    assert second.precision.value == 0


def test_a_rule_that_was_never_cited_has_no_precision() -> None:
    (only,) = rule_figures([answer(expected_rules=["S1"], violation=False)])
    assert (only.precision.value, only.recall.value) == (None, 0)
    assert rule_figures([]) == ()


def test_slices_are_the_figures_of_their_answers() -> None:
    german = [answer(f"de{n}", violation=n > 0, carried=[("lang", "de"), ("age", "1")]) for n in range(3)]
    french = [answer(f"fr{n}", carried=[("lang", "fr")]) for n in range(5)]
    other = [answer("x")]
    answers = [*german, *other, *french]
    found = slices(answers, "lang", resamples=10)
    assert [each.value for each in found] == ["fr", "de", None]
    assert [each.figures for each in found] == [figures(part, resamples=10) for part in (french, german, other)]
    assert columns(answers) == ("age", "lang")
    assert [each.value for each in slices(answers, "no such", resamples=10)] == [None]


def test_a_slice_against_the_rest() -> None:
    german = [answer(f"de{n}", violation=n > 5, carried=[("lang", "de")]) for n in range(20)]
    french = [answer(f"fr{n}", violation=n > 0, carried=[("lang", "fr")]) for n in range(30)]
    other = [answer(f"x{n}", expected=None if n else True) for n in range(5)]
    found = {each.value: each for each in against_rest([*german, *french, *other], "lang")}
    assert (found["de"].right.value, found["de"].rest.value) == (0.7, 30 / 31)
    assert found["de"].p_value == pytest.approx(fisher_exact([[14, 6], [30, 1]]).pvalue)
    assert found["de"].adjusted == pytest.approx(min(3 * found["de"].p_value, 1.5 * found["fr"].p_value))
    assert next(iter(found)) == "de"
    assert found[None].p_value == 1
    assert against_rest([], "lang") == ()
    assert against_rest(german, "lang")[0].p_value == 1


def test_copies_make_no_slice_unlike_the_rest() -> None:
    def drawn(seed: int, copies: int) -> float:
        rng = np.random.default_rng(seed)
        answers = [
            answer(f"{n}.{c}", violation=right, group=str(n), carried=[("half", str(n % 2))])
            for n, right in enumerate((rng.random(40) < 0.7).tolist())
            for c in range(copies)
        ]
        return against_rest(answers, "half")[0].p_value

    assert np.mean([drawn(seed, 4) < 0.05 for seed in range(200)]) <= 0.08
    assert drawn(1, 4) == pytest.approx(drawn(1, 2))


def test_a_slice_of_clusters_that_is_unlike_the_rest_is_found() -> None:
    answers = [
        answer(f"{n}.{c}", violation=n % 2 == 0, group=str(n), carried=[("half", str(n % 2))])
        for n in range(20)
        for c in range(3)
    ]
    assert against_rest(answers, "half")[0].adjusted < 0.001
