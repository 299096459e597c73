"""Attacks on the letters of a text, and on what stands between them."""

from __future__ import annotations

import re
import unicodedata

from assay.lookalikes import LOOKALIKES
from authoring.attack_kinds import Circumstances, on_text

_LETTER = re.compile(r"[^\W\d_]")
_BETWEEN = re.compile(r"(?<=[^\W\d_])(?=[^\W\d_])")
_INVISIBLE = "\u200b\u200c\u200d\u2060"
_MARKS = "\u0301\u0303\u0308\u030a\u0323\u0331\u0336"
_FIGURES = {"a": "4", "e": "3", "i": "1", "o": "0", "s": "5", "t": "7"}
_TWINS: dict[str, str] = {}
for _twin, _letter in LOOKALIKES.items():
    if unicodedata.name(_twin).startswith(("CYRILLIC", "GREEK")):
        _TWINS[_letter] = _TWINS.get(_letter, "") + _twin
_OFTEN = 0.6
"""Which share of the letters is changed, where not all are."""


def zero_width(text: str, given: Circumstances) -> str:
    """Characters that are not to be seen stand between the letters of words."""
    return _BETWEEN.sub(lambda _: given.chance.choice(_INVISIBLE) if given.chance.random() < _OFTEN else "", text)


def homoglyphs(text: str, given: Circumstances) -> str:
    """Letters are Cyrillic or Greek ones that look alike."""
    return _LETTER.sub(lambda found: _some(given, found[0], _TWINS.get(found[0], "")), text)


def leetspeak(text: str, given: Circumstances) -> str:
    """Figures stand for letters: m0n3y."""
    return _LETTER.sub(lambda found: _some(given, found[0], _FIGURES.get(found[0].lower(), "")), text)


def diacritics(text: str, given: Circumstances) -> str:
    """Letters carry accents, dots and strokes that no language gives them."""
    return _LETTER.sub(lambda found: _some(given, found[0], [found[0] + mark for mark in _MARKS]), text)


def case(text: str, given: Circumstances) -> str:
    """Capital and small letters come at random."""
    return _LETTER.sub(lambda found: _some(given, found[0].lower(), [found[0].upper()]), text)


def spacing(text: str, _: Circumstances) -> str:
    """Every letter stands by itself: m o n e y."""
    return "   ".join(" ".join(word) for word in text.split(" "))


def _some(given: Circumstances, letter: str, others: str | list[str]) -> str:
    """One of the others, now and then, where there are any."""
    return given.chance.choice(others) if others and given.chance.random() < _OFTEN else letter


LETTERS = (
    on_text(zero_width),
    on_text(homoglyphs),
    on_text(leetspeak),
    on_text(diacritics),
    on_text(case),
    on_text(spacing),
)
