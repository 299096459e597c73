"""Gates: a figure that must reach a bound, judged on the interval, so that luck on a small file does not pass."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from assay.errors import InputError
from measure.answers import Estimate
from measure.figures import FIGURES, LOW_IS_GOOD, Figures


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
        return self.policy_id in (None, policy_id)


class Judged(NamedTuple):
    """`text` is one line: the figure with its interval, what was asked, and why it failed if it did."""

    passed: bool
    text: str


EXACT_MATCH = "exact_match"
"""The one figure of a gate that is not of one policy."""

_OF_BOTH_CLASSES = ("precision", "f1")
"""What a judge that flags everything has to perfection where all items are violations."""


def parse_gate(text: str) -> Gate:
    """Read `[POLICY.]FIGURE=BOUND[:lower|value|upper]`, as `recall=0.9:lower` or `spam.ece=0.1`.

    FIGURE is one of FIGURES, or `exact_match` (no policy). Default: `lower`, but `upper` for what one wants low.
    Raises InputError.
    """
    name, equals, rest = text.partition("=")
    policy_id, _, figure = name.strip().rpartition(".")
    if not equals or figure not in (*FIGURES, EXACT_MATCH):
        raise InputError(
            f"{text}: a gate is FIGURE=BOUND, as recall=0.9:lower; FIGURE: {', '.join(FIGURES)}, exact_match"
        )
    if policy_id and figure == EXACT_MATCH:
        raise InputError(f"{text}: exact_match is over all policies; leave out {policy_id!r}")
    bound, _, which = rest.partition(":")
    return Gate(figure, _bound(text, bound), _which(text, figure, which.strip()), policy_id or None)


def judge_gate(gate: Gate, figures: Figures) -> Judged:
    """Hold the gate's figure of one policy against its bound. A figure that can't be had fails, and so does one that
    nothing could have lowered: precision and F1 without an allowed item.

    Raises KeyError for exact_match, which `judge_estimate` is for.
    """
    estimate = figures.estimate(gate.figure)
    if estimate.value is not None and gate.figure in _OF_BOTH_CLASSES and not figures.fp + figures.tn:
        return Judged(
            False, f"{_asked(gate)}: failed: without an allowed item there is no false alarm (n = {estimate.n})"
        )
    return judge_estimate(gate, estimate)


def judge_estimate(gate: Gate, estimate: Estimate) -> Judged:
    """The same for a figure that is not of one policy, as exact_match."""
    asked = _asked(gate)
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return Judged(False, f"{asked}: failed: it can't be had from these answers (n = {estimate.n})")
    held = {Which.LOWER: estimate.low, Which.VALUE: estimate.value, Which.UPPER: estimate.high}[gate.which]
    passed = held <= gate.bound if gate.figure in LOW_IS_GOOD else held >= gate.bound
    what = "the value" if gate.which is Which.VALUE else f"the {gate.which} bound"
    found = f"{estimate.value:.4f} ({estimate.low:.4f} to {estimate.high:.4f}, n = {estimate.n})"
    return Judged(passed, f"{asked}: {'passed' if passed else 'failed'}: {what} of {found} is {held:.4f}")


def _asked(gate: Gate) -> str:
    return f"{gate.figure} {'at most' if gate.figure in LOW_IS_GOOD else 'at least'} {gate.bound:g}"


def _bound(text: str, bound: str) -> float:
    try:
        value = float(bound)
    except ValueError as error:
        raise InputError(f"{text}: {bound!r} is not a number; give one from 0 to 1, as recall=0.9") from error
    if not 0 <= value <= 1:
        raise InputError(f"{text}: the bound must be from 0 to 1")
    return value


def _which(text: str, figure: str, which: str) -> Which:
    """The strict bound or the value; the other bound would pass whatever has not been shown to be bad."""
    strict = Which.UPPER if figure in LOW_IS_GOOD else Which.LOWER
    if which not in ("", strict, Which.VALUE):
        raise InputError(f"{text}: {which!r} can't be asked of {figure}; end with :{strict} (the default) or :value")
    return Which(which or strict)
