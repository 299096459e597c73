"""The output contract of a published policy: what it says about the form of the answer. assay has its own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_MARKDOWN = re.compile(r"^(#{1,6})\s+(.+?)\s*#*$")
_BOLD = re.compile(r"^(?:\*\*|__)(.+?)(?:\*\*|__):?$")
_FORM_TITLE = re.compile(
    r"(?i)^\W*(?:(?:expected|required|final)\s+)?"
    r"(?:outputs?|(?:output|response|answer|reply|return|json)\s+"
    r"(?:format|schema|contract|structure|specification|instructions?|requirements?)"
    r"|(?:labels?|labell?ing|classification)\s+(?:format|schema))\W*$"
)
_FORM_LINE = re.compile(
    r"^\W*(?:[Ee]xpected\s+)?(?:[Oo]utput|OUTPUT)\W*:\s*(?:(?:IN)?VALID\b|JSON\b|\{|[A-Z]{1,4}[0-9])"
)
_FORM_SENTENCE = re.compile(
    r"(?i)^[\s>#*-]*(?:please\s+)?(?:return|respond|reply|answer|output)\b"
    r".*\b(?:json|labels?|classification|verdict|format|nothing else)\b"
)
_PLAIN_LEVEL = 7


@dataclass(frozen=True, slots=True)
class Heading:
    """A line that begins a section. `level` is 1 to 6 in Markdown, 7 for a line in bold or in capitals."""

    line: int
    level: int
    title: str


def headings(lines: Sequence[str]) -> tuple[Heading, ...]:
    """The headings of a text, in order; `line` counts from 0."""
    found = (_heading(number, line.strip()) for number, line in enumerate(lines))
    return tuple(each for each in found if each)


def _heading(number: int, line: str) -> Heading | None:
    if markdown := _MARKDOWN.match(line):
        return Heading(number, len(markdown[1]), markdown[2])
    if bold := _BOLD.match(line):
        return Heading(number, _PLAIN_LEVEL, bold[1])
    letters = [letter for letter in line if letter.isalpha()]
    if len(letters) > 3 and all(letter.isupper() for letter in letters) and len(line) <= 60:
        return Heading(number, _PLAIN_LEVEL, line)
    return None


def form_sections(lines: Sequence[str]) -> tuple[range, ...]:
    """The lines of each section that is headed as one about the form of the answer, its heading among them."""
    all_headings = headings(lines)
    ranges = []
    for place, heading in enumerate(all_headings):
        if _FORM_TITLE.match(heading.title):
            after = (each.line for each in all_headings[place + 1 :] if each.level <= heading.level)
            ranges.append(range(heading.line, next(after, len(lines))))
    return tuple(ranges)


def form_lines(lines: Sequence[str]) -> frozenset[int]:
    """Single lines that say nothing but what the answer is to look like."""
    return frozenset(number for number, line in enumerate(lines) if _is_form(line))


def _is_form(line: str) -> bool:
    if _FORM_LINE.match(line):
        return True
    sentences = _sentences(line)
    return bool(sentences) and all(map(_FORM_SENTENCE.match, sentences))


def _sentences(line: str) -> list[str]:
    return [each for each in re.split(r"(?<=[.!?])\s+", line.strip()) if each]


def mentions_form(line: str) -> bool:
    """Whether a line that stays has words of the published answers (VALID, INVALID, JSON) or a sentence about them."""
    named = re.search(r"\b(?:IN)?VALID\b|\bJSON\b", line) is not None
    return named or any(map(_FORM_SENTENCE.match, _sentences(line)))
