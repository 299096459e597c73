"""Words in odd spelling: letters with gaps between them, and figures for letters (leetspeak)."""

from __future__ import annotations

import re

from assay.wordlike import NOISE, bits

_LETTER = r"[A-Za-z0-9@$\u00c0-\u024f\u0370-\u03ff\u0400-\u04ff]"
_GAP = r"[ .\-_*~|/,]"
_SPACED = re.compile(rf"(?<!\w){_LETTER}(?:{_GAP} {{0,4}}{_LETTER}(?!\w)){{3,}}")
_WIDE = re.compile(rf"{_GAP} {{1,4}}")
_NARROW = re.compile(_GAP)

_ADDRESS = r"https?://\S+|www\.\S+|(?<![\w.+-])[\w.+-]++@[\w-]++\.\w+|(?<!\w)\w{2,}+@\w{5,}|(?<!\w)@\w+"
_APART = rf"{_ADDRESS}|\[(?:base64|rot13|url|hidden): "
"""Addresses, names and the marks of what was decoded: nothing in them is leetspeak."""
_TOKEN = re.compile(rf"{_APART}|(?<![\w&#=/.\-@$])(?P<word>[A-Za-z013457@$]++)(?![\w=/\-]|\.\w)")
_FIGURE = re.compile(r"[0-9@$]")
_INSIDE = re.compile(r"(?:[A-Za-z]([0-9@$])\1?[a-z]|[A-Z]([0-9@$])\2?[A-Z])")
_QUANTITY = re.compile(r"[0-9$]+[A-Za-z]{1,3}|[A-Za-z]{1,3}(?!([0-9])\1$)[0-9]{1,2}")
"""3pm, 10k, 1st, $5m, mp3, a4: not what `fr33` is."""
_ONE_AS_I = str.maketrans("013457@$", "oieastas")
_ONE_AS_L = str.maketrans("013457@$", "oleastas")
_ODD, _ODDEST = 5.0, 6.0
"""`bits` of a word, which vary more than those of text do; the second where leetspeak is a habit."""
_SHORTEST, _HABIT = 2, 4
"""Characters of a word, and figures in words of a text whose habit it is."""
_PLAIN = 4
"""Length of a word that is leetspeak by itself, with a figure between letters. Others need it beside them."""


def joined(text: str) -> str:
    """Letters with gaps between them as words: `f r e e` is free. Wider gaps separate words."""
    return _SPACED.sub(_join, text)


def _join(found: re.Match[str]) -> str:
    words = " ".join(_NARROW.sub("", word) for word in _WIDE.split(found[0]))
    few_letters = sum(map(str.isalpha, words)) * 2 <= len(words)
    return found[0] if few_letters or (words.isascii() and bits(words) > NOISE) else words


def unleeted(text: str) -> str:
    """Leetspeak as words: `fr33 m0n3y` is free money. Model numbers, sizes and addresses are left alone."""
    if not _FIGURE.search(text):
        return text
    plain = {found["word"] for found in _TOKEN.finditer(text) if found["word"] and _is_plain(found["word"])}
    if not plain:
        return text
    habit = sum(len(_FIGURE.findall(word)) for word in plain)

    def read(found: re.Match[str]) -> str:
        word = found["word"]
        return _word(word, habit >= _HABIT) if word and (habit > 1 or word in plain) else found[0]

    return _TOKEN.sub(read, text)


def _is_plain(token: str) -> bool:
    figures = len(_FIGURE.findall(token))
    if len(token) < _PLAIN or figures * 2 > len(token) or not _INSIDE.search(token):
        return False
    return _word(token) != token


def _word(token: str, habit: bool = False) -> str:
    """The token as a word, unchanged if it is none. What looks like a quantity is one, unless that is a `habit`."""
    if len(token) < _SHORTEST or not _FIGURE.search(token) or (not habit and _QUANTITY.fullmatch(token)):
        return token
    likelier = min((token.translate(_ONE_AS_I), token.translate(_ONE_AS_L)), key=bits)
    if not any(map(str.isalpha, token)) or not likelier.isalpha() or bits(likelier) > (_ODDEST if habit else _ODD):
        return token
    return likelier.upper() if token.isupper() else likelier
