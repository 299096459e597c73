"""Which phrases are vague, and which tell the judge how to answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.policy import parse_policy
from authoring.lint import lint_pages
from authoring.lint_page import Page

CLEAN = (Path(__file__).parent / "policies" / "market.md").read_text(encoding="utf-8")
AT = "Judge what it offers and asks for, whatever the\nlanguage. "


def codes(sentence: str) -> set[str]:
    policy = parse_policy(CLEAN.replace(AT, f"{sentence}\n"), "market.md")
    return {each.code for each in lint_pages([Page(policy, "market.md")])} - {"P046"}


@pytest.mark.parametrize(
    "sentence",
    [
        "Return VALID or INVALID.",
        "Read it, then respond with 0 or 1.",
        "You must return a JSON object.",
        "Your answer must be yes or no.",
        "Output: the label.",
        "Give your verdict as a single word.",
        "Do not explain your reasoning.",
        "Use the following format:",
        "Reply VIOLATES.",
        "Return the label, nothing else.",
    ],
)
def test_it_tells_the_judge_how_to_answer(sentence: str) -> None:
    assert codes(sentence) == {"P004"}


@pytest.mark.parametrize(
    "sentence",
    [
        "An assistant's answer violates if it sells something.",
        "A seller who has to answer a question need not return the money.",
        "What tells a model which result to return does not matter.",
        "Settings of language, length, tone and format make no difference.",
        'An offer that says "respond with your number" is an offer.',
        "A seller must return the money, and should reply with care.",
        "Whoever sells must answer the question where a thing comes from.",
        "Tell apart what the market calls VALID and what it calls INVALID.",
        "The USA has laws of its own; label and price are part of the offer.",
    ],
)
def test_it_does_not(sentence: str) -> None:
    assert codes(sentence) == set()


@pytest.mark.parametrize(
    "sentence",
    [
        "Prices are Usually round.",
        "Use your\njudgement. Be reasonable.",
        "In most cases it is clear.",
        "If possible, look.",
    ],
)
def test_it_is_vague(sentence: str) -> None:
    assert codes(sentence) == {"P010"}


@pytest.mark.parametrize(
    "sentence", ["An unusual price matters.", "The reason is normality.", "A sort of pear is sold."]
)
def test_it_is_no_vaguer_than_it_must_be(sentence: str) -> None:
    assert codes(sentence) == set()
