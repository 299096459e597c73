"""Lints of a policy's form: its sections, its length, and what does not belong in its prose."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from assay.codepoints import plain_letters
from assay.lookalikes import fold
from authoring.lint_page import Page
from authoring.lint_records import Hit, Severity, lint
from authoring.tokens import count_tokens

SECTIONS = ("Instruction", "Definitions", "Criteria", "Examples")
LEAST_TOKENS, MOST_TOKENS = 300, 600

_ORDERS = r"(?:respond|reply|answer|output|return|emit|print)"
_FORMS = r"(?:with|in|as|using|an?|the|one|either|your|true|false|yes|no|[01]|json|xml|yaml)"
_OUTPUT = re.compile(
    rf"(?:^|[.:;!?]\s+|\b(?:must|should|shall|always|only|then|and|please)\s+){_ORDERS}\s+(?:only\s+|just\s+)?{_FORMS}\b"
    r"|\b(?:output|response|answer)\s+(?:format|schema)\b|\b(?:as|in|valid|only)\s+(?:valid\s+)?(?:json|xml|yaml)\b"
    r"|^\W*(?:your|the)\s+(?:answer|response|output|reply)\s+(?:must|should|has to|is to)\b",
    re.IGNORECASE,
)
_BULLET = re.compile(r"^\s*(?:[-*+]|\d+[.)])\s+")
_OUTPUT_HEADING = re.compile(r"(?:output|response|answer)(?:s|\s+\w+)?", re.IGNORECASE)
_WORD = re.compile(r"[^\W_]+")


@lint(
    "P001",
    "missing section",
    Severity.WARNING,
    why="Judges follow a policy best that says what to do, what its words mean, and where the line is.",
    way_out="Add the heading and what belongs under it: # Instruction, # Definitions, # Criteria, # Examples.",
)
def missing_section(page: Page) -> Iterator[Hit]:
    there = {heading.title.strip().lower() for heading in page.prose.headings}
    for section in SECTIONS:
        if section.lower() not in there:
            yield Hit(page.at(0), f"there is no section {section}")


@lint(
    "P002",
    "too long",
    Severity.WARNING,
    why="A judge reads the policy with every item: a long one costs on each, and rules in its middle get lost.",
    way_out="Cut what no rule needs, or make two policies of it; each item is then judged under both.",
)
def too_long(page: Page) -> Iterator[Hit]:
    tokens, counted_with = count_tokens(page.policy.prose)
    if tokens > MOST_TOKENS:
        over = tokens - MOST_TOKENS
        yield Hit(page.at(0), f"the prose has {tokens} tokens ({counted_with}), {over} more than {MOST_TOKENS}")


@lint(
    "P003",
    "too short",
    Severity.NOTE,
    why="In less than 300 tokens there is hardly room for definitions, criteria and examples of both classes.",
    way_out="Say what the words mean, and give examples from both sides of the line.",
)
def too_short(page: Page) -> Iterator[Hit]:
    tokens, counted_with = count_tokens(page.policy.prose)
    if tokens < LEAST_TOKENS:
        yield Hit(page.at(0), f"the prose has {tokens} tokens ({counted_with}), fewer than {LEAST_TOKENS}")


@lint(
    "P004",
    "output format",
    Severity.ERROR,
    why="assay tells the judge how to answer, and reads nothing else: a second format makes answers that are rejected.",
    way_out="Leave it out; say only what violates and what does not.",
)
def output_format(page: Page) -> Iterator[Hit]:
    for heading in page.prose.headings:
        if _OUTPUT_HEADING.fullmatch(heading.title.strip()):
            yield Hit(page.at(heading.line), f"the section {heading.title!r} is about the answer")
    for number, line in page.said:
        if found := _OUTPUT.search(_BULLET.sub("", line)):
            yield Hit(number, f"{found[0].strip(' .:;!?')!r} tells the judge how to answer")


@lint(
    "P005",
    "look-alike",
    Severity.ERROR,
    why="A letter that only looks like another makes a word that the judge does not know and no search finds.",
    way_out="Type the word anew. To show what an attack looks like, describe it.",
)
def look_alike(page: Page) -> Iterator[Hit]:
    for number, line in enumerate(page.lines, 1):
        plain = plain_letters(fold(line))  # letter by letter, so that places stay the same
        for found in _WORD.finditer(line) if plain != line else ():
            if odd := _odd_letter(found[0], plain[found.start() : found.end()]):
                yield Hit(number, f"{found[0]!r} has the letter U+{ord(odd):04X}, {unicodedata.name(odd)}")


@lint(
    "P006",
    "invisible character",
    Severity.ERROR,
    why="The judge reads characters that nobody sees: they split words, turn the direction of text, or hide an order.",
    way_out="Delete it; a hex editor or `cat -A` shows where it is.",
)
def invisible_character(page: Page) -> Iterator[Hit]:
    for number, line in enumerate(page.lines, 1):
        for char in dict.fromkeys(line):
            if not char.isascii() and unicodedata.category(char) in ("Cf", "Cc", "Co"):
                yield Hit(number, f"U+{ord(char):04X}, {unicodedata.name(char, 'without a name')}")


def _odd_letter(word: str, plain: str) -> str:
    """The first letter of a word that is not what it looks like; "" if there is none."""
    return next((char for char, looks in zip(word, plain, strict=True) if char != looks), "")


LINTS = (missing_section, too_long, too_short, output_format, look_alike, invisible_character)
