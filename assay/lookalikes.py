"""Letters that look like ASCII letters and are others: which ones, and how words made of them are read.

Compatibility forms (fullwidth, mathematical, circled letters) are not listed: Unicode's NFKC knows them.
"""

# ruff: noqa: RUF001, since look-alikes are what this is about
from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

_CYRILLIC = (
    "аa вb еe ѕs іi јj кk мm нh оo рp сc тt уy хx һh ԁd ԛq ԝw ѵv ӏl "
    "АA ВB ЕE ЅS ІI ЈJ КK МM НH ОO РP СC ТT УY ХX ԌG ԚQ ԜW ҮY"
)  # fmt: skip
_GREEK = "αa γy ηn ιi κk νv οo ρp τt υu χx ωw ϲc ϳj ΑA ΒB ΕE ΖZ ΗH ΙI ΚK ΜM ΝN ΟO ΡP ΤT ΥY ΧX ϹC"
_OTHERS = "օo սu հh ոn զq ցg ՍU ՕO ՏS ɑa ɡg ƅb ǀl"
_POINTS = (*range(0x250, 0x2B0), *range(0x1D00, 0x1D30), *range(0xA730, 0xA732), *range(0x1F150, 0x1F18A))
_NAMED = re.compile(r"(?:LATIN LETTER SMALL CAPITAL|NEGATIVE (?:CIRCLED|SQUARED) LATIN CAPITAL LETTER) ([A-Z])")


def _named() -> Iterator[tuple[str, str]]:
    """Small capitals, and letters in dark circles and boxes, by their names in Unicode's own table."""
    for point in _POINTS:
        if found := _NAMED.fullmatch(unicodedata.name(chr(point), "")):
            yield chr(point), found[1].lower()


LOOKALIKES = {pair[0]: pair[1] for pair in f"{_CYRILLIC} {_GREEK} {_OTHERS}".split()} | dict(_named())
"""A letter to the ASCII letter that it is taken for."""

_TO_ASCII = str.maketrans(LOOKALIKES)
_TO_CYRILLIC = str.maketrans({pair[1]: pair[0] for pair in _CYRILLIC.split()[::-1]})
_ANY = f"[{''.join(LOOKALIKES)}]"
_SUSPECT = re.compile(_ANY)
_RUN = re.compile(rf"(?:{_ANY}|[^\W\d_])+")
_ASCII = re.compile(r"[A-Za-z]")
_OTHER_ALPHABET = re.compile(r"[\u0370-\u058f]")
_CYRILLIC_ONLY = re.compile(r"[\u0400-\u052f]+")


def fold(text: str) -> str:
    """The text with look-alikes replaced where a word is made of them; words of Russian or Greek stay as they are.

    A word in which ASCII letters and look-alikes are mixed is read as ASCII; one that is Cyrillic but for a few ASCII
    letters that look like it, as Cyrillic. A word of nothing but look-alikes is read as ASCII if other words are in
    ASCII, and none is in its alphabet beyond doubt.
    """
    if text.isascii() or not _SUSPECT.search(text):
        return text
    words = _RUN.findall(text)
    doubtless = any(_OTHER_ALPHABET.search(word.translate(_TO_ASCII)) and not _ASCII.search(word) for word in words)
    ascii_text = not doubtless and _ASCII.search(text) is not None
    shortest = 1 if any(len(word) >= _SHORTEST and _is_mixed(word) for word in words) else _SHORTEST
    return _RUN.sub(lambda found: _read(found[0], ascii_text, shortest), text)


def _is_mixed(word: str) -> bool:
    """Of ASCII letters and look-alikes from other alphabets."""
    foreign = _ASCII.search(word) and _OTHER_ALPHABET.search(word)
    return foreign is not None and not _OTHER_ALPHABET.search(word.translate(_TO_ASCII))


def _read(word: str, ascii_text: bool, shortest: int) -> str:
    if word.isascii() or not _SUSPECT.search(word):
        return word
    as_ascii = word.translate(_TO_ASCII)
    if not _OTHER_ALPHABET.search(word) or (_is_mixed(word) and len(word) >= shortest):
        return as_ascii
    if not _OTHER_ALPHABET.search(as_ascii):
        return as_ascii if ascii_text and not _ASCII.search(word) and len(word) > 1 else word
    as_cyrillic = word.translate(_TO_CYRILLIC)
    return as_cyrillic if _ASCII.search(word) and _CYRILLIC_ONLY.fullmatch(as_cyrillic) else word


_SHORTEST = 3
"""Letters of a mixed word; shorter ones are formulas more often than words, unless longer ones come with them."""
