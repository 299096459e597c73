"""How long prompts will be, to the token, without an engine: what `Judgement.prompt_tokens` of one attempt will say."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from actors.engine_load import Language, load_language
from actors.identity import model_folder
from actors.prompt import Layout, Shown
from assay.config import VllmConfig
from assay.errors import InputError
from assay.policy import Policy
from assay.records import Item

_BLOCK_GPU, _BLOCK_CPU = 16, 128
"""Tokens in a block of vLLM's KV cache, unless its user says otherwise, which assay does not."""

_CONTEXT_KEYS = ("max_position_embeddings", "n_positions", "max_sequence_length", "max_seq_len", "seq_length")


@dataclass(frozen=True, slots=True)
class FrameSize:
    """One policy's frame in one layout: its tokens, those in whole blocks of its prefix, and room for content."""

    tokens: int
    cacheable: int
    room: int


class PromptSizes:
    """Measures prompts for one judge. `gpus` is what a replica is given; with 0 it runs vLLM's build for the CPU."""

    def __init__(self, config: VllmConfig, language: Language, context: int | None, gpus: float) -> None:
        self._config, self._renderer, self._context = config, language.renderer, context
        self.layouts = language.renderer.layouts
        self.block = _BLOCK_GPU if gpus else _BLOCK_CPU

    def show(self, item: Item) -> Shown:
        """The content as the judge will see it, views included."""
        return self._renderer.show(item)

    def frame(self, policy: Policy, layout: Layout) -> FrameSize:
        """Raises InputError for a policy that leaves no room for content, as the engine would."""
        frame = self._renderer.frame(policy, layout)
        tokens = len(frame.prefix) + len(frame.suffix)
        room = _ENDLESS if self._context is None else self._context - tokens - self._config.max_output_tokens
        if room <= 0:
            raise InputError(
                f"policy {policy.id} ({len(frame.prefix)} tokens) and judge.max_output_tokens "
                f"({self._config.max_output_tokens}) leave no room for content in {self._context} tokens; "
                "shorten one of them or raise judge.max_model_len"
            )
        cacheable = len(frame.prefix) // self.block * self.block if self._config.prefix_caching else 0
        return FrameSize(tokens, cacheable, room)

    def lengths(self, contents: Sequence[str], room: int) -> list[int]:
        """Tokens of each content; more than `room` where its bytes tell that it has, -1 where it can't be encoded."""
        encoder, found = self._renderer.encoder, [-1] * len(contents)
        whole: list[int] = []
        for index, content in enumerate(contents):
            size = _bytes(content)
            if size > room * encoder.max_token_bytes:
                found[index] = room + 1
            elif size >= 0:
                whole.append(index)
        for index, length in zip(whole, encoder.lengths([contents[index] for index in whole]), strict=True):
            found[index] = length
        return found


_ENDLESS = 2**62


def load_sizes(config: VllmConfig, gpus: float) -> PromptSizes:
    """Loads the tokenizer and nothing of the weights; a few seconds. Raises FatalError if it can't be used."""
    return PromptSizes(config, load_language(config), _context(config), gpus)


def _context(config: VllmConfig) -> int | None:
    """The longest sequence, in tokens. Without `max_model_len` the model's own; None if its config doesn't say."""
    if config.max_model_len is not None:
        return config.max_model_len
    folder = model_folder(config)
    if folder is None:
        return None
    described = json.loads((folder / "config.json").read_bytes())
    found = [described[key] for key in _CONTEXT_KEYS if isinstance(described.get(key), int)]
    return min(found, default=None)


def _bytes(content: str) -> int:
    """How many bytes it has in UTF-8; -1 if it is not valid Unicode."""
    if content.isascii():
        return len(content)
    try:
        return len(content.encode())
    except UnicodeEncodeError:
        return -1
