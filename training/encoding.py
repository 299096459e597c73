"""A drawn pack as token ids, exactly as the judge would read them, with the places where the loss is taken."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

from transformers import AutoTokenizer

from actors.engine_load import language
from actors.prompt import Layout, Renderer
from actors.small_judge_model import RATIONALE_CHARS
from assay.config import VllmConfig
from assay.policy import Policy
from training.answers import OPENING, answer
from training.drawing import Drawn
from training.packing import Pack

BUDGET = 1_900
"""Tokens of a pack after its prefix, beyond which no further content is taken in."""

FEWEST = 6
"""Contents that are taken in whatever their length."""

WHOLE_SHARE = 0.12
"""How many of the cases are trained on their whole answer; the others end with the verdict's digit."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """A pack and its targets. `digits[k]` is the index, among all tokens, from which segment k's digit is predicted.

    `labels` are the digits, `targets` the P(1) to be learned. `words` are pairs of index and next token, for the rest
    of the answers that are trained whole. `running[k]` are the indices of segment k's content, but for its beginning:
    there the digit is asked too.
    """

    pack: Pack
    digits: tuple[int, ...]
    labels: tuple[int, ...]
    targets: tuple[float, ...]
    words: tuple[tuple[int, int], ...]
    running: tuple[range, ...]


class Encoder:
    """Encodes for the model in `folder`, through the renderer that the judge uses."""

    def __init__(self, folder: Path) -> None:
        tokenizer = AutoTokenizer.from_pretrained(folder)
        config = VllmConfig(kind="vllm", model=str(folder), max_rationale_chars=RATIONALE_CHARS)
        self.renderer: Renderer = language(config, tokenizer, harmony=False).renderer
        self._end = int(tokenizer.eos_token_id)
        self.opening = tuple(self.ids(OPENING))
        (self.zero,), (self.one,) = self.ids("0"), self.ids("1")

    def ids(self, words: str) -> list[int]:
        return self.renderer.encoder.encode(words)

    def prompt(self, policy: Policy, layout: Layout) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The ids before the content and after it."""
        frame = self.renderer.frame(policy, layout)
        return frame.prefix, frame.suffix

    def encode(self, drawn: Drawn, rng: random.Random) -> Encoded:
        prefix, suffix = self.prompt(drawn.worded.policy, drawn.layout)
        segments: list[tuple[int, ...]] = []
        digits, words, labels, running = [], [], [], []
        at = len(prefix)
        for shot in drawn.shots:
            content = self.ids(shot.shown)
            asked = (*content, *suffix, *self.opening)
            rest = self._rest(drawn, shot.broken, rng) if rng.random() < WHOLE_SHARE else ()
            if len(segments) >= FEWEST and at + len(asked) + len(rest) > len(prefix) + BUDGET:
                break
            digits.append(at + len(asked) - 1)
            labels.append(int(bool(shot.broken)))
            running.append(range(at + len(content) // 4, at + len(content)))
            if rest:
                words += self._opening_words(at + len(asked) - len(self.opening) - 1)
                words += [(digits[-1] + place, token) for place, token in enumerate(rest)]
            segments.append((*asked, *rest[:-1]))
            at += len(segments[-1])
        targets = tuple(shot.target for shot in drawn.shots[: len(segments)])
        return Encoded(
            Pack(prefix, tuple(segments)), tuple(digits), tuple(labels), targets, tuple(words), tuple(running)
        )

    def _opening_words(self, at: int) -> list[tuple[int, int]]:
        return [(at + place, token) for place, token in enumerate(self.opening)]

    def _rest(self, drawn: Drawn, broken: tuple[str, ...], rng: random.Random) -> tuple[int, ...]:
        """The answer's ids from the digit on, with the end token."""
        whole = self.ids(answer(drawn.worded.policy, broken, drawn.sure, RATIONALE_CHARS, rng))
        return (*whole[len(self.opening) :], self._end)
