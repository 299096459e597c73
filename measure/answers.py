"""What is measured, and what comes of it: an answer with its label, and a figure with its interval."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Answer:
    """What a judge said of one item under one policy, beside what a person says of it.

    `expected` is the label: True a violation, False allowed, None unknown. `violation` is the verdict, None if it was
    rejected; then `reason` says why. `score` is P(violation), 0 to 1, None where it can't be had. `expected_rules` may
    be empty for a violation: then any rule is right. Items of one `group` share a source; "" is an item of its own.
    `repeat` counts from 0 the times that the same case was asked.
    """

    item_id: str
    group: str
    policy_id: str
    expected: bool | None
    violation: bool | None
    score: float | None = None
    rule_ids: tuple[str, ...] = ()
    expected_rules: tuple[str, ...] = ()
    carried: tuple[tuple[str, str], ...] = ()
    reason: str = ""
    repeat: int = 0

    @property
    def rejected(self) -> bool:
        return self.violation is None

    @property
    def right(self) -> bool | None:
        """Whether the verdict is the label; False for a rejection, None if the label is unknown."""
        return None if self.expected is None else self.violation == self.expected


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure, the bounds of its interval, and on how many answers (or items, or pairs) it rests.

    All three are None if it can't be had, as recall without a violation. Never nan; `low <= value <= high`.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int

    @property
    def known(self) -> bool:
        return self.value is not None


def unavailable(n: int = 0) -> Estimate:
    """A figure that can't be had."""
    return Estimate(None, None, None, n)
