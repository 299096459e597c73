"""Per rule: whether it was cited where it was expected."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from measure.answers import Answer, Estimate
from measure.samples import cluster_key, numbered
from measure.shares import share


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
    by_policy: dict[str, list[Answer]] = defaultdict(list)
    for answer in answers:
        if answer.expected is False or (answer.expected and answer.expected_rules):
            by_policy[answer.policy_id].append(answer)
    return tuple(
        _rule_figures(policy_id, rule_id, of_policy, confidence)
        for policy_id, of_policy in sorted(by_policy.items())
        for rule_id in sorted({rule for answer in of_policy for rule in (*_expected(answer), *answer.rule_ids)})
    )


def _expected(answer: Answer) -> tuple[str, ...]:
    return answer.expected_rules if answer.expected else ()


def _rule_figures(policy_id: str, rule_id: str, answers: Sequence[Answer], confidence: float) -> RuleFigures:
    expected = np.array([rule_id in _expected(answer) for answer in answers], dtype=np.float64)
    cited = np.array([rule_id in answer.rule_ids for answer in answers], dtype=np.float64)
    cluster = numbered(cluster_key(answer.group, answer.item_id) for answer in answers)
    both = expected * cited
    return RuleFigures(
        policy_id=policy_id,
        rule_id=rule_id,
        expected=int(expected.sum()),
        cited=int(cited.sum()),
        both=int(both.sum()),
        precision=share(both, cited, cluster, confidence),
        recall=share(both, expected, cluster, confidence),
    )
