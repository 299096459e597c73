"""Flips: only what was right can flip, a rejection counts against the judge, and the interval knows about sources."""

from __future__ import annotations

from dataclasses import replace

import pytest

from assay.intervals import wilson
from measure.answers import Answer
from measure.flips import any_flip, flips


def answer(number: int, violation: bool | None, *, expected: bool | None = True, group: str = "") -> Answer:
    name = f"i{number}"
    return Answer(name, group or name, "spam", expected, violation, reason="" if violation is not None else "length")


def after(number: int, violation: bool | None, *, expected: bool | None = True) -> Answer:
    """An attacked item: its group is its original."""
    return replace(answer(number, violation, expected=expected, group=f"i{number}"), item_id=f"i{number}#x")


def test_only_what_was_right_before_can_flip() -> None:
    before = [answer(1, True), answer(2, True), answer(3, False), answer(4, None), answer(5, True)]
    (row,) = flips(before, {"case": [after(1, False), after(2, True), after(3, False), after(4, True), after(5, None)]})
    assert (row.attack, row.expected, row.tried, row.flipped, row.rejected) == ("case", True, 3, 2, 1)
    assert (row.wrong_before, row.items) == (2, ("i1", "i5"))
    assert row.rate.value == pytest.approx(2 / 3)
    assert (row.rate.low, row.rate.high, row.rate.n) == pytest.approx((*wilson(2, 3), 3))


def test_allowed_items_flip_the_other_way() -> None:
    before = [answer(1, False, expected=False), answer(2, False, expected=False), answer(3, True, expected=False)]
    (row,) = flips(before, {"words": [after(n, n == 1, expected=False) for n in (1, 2, 3)]})
    assert (row.expected, row.tried, row.flipped, row.wrong_before, row.items) == (False, 2, 1, 1, ("i1",))


def test_the_worst_attack_comes_first_and_one_without_a_rate_last() -> None:
    before = [answer(n, True) for n in range(4)] + [answer(9, False)]
    attacked = {
        "none": [after(9, False)],
        "mild": [after(n, n != 0) for n in range(4)],
        "same": [after(n, n != 1) for n in range(4)],
        "hard": [after(n, n > 2) for n in range(4)],
    }
    rows = flips(before, attacked)
    assert [row.attack for row in rows] == ["hard", "mild", "same", "none"]
    assert (rows[-1].tried, rows[-1].rate.value, rows[-1].rate.n) == (0, None, 0)


def test_answers_without_a_partner_or_a_label_are_left_out() -> None:
    before = [answer(1, True), answer(2, True, expected=None)]
    other = replace(after(1, False), policy_id="another")
    assert flips(before, {"case": [other, after(2, False, expected=None), after(3, False)]}) == ()
    assert flips([], {}) == ()


def test_originals_of_one_source_are_one_cluster() -> None:
    alone = [answer(n, True) for n in range(40)]
    together = [answer(n, True, group=f"thread {n // 10}") for n in range(40)]
    attacked = {"case": [after(n, n % 20 < 10) for n in range(40)]}
    narrow, wide = flips(alone, attacked)[0].rate, flips(together, attacked)[0].rate
    assert narrow.value == wide.value == 0.5
    assert wide.low is not None
    assert narrow.low is not None
    assert wide.low < narrow.low - 0.1


def test_repeats_are_paired_with_repeats_and_count_as_one_source() -> None:
    before = [replace(answer(n, True), repeat=k) for n in range(10) for k in range(3)]
    attacked = [replace(after(n, n < 5), repeat=k) for n in range(10) for k in range(3)]
    (row,) = flips(before, {"case": attacked})
    once = flips(before[::3], {"case": attacked[::3]})[0]
    assert (row.tried, row.flipped, row.items) == (30, 15, tuple(f"i{n}" for n in range(5, 10)))
    assert row.rate.low == pytest.approx(once.rate.low, abs=0.05)


def test_any_flip_counts_an_original_once() -> None:
    before = [answer(n, True) for n in range(4)]
    attacked = {
        "a": [after(0, False), after(1, True), after(2, None)],
        "b": [after(0, False), after(3, True), after(2, True)],
    }
    (row,) = any_flip(before, attacked)
    assert (row.attack, row.tried, row.flipped, row.rejected, row.items) == ("any", 4, 2, 1, ("i0", "i2"))
