"""Texts that nobody wrote: put together from parts, with numbers and names in them, about as long as real ones."""

from __future__ import annotations

from itertools import product

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_WHO = ("The message", "The writer", "The post", "This reply", "The comment", "The sender", "The last part", "The text")
_DOES = (
    "asks the reader for",
    "offers to pay for",
    "speaks at length about",
    "links to a page with",
    "tells a friend about",
    "complains to the shop about",
    "repeats a rumour of",
    "gives detailed advice on",
    "jokes with a neighbour about",
    "quotes somebody else on",
    "warns the others of",
    "wants to learn more about",
)
_WHAT = (
    "a delivery that came late",
    "a password sent by mail",
    "the price of second-hand bicycles",
    "an account that was closed",
    "money that doubles overnight",
    "the results of a medical test",
    "a photograph of the house",
    "the address of a former colleague",
    "a recipe with too much salt",
    "the referee of last night's match",
    "a contract without an end",
    "the way home in the dark",
    "an exam in two weeks",
    "medicine without a prescription",
    "a fight behind the station",
    "tickets that were never printed",
)
_WHY = (
    "which the policy names as an example",
    "and nothing in it is aimed at a person",
    "so that a reader could take it for a promise",
    "although the tone is friendly throughout",
    "with pressure to answer before the evening",
    "in words that the rule lists one by one",
    "and the reader is free to ignore it",
    "while the context shows that it is a quotation",
    "without a word on where this comes from",
    "and that alone is allowed by the exceptions",
    "as people do among friends who know each other",
    "with a threat that is hardly veiled",
)
_END = (
    "It is close to the line, but on this side of it.",
    "A person who knows the context might see it differently.",
    "No exception applies, because nobody agreed to it beforehand.",
    "The other rules are not touched by what it says.",
    "Whether it was meant seriously makes no difference under the rule.",
    "The link goes to a page that could not be looked at.",
    "Taken alone the sentence would be harmless, with the one before it is not.",
    "There is no sign that the reader is a minor or in danger.",
)
_SYLLABLES = ("ba", "cor", "den", "el", "fin", "gra", "hul", "is", "jo", "kel", "lo", "mi", "nor", "pa", "rus", "ti")
_HEX = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)

_CLAUSES = pa.array([f" {who} {does} {what}" for who, does, what in product(_WHO, _DOES, _WHAT)])
_REASONS = pa.array([f", {why}" for why in _WHY])
_ENDS = pa.array([f" {end}" for end in _END])
_NAMES = pa.array(["".join(parts) for parts in product(_SYLLABLES, repeat=3)])
_EMPTY = pa.scalar("")


def rationales(rng: np.random.Generator, count: int) -> pa.Array:
    """Of about 80 to 300 characters, 170 on average; hardly two are the same."""
    end = _maybe(rng, _picked(rng, _ENDS, count), 0.4)
    return _text(_sentence(rng, count, 1.0), end, _sentence(rng, count, 0.25))


def long_texts(rng: np.random.Generator, count: int) -> pa.Array:
    """Of about 250 to 900 characters, as a judge reasons and as people write."""
    shares = (1.0, 1.0, 0.8, 0.5, 0.3)
    return _text(*(_sentence(rng, count, share) for share in shares), _maybe(rng, _picked(rng, _ENDS, count), 0.7))


def hex_digests(rng: np.random.Generator, count: int) -> pa.Array:
    """As long as a sha256 in hex, and as hard to compress."""
    letters = _HEX[rng.integers(0, 16, (count, 64), dtype=np.uint8)]
    ends = np.arange(count + 1, dtype=np.int32) * 64
    return pa.Array.from_buffers(pa.string(), count, [None, pa.py_buffer(ends), pa.py_buffer(letters.tobytes())])


def numbered(prefix: str, numbers: np.ndarray[tuple[int], np.dtype[np.int64]], width: int) -> pa.Array:
    """The prefix, and after it the numbers with zeros before them."""
    digits = pc.utf8_lpad(pc.cast(pa.array(numbers), pa.string()), width, "0")
    return pc.binary_join_element_wise(prefix, digits, "")


def _sentence(rng: np.random.Generator, count: int, share: float) -> pa.Array:
    number = pc.cast(pa.array(rng.integers(2, 100_000, count)), pa.string())
    names = (_picked(rng, _NAMES, count) for _ in range(3))
    named = pc.binary_join_element_wise(*names, number, " ")
    reason = _maybe(rng, _picked(rng, _REASONS, count), 0.7)
    said = _joined(_picked(rng, _CLAUSES, count), pa.scalar(" ("), named, pa.scalar(")"), reason, pa.scalar("."))
    return _maybe(rng, said, share)


def _picked(rng: np.random.Generator, pool: pa.Array, count: int) -> pa.Array:
    return pool.take(pa.array(rng.integers(0, len(pool), count)))


def _maybe(rng: np.random.Generator, texts: pa.Array, share: float) -> pa.Array:
    return texts if share >= 1 else pc.if_else(pa.array(rng.random(len(texts)) < share), texts, _EMPTY)


def _text(*sentences: pa.Array) -> pa.Array:
    return pc.utf8_ltrim(_joined(*sentences), " ")


def _joined(*parts: pa.Array | pa.Scalar) -> pa.Array:
    return pc.binary_join_element_wise(*parts, "")
