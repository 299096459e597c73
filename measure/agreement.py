"""Agreement: of all policies of an item with its labels, of a judge with itself, and with labels beyond chance."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from measure.answers import Answer, Estimate, unavailable
from measure.samples import cluster_key, numbered, sample
from measure.shares import share


@dataclass(frozen=True, slots=True)
class SelfAgreement:
    """How often a judge says the same when asked again. A rejection differs from either verdict.

    `items` were asked at least twice, at most `repeats` times. `unanimous` is the share of them whose answers are all
    the same, `disagreement` the mean over them of the share of pairs of answers that differ. Labels play no part.
    `wavering` are the ids of the items whose answers differ, most divided first.
    """

    policy_id: str
    items: int
    repeats: int
    unanimous: Estimate
    disagreement: Estimate
    wavering: tuple[str, ...]


def exact_match(answers: Sequence[Answer], *, confidence: float = 0.95) -> Estimate:
    """The share of items for which every policy with a known label is right. A rejection is wrong.

    With repeats each repeat of an item is tried by itself, and they are one cluster. Items without a label are left
    out.
    """
    right: dict[tuple[str, int], bool] = {}
    groups: dict[tuple[str, int], tuple[str, str]] = {}
    for answer in answers:
        if answer.right is not None:
            trial = (answer.item_id, answer.repeat)
            right[trial] = right.get(trial, True) and answer.right
            groups.setdefault(trial, cluster_key(answer.group, answer.item_id))
    return _mean(list(right.values()), list(groups.values()), confidence)


def self_agreement(answers: Sequence[Answer], *, confidence: float = 0.95) -> tuple[SelfAgreement, ...]:
    """One for each policy of which an item was asked at least twice, by policy id."""
    by_policy: dict[str, dict[str, list[Answer]]] = defaultdict(lambda: defaultdict(list))
    for answer in answers:
        by_policy[answer.policy_id][answer.item_id].append(answer)
    asked = {
        policy_id: [same for same in items.values() if len(same) > 1] for policy_id, items in sorted(by_policy.items())
    }
    return tuple(_self_agreement(policy_id, items, confidence) for policy_id, items in asked.items() if items)


def kappa(answers: Sequence[Answer], *, confidence: float = 0.95) -> Estimate:
    """Cohen's kappa (1960) of the verdicts with the labels, -1 to 1; a rejection counts as the wrong verdict.

    The limits are those of the share that agrees, chance agreement being held at what it was found to be. None if
    verdicts and labels are all of one class: then chance alone agrees always.
    """
    found = sample(answers)
    agrees = (found.truth == found.said).astype(np.float64)
    agreed = share(agrees, np.ones_like(agrees), found.cluster, confidence)
    if agreed.value is None or agreed.low is None or agreed.high is None:
        return agreed
    violating, flagged = float(found.truth.mean()), float(found.said.mean())
    chance = violating * flagged + (1 - violating) * (1 - flagged)
    if chance >= 1:
        return unavailable(agreed.n)
    value, low, high = ((each - chance) / (1 - chance) for each in (agreed.value, agreed.low, agreed.high))
    return Estimate(value, max(-1.0, low), high, agreed.n)


def _self_agreement(policy_id: str, items: list[list[Answer]], confidence: float) -> SelfAgreement:
    groups = [cluster_key(same[0].group, same[0].item_id) for same in items]
    differing = [_differing(same) for same in items]
    divided = sorted(zip(differing, items, strict=True), key=lambda pair: (-pair[0], pair[1][0].item_id))
    return SelfAgreement(
        policy_id=policy_id,
        items=len(items),
        repeats=max(len(same) for same in items),
        unanimous=_mean([apart == 0 for apart in differing], groups, confidence),
        disagreement=_mean(differing, groups, confidence),
        wavering=tuple(same[0].item_id for apart, same in divided if apart > 0),
    )


def _differing(same: list[Answer]) -> float:
    """The share of pairs that differ."""
    n, alike = len(same), Counter(answer.violation for answer in same)
    return 1 - sum(count * (count - 1) for count in alike.values()) / (n * (n - 1))


def _mean(values: Sequence[float], groups: Sequence[tuple[str, str]], confidence: float) -> Estimate:
    """Of values of 0 to 1, one for each item or trial."""
    return share(np.array(values, dtype=np.float64), np.ones(len(values)), numbered(groups), confidence)
