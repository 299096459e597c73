"""Per rule: whether it was cited where it was expected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from measure.answers import Answer, Estimate


@dataclass(frozen=True, slots=True)
class RuleFigures:
    """How often one rule was expected, cited, and both; `precision` is both / cited, `recall` both / expected.

    Answers with an unknown label, or to a violation of which no rule is named, are in none of these. A rejection cites
    nothing, so that it is a miss of the rules that were expected.
    """

    policy_id: str
    rule_id: str
    expected: int
    cited: int
    both: int
    precision: Estimate
    recall: Estimate


def rule_figures(answers: Sequence[Answer], *, confidence: float = 0.95) -> tuple[RuleFigures, ...]:
    """One for each rule that was expected or cited, by policy id and rule id."""
    raise NotImplementedError
