"""Tokenizers and renderers that many tests look at, loaded once: of the tiny gpt-oss that takes eight seconds."""

from __future__ import annotations

from functools import cache

from actors.engine_load import Language, load_language
from actors.prompt_sizes import PromptSizes
from assay.config import VllmConfig


@cache
def language_of(config: VllmConfig) -> Language:
    """As `load_language`, for configs that are equal the same one."""
    return load_language(config)


def sizes_of(config: VllmConfig, gpus: float = 0) -> PromptSizes:
    """As `load_sizes`, for a config with `max_model_len`."""
    return PromptSizes(config, language_of(config), config.max_model_len, gpus)
