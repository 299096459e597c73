"""Cells that no spreadsheet runs, and what they were."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.formulas import shielded, unshielded


@pytest.mark.parametrize(
    "text", ["=1+1", "-x", "+4", "@you", "\tx", "\rx", "\nx", "\uff1d2", "\uff0b2", "\uff0d2", "\uff20a"]
)
def test_what_a_spreadsheet_would_run_gets_an_apostrophe(text: str) -> None:
    assert shielded(text) == f"'{text}"
    assert shielded(f"'{text}") == f"''{text}"


@given(st.text(st.sampled_from("'=+-@a\t"), max_size=6))
def test_each_text_comes_back(text: str) -> None:
    assert unshielded(shielded(text)) == text


@pytest.mark.parametrize("text", ["", "a=1", "'a", "it's", "1-2"])
def test_other_text_stays_as_it_is(text: str) -> None:
    assert shielded(text) == text == unshielded(text)
