"""Parts of a text that are encoded in base64, rot13 or URL escapes, decoded in place and marked as such."""

from __future__ import annotations

import base64
import binascii
import codecs
import re
from urllib.parse import unquote_to_bytes

from assay.wordlike import LIKELY, bits, rot13_gain

_URL = re.compile(r"(?:[\w.~-]{0,32}%[0-9A-Fa-f]{2}){3,}[\w.~-]{0,32}")
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
_LINE = "[A-Za-z0-9+/_-]"
_BASE64 = re.compile(rf"(?<![\w+/=-])(?:{_LINE}{{60,}}\r?\n)*{_LINE}{{14,}}={{0,2}}(?![\w+/=-])")
_SEPARATE = re.compile(r"\s+")
_WORD = re.compile(r"(?<!\w)[A-Za-z]+(?!\w)")
_MARGIN = 0.25
"""Bits per letter by which the other reading of a word must be the likelier one, to be taken for its meaning."""
_EVIDENCE = 16.0
"""Bits by which a run of words must be likelier in all."""
_FEW_LETTERS = 6
_FEWEST = 10
"""Characters of a run of rot13; with the 9 of its mark, what is decoded is less than twice as long."""


def from_url(text: str) -> str:
    """With URL escapes decoded where three or more stand for letters or digits; `%20` and the like are left alone."""
    return _URL.sub(_unescape, text) if "%" in text else text


def _unescape(found: re.Match[str]) -> str:
    try:
        decoded = unquote_to_bytes(found[0]).decode()
    except UnicodeDecodeError:
        return found[0]
    hidden = sum(map(str.isalnum, decoded)) - sum(map(str.isalnum, _ESCAPE.sub("", found[0])))
    return f"[url: {decoded}]" if hidden >= 3 and decoded.isprintable() else found[0]


def from_base64(text: str) -> str:
    """With base64 (also its URL alphabet, also over lines) decoded where readable text comes out."""
    return _BASE64.sub(_unpack, text)


def _unpack(found: re.Match[str]) -> str:
    letters = _SEPARATE.sub("", found[0]).rstrip("=").replace("-", "+").replace("_", "/")
    try:
        decoded = base64.b64decode(letters + "=" * (-len(letters) % 4), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return found[0]
    return f"[base64: {decoded}]" if _readable(decoded) else found[0]


def _readable(text: str) -> bool:
    """Printable but for line ends and tabs, and mostly letters and spaces."""
    kept = text.translate({9: " ", 10: " ", 13: " "})
    return kept.isprintable() and sum(char.isalpha() or char == " " for char in kept) * 4 >= len(kept) * 3


def from_rot13(text: str) -> str:
    """With those runs of words decoded whose letters, turned by 13, are far likelier in English than as they are."""
    words = list(_WORD.finditer(text))
    pieces, end = [], 0
    for first, last in _runs([rot13_gain(found[0]) - _MARGIN * (len(found[0]) + 1) for found in words]):
        start, stop = words[first].start(), words[last].end()
        turned = codecs.encode(text[start:stop], "rot13")
        if stop - start >= _FEWEST and _says_something(turned):
            pieces += [text[end:start], f"[rot13: {turned}]"]
            end = stop
    return "".join([*pieces, text[end:]])


def _says_something(text: str) -> bool:
    """Two different words or more, of English letters, unlike laughter (`hahaha`) and placeholders."""
    words = set(_WORD.findall(text.lower()))
    return len(words) > 1 and len(set("".join(words))) >= _FEW_LETTERS and bits(text) <= LIKELY


def _runs(gains: list[float]) -> list[tuple[int, int]]:
    """First and last index of the runs whose gains add up to the evidence. A run ends where its sum falls low."""
    found: list[tuple[int, int]] = []
    total, best, first, last = 0.0, 0.0, 0, 0
    for index, gain in enumerate([*gains, float("-inf")]):
        if total <= 0:
            total, best, first = 0.0, 0.0, index
        total += gain
        if total > best:
            best, last = total, index
        elif total < best - _EVIDENCE or total <= 0:
            if best >= _EVIDENCE:
                found.append((first, last))
            total = 0.0
    return found
