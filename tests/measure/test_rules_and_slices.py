"""Figures per rule, and per value of a carried column."""

from __future__ import annotations

from assay.intervals import wilson
from measure.figures import figures
from measure.rules import rule_figures
from measure.slices import columns, slices
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
