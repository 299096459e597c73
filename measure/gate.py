"""Gates: a figure that must reach a bound, judged on the interval, so that luck on a small file does not pass."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from measure.answers import Estimate
from measure.figures import Figures


class Which(StrEnum):
    """What of a figure is held against the bound."""

    LOWER = "lower"
    VALUE = "value"
    UPPER = "upper"


@dataclass(frozen=True, slots=True)
class Gate:
    """`figure` must be at least `bound`, or at most for what one wants low. `policy_id` None: of every policy."""

    figure: str
    bound: float
    which: Which
    policy_id: str | None = None

    def applies_to(self, policy_id: str) -> bool:
        raise NotImplementedError


class Judged(NamedTuple):
    passed: bool
    text: str
    """One line: the figure with its interval, what was asked, and why it failed if it did."""


def parse_gate(text: str) -> Gate:
    """Read `[POLICY.]FIGURE=BOUND[:lower|value|upper]`, as `recall=0.9:lower` or `spam.ece=0.1`.

    FIGURE is one of FIGURES, or `exact_match` (no policy). Default: `lower`, but `upper` for what one wants low.
    Raises InputError.
    """
    raise NotImplementedError


def judge_gate(gate: Gate, figures: Figures) -> Judged:
    """Hold the gate's figure of one policy against its bound. A figure that can't be had fails."""
    raise NotImplementedError


def judge_estimate(gate: Gate, estimate: Estimate) -> Judged:
    """The same for a figure that is not of one policy, as exact_match."""
    raise NotImplementedError
