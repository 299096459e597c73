"""Tokens of a policy: counted with gpt-oss's vocabulary, or estimated and said to be."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from assay.policy import load_policy
from authoring import tokens
from authoring.tokens import count_tokens

POLICY = Path(__file__).parent / "policies" / "market.md"


@pytest.fixture
def without_vocabulary(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    tokens._gpt_oss.cache_clear()
    monkeypatch.setattr(tokens, "find_spec", lambda _: None)
    yield
    tokens._gpt_oss.cache_clear()


def test_control_tokens_in_a_text_are_counted_as_text() -> None:
    assert count_tokens("<|start|>").tokens > 1
    assert count_tokens("").tokens == 0


@pytest.mark.usefixtures("without_vocabulary")
def test_without_the_vocabulary_it_is_an_estimate_and_a_good_one() -> None:
    prose = load_policy(POLICY).prose
    estimated = count_tokens(prose)
    assert estimated.counted_with == "estimated, at 4.3 characters each"
    assert 400 < estimated.tokens < 500
