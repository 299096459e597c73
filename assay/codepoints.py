"""Text with its characters as one sees them: nothing invisible, no ornaments, letters of fancy alphabets as letters."""

from __future__ import annotations

import re
import unicodedata

from assay.lookalikes import LOOKALIKES

IGNORABLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""Unicode's Default_Ignorable_Code_Point, as ranges of a regular expression: not shown even by a font that lacks it."""
_JOINED = "0-9A-Za-z\u00c0-\u0588\u1e00-\u1fff\u3041-\u30ff\u3400-\u9fff\uac00-\ud7a3"
"""Scripts that need nothing invisible inside a word, unlike those of Persian, Hindi or Thai."""
_INVISIBLE = re.compile(f"(?<=[{_JOINED}])[{IGNORABLE}]+(?=[{_JOINED}])")
_TAGS = re.compile("(?<!\U0001f3f4)(?<![\U000e0020-\U000e007e])[\U000e0020-\U000e007e]{10,}")
_MARK = "\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff"
_WORD = re.compile(rf"(?<![^\W\d_])[^\W\d_][^\W\d_{_MARK}]*+[{_MARK}](?:[{_MARK}]|[^\W\d_])*")
_MARKS = re.compile(f"[{_MARK}]")
_ON_CONSONANT = re.compile(f"[b-df-hj-np-tv-xz][{_MARK}]", re.IGNORECASE)
_ORDINALS = "\u00aa\u00ba"
_MOST, _FEW_MARKS = 2, 2


def spelled_out(text: str) -> str:
    """NFKC, but for what grows to more than two characters and for letters that `plain_letters` has to do with."""
    if unicodedata.is_normalized("NFKC", text):
        return text
    return unicodedata.normalize("NFC", "".join(map(_compatible, text)))


def _compatible(char: str) -> str:
    if char.isascii() or char in LOOKALIKES:
        return char
    spelled = unicodedata.normalize("NFKC", char)
    return char if len(spelled) > _MOST or _fancy(char, spelled) else spelled


def _fancy(char: str, spelled: str) -> bool:
    return len(spelled) == 1 and spelled.isascii() and spelled.isalpha() and char not in _ORDINALS


def plain_letters(text: str) -> str:
    """Fullwidth, mathematical, circled and raised letters as the ASCII letters that NFKC knows them to be."""
    return "".join(map(_plain_letter, text))


def _plain_letter(char: str) -> str:
    if char.isascii():
        return char
    spelled = unicodedata.normalize("NFKC", char)
    return spelled if _fancy(char, spelled) else char


def visible(text: str) -> str:
    """Without invisible characters inside words. A text hidden in Unicode's tag characters is shown as `[hidden: ...]`.

    Where a script or an emoji needs them (Persian, Hindi, families, flags) they stay.
    """
    shown = _TAGS.sub(lambda found: f"[hidden: {''.join(chr(ord(tag) - 0xE0000) for tag in found[0])}]", text)
    return _INVISIBLE.sub("", shown)


def unadorned(text: str) -> str:
    """Words with marks that no letter is composed with, two or more and not on vowels only, without any marks.

    If there are two such words or more, no word keeps its marks.
    """
    adorned = {word for word in _WORD.findall(text) if _is_adorned(word)}
    if len(adorned) > 1:
        return _without_marks(text)
    return _WORD.sub(lambda found: _without_marks(found[0]) if found[0] in adorned else found[0], text)


def _without_marks(text: str) -> str:
    return unicodedata.normalize("NFC", _MARKS.sub("", unicodedata.normalize("NFD", text)))


def _is_adorned(word: str) -> bool:
    return len(_MARKS.findall(word)) >= _FEW_MARKS and _ON_CONSONANT.search(word) is not None
