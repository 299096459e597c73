"""Lints of a policy's words: those that leave the line where the reader puts it. English only."""

from __future__ import annotations

import re
from collections.abc import Iterator

from authoring.lint_page import Page
from authoring.lint_records import Hit, Severity, lint

_HOW_OFTEN = (
    "generally, usually, normally, typically, commonly, mostly, mainly, largely, often, frequently, sometimes, "
    "occasionally, rarely, in general, in most cases, in many cases, in some cases, as a rule, for the most part"
)
_HOW_MUCH = (
    "somewhat, fairly, relatively, overly, unduly, excessive, excessively, significant, significantly, substantial, "
    "substantially, considerable, considerably, certain kinds of, to some extent, to a degree, a lot of"
)
_WHOSE_MEASURE = (
    "appropriate, appropriately, inappropriate, inappropriately, reasonable, reasonably, unreasonable, suitable, "
    "unsuitable, acceptable, unacceptable, objectionable, questionable, problematic, borderline, common sense, "
    "use your judgement, use your judgment, use your best judgement, use your best judgment, as needed, if necessary, "
    "where possible, if possible"
)
_AND_WHAT_ELSE = "and so on, and so forth, etc, and the like, or the like, or similar, and similar, something like"


def _any_of(words: str) -> re.Pattern[str]:
    longest_first = sorted((each.strip() for each in words.split(",")), key=len, reverse=True)
    return re.compile(rf"\b(?:{'|'.join(longest_first)})\b", re.IGNORECASE)


_VAGUE = _any_of(f"{_HOW_OFTEN}, {_HOW_MUCH}, {_WHOSE_MEASURE}")
_OPEN = _any_of(_AND_WHAT_ELSE)


@lint(
    "P010",
    "vague word",
    Severity.WARNING,
    why="Two readers put the line of a vague word in two places, and so does one judge on two days.",
    way_out="Say what counts: a number, a condition, a list, or an example from each side.",
)
def vague_word(page: Page) -> Iterator[Hit]:
    for number, line in page.said:
        for found in _VAGUE.finditer(line):
            yield Hit(number, f"{found[0]!r} leaves open where the line is")


@lint(
    "P011",
    "open list",
    Severity.WARNING,
    why="A list that goes on leaves it to the judge what else is on it.",
    way_out="Name what its members have in common, then give some as examples: such as this and that.",
)
def open_list(page: Page) -> Iterator[Hit]:
    for number, line in page.said:
        for found in _OPEN.finditer(line):
            yield Hit(number, f"{found[0]!r} leaves the list open")


LINTS = (vague_word, open_list)
