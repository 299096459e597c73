"""Sentences with choices in them: `{a|b}` stands for either, and `<X>` for another sentence."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel

_B = TypeVar("_B", bound=BaseModel)


def said(rng: random.Random, patterns: Sequence[str], inside: str = "") -> str:
    """One of the patterns with its choices made, and `inside` where it says <X>."""
    pieces = rng.choice(patterns).replace("{", "}").split("}")
    words = "".join(rng.choice(piece.split("|")) if number % 2 else piece for number, piece in enumerate(pieces))
    return words.replace("<X>", inside)


def voiced(rng: random.Random, words: str) -> str:
    """As people type: now and then all in capitals, or without any."""
    drawn = rng.random()
    return words.upper() if drawn < 0.04 else words.lower() if drawn < 0.2 else words


def bank(kind: type[_B], name: str) -> _B:
    """The sentences of `name`, a YAML file in this folder."""
    return kind.model_validate(yaml.safe_load(Path(__file__).with_name(name).read_text(encoding="utf-8")))
