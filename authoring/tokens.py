"""How long a text is for a judge, without loading one."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from typing import NamedTuple

_CHARACTERS = 4.3
"""Characters of a policy's English in a token of o200k_harmony, on average over the policies that ship with assay."""


class Length(NamedTuple):
    """Tokens, and what they were counted with."""

    tokens: int
    counted_with: str


def count_tokens(text: str) -> Length:
    """With the vocabulary of gpt-oss where the package that has it is installed; else estimated from the characters."""
    if (count := _gpt_oss()) is not None:
        return Length(count(text), "o200k_harmony")
    return Length(round(len(text) / _CHARACTERS), f"estimated, at {_CHARACTERS} characters each")


@cache
def _gpt_oss() -> Callable[[str], int] | None:
    """Loaded once, since that takes a third of a second."""
    if find_spec("openai_harmony") is None:
        return None
    from openai_harmony import HarmonyEncodingName, HarmonyError, load_harmony_encoding

    try:
        encoding = load_harmony_encoding(HarmonyEncodingName.HARMONY_GPT_OSS)
    except HarmonyError:
        return None
    return lambda text: len(encoding.encode(text, disallowed_special=()))
