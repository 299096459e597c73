"""Gates: how they are written, which side of the interval decides, and that swapped labels are noticed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from assay.errors import InputError
from measure.answers import Estimate, unavailable
from measure.figures import FIGURES, figures
from measure.gate import Gate, Which, judge_estimate, judge_gate, parse_gate
from tests.measure.builders import answer, drawn, rejected, swapped


@pytest.mark.parametrize(
    ("text", "gate"),
    [
        ("recall=0.9", Gate("recall", 0.9, Which.LOWER)),
        ("recall=0.9:lower", Gate("recall", 0.9, Which.LOWER)),
        (" f1 = 0.5 : value ", Gate("f1", 0.5, Which.VALUE)),
        ("ece=0.1", Gate("ece", 0.1, Which.UPPER)),
        ("spam.rejection_rate=0:upper", Gate("rejection_rate", 0.0, Which.UPPER, "spam")),
        ("spam.v2.auc=1", Gate("auc", 1.0, Which.LOWER, "spam.v2")),
        ("exact_match=0.8:value", Gate("exact_match", 0.8, Which.VALUE)),
    ],
)
def test_how_a_gate_is_written(text: str, gate: Gate) -> None:
    assert parse_gate(text) == gate


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("recall", "a gate is FIGURE=BOUND"),
        ("", "a gate is FIGURE=BOUND"),
        ("recal=0.9", "FIGURE: precision, recall"),
        ("tp=3", "FIGURE: precision, recall"),
        ("recall=", "is not a number"),
        ("recall=high", "'high' is not a number"),
        ("recall=90", "from 0 to 1"),
        ("recall=nan", "from 0 to 1"),
        ("recall=0.9:lowest", "end with :lower"),
        ("recall=0.9:upper", "end with :lower"),
        ("ece=0.1:lower", "end with :upper"),
        ("spam.exact_match=0.9", "over all policies"),
    ],
)
def test_a_gate_that_is_none(text: str, why: str) -> None:
    with pytest.raises(InputError, match=why) as error:
        parse_gate(text)
    assert text in str(error.value)


def test_the_bound_decides_and_not_the_value() -> None:
    estimate = Estimate(0.92, 0.85, 0.96, 100)
    gates = ("recall=0.9", "recall=0.9:value", "recall=0.85", "ece=0.95", "ece=0.96", "ece=0.92:value")
    assert [judge_estimate(parse_gate(gate), estimate).passed for gate in gates] == [
        False,
        True,
        True,
        False,
        True,
        True,
    ]


def test_the_text_names_the_figure_the_interval_and_the_outcome() -> None:
    passed, text = judge_estimate(parse_gate("recall=0.9"), Estimate(0.92, 0.85, 0.96, 100))
    assert not passed
    assert text == "recall at least 0.9: failed: the lower bound of 0.9200 (0.8500 to 0.9600, n = 100) is 0.8500"


@pytest.mark.parametrize("figure", FIGURES)
def test_a_figure_that_can_not_be_had_fails(figure: str) -> None:
    passed, text = judge_gate(parse_gate(f"{figure}=0"), figures([]))
    assert not passed
    assert "can't be had" in text
    assert not judge_estimate(parse_gate("exact_match=0"), unavailable()).passed


@pytest.mark.parametrize(
    "gate", ["precision=0.7", "recall=0.7", "specificity=0.7", "f1=0.7", "balanced_accuracy=0.7", "auc=0.7",
             "average_precision=0.7", "ece=0.3"]
)  # fmt: skip
def test_swapped_labels_are_noticed(gate: str) -> None:
    answers = drawn(200, 1, apart=3.5, share=0.5)
    assert judge_gate(parse_gate(gate), figures(answers, resamples=200)).passed
    wrong = figures([swapped(each) for each in answers], resamples=200)
    assert not judge_gate(parse_gate(gate), wrong).passed


def test_even_a_part_of_the_labels_swapped_is_noticed() -> None:
    answers = drawn(400, 2, apart=3.5, share=0.5)
    partly = [swapped(each) if place % 4 == 0 else each for place, each in enumerate(answers)]
    assert not judge_gate(parse_gate("recall=0.85"), figures(partly, resamples=10)).passed


def test_a_judge_that_gives_up_does_not_pass_by_it() -> None:
    answers = drawn(200, 3, apart=3.5, share=0.5)
    giving_up = [rejected(each) if each.violation is not each.expected else each for each in answers]
    assert figures(giving_up, resamples=10).f1 == figures(answers, resamples=10).f1
    assert not judge_gate(parse_gate("rejection_rate=0.02"), figures(giving_up, resamples=10)).passed


def test_a_gate_is_for_its_policy_or_for_all() -> None:
    gate = parse_gate("spam.recall=0.9")
    assert gate.applies_to("spam")
    assert not gate.applies_to("hate")
    assert replace(gate, policy_id=None).applies_to("hate")


def test_luck_on_a_few_items_does_not_pass() -> None:
    found = figures([answer(str(n)) for n in range(10)], resamples=10)
    assert found.recall.value == 1
    assert not judge_gate(parse_gate("recall=0.9"), found).passed


@pytest.mark.parametrize("figure", ["precision", "f1"])
def test_a_judge_that_flags_everything_passes_no_gate_where_everything_is_a_violation(figure: str) -> None:
    answers = [answer(str(number)) for number in range(100)]
    gate = parse_gate(f"{figure}=0.5")
    assert "without an allowed item" in judge_gate(gate, figures(answers)).text
    assert not judge_gate(gate, figures(answers)).passed
    assert judge_gate(gate, figures([*answers, answer("allowed", expected=False, violation=False)])).passed
