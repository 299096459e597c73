"""The hash by which equal contents find each other is over JSON that anybody can write again."""

from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.records import ItemKind, Turn, content_hash

_TURNS = st.lists(st.builds(Turn, st.sampled_from(["user", "assistant"]), st.text()), max_size=3).map(tuple)


@given(st.sampled_from(ItemKind), _TURNS, _TURNS)
def test_it_is_over_the_canonical_json(kind: ItemKind, context: tuple[Turn, ...], judged: tuple[Turn, ...]) -> None:
    shown = [kind, [[turn.role, turn.content] for turn in context], [[turn.role, turn.content] for turn in judged]]
    written = json.dumps(shown, ensure_ascii=False, separators=(",", ":"))
    assert content_hash(kind, context, judged) == hashlib.sha256(written.encode()).hexdigest()


@pytest.mark.parametrize("content", ['"', "\\", "\n\t\x00\x1f\x7f", "</script>", "\u2028", "é😀"])
def test_odd_characters_are_written_as_json_does(content: str) -> None:
    written = json.dumps(["text", [], [["user", content]]], ensure_ascii=False, separators=(",", ":"))
    turns = (Turn("user", content),)
    assert content_hash(ItemKind.TEXT, (), turns) == hashlib.sha256(written.encode()).hexdigest()
