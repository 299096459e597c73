"""Fixtures that several rooms of tests share: model folders, made once and kept in .models beside the code."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests import tiny_gpt_oss

from actors import small_model

MODELS = Path(__file__).parents[1] / ".models"

THIRD_PARTY_WARNINGS = (
    "ignore:.*reduce_op.*:FutureWarning",
    "ignore:Unclosed context <zmq:ResourceWarning",
    "ignore::DeprecationWarning:torch.*",
    "ignore::DeprecationWarning:vllm.*",
    "ignore::FutureWarning:vllm.*",
    "ignore::UserWarning:torch.*",
    "ignore:builtin type Swig.*:DeprecationWarning",
    "ignore:builtin type swig.*:DeprecationWarning",
)


def pytest_configure(config: pytest.Config) -> None:
    for line in THIRD_PARTY_WARNINGS:
        config.addinivalue_line("filterwarnings", line)


@pytest.fixture(scope="session")
def small_model_folder() -> Path:
    """SmolLM2-135M-Instruct."""
    return small_model.prepare(MODELS)


@pytest.fixture(scope="session")
def tiny_gpt_oss_folder() -> Path:
    """A random two-layer gpt-oss with the true tokenizer. In CI its absence is a failure."""
    try:
        return tiny_gpt_oss.build(MODELS)
    except tiny_gpt_oss.RanksMissing as missing:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(missing))
