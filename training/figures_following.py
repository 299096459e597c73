"""Whether a system reads the policy: what becomes of its verdicts when the same content is judged under another one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from measure.answers import Answer, Estimate
from measure.samples import cluster_key, numbered
from measure.shares import share


@dataclass(frozen=True, slots=True)
class Following:
    """Contents whose label differs between two policies.

    `pairs` are all of them that have an answer under both, `flipped` the share of them whose verdict differs, in either
    direction. `followed` is the share of those right under the first policy that are right under the other one too.
    Intervals are Wilson's; contents of one group count as one cluster.
    """

    pairs: int
    flipped: Estimate
    followed: Estimate


Asked = tuple[str, Answer]
"""A task, and an answer under one of its policies."""


def paired(before: Sequence[Asked], after: Sequence[Asked]) -> list[tuple[Answer, Answer]]:
    """Each of `after` with an answer of `before` to the same item whose label is the opposite.

    It is the first one under the same task, else the first; items without one are left out.
    """
    known: dict[str, list[Asked]] = defaultdict(list)
    for task, answer in before:
        known[answer.item_id].append((task, answer))
    found = []
    for task, second in after:
        opposite = [each for each in known[second.item_id] if each[1].expected != second.expected]
        found += [(first, second) for _, first in sorted(opposite, key=lambda each: each[0] != task)[:1]]
    return found


def following(pairs: Sequence[tuple[Answer, Answer]], *, confidence: float = 0.95) -> Following:
    """Of pairs as `paired` makes them. A rejection is a wrong verdict on its side, and never a flip."""
    right = [(first, second) for first, second in pairs if first.right]
    return Following(
        pairs=len(pairs),
        flipped=_share(pairs, [_flipped(first, second) for first, second in pairs], confidence),
        followed=_share(right, [bool(second.right) for _, second in right], confidence),
    )


def _flipped(first: Answer, second: Answer) -> bool:
    return not first.rejected and not second.rejected and first.violation != second.violation


def _share(pairs: Sequence[tuple[Answer, Answer]], hits: Sequence[bool], confidence: float) -> Estimate:
    cluster = numbered(cluster_key(first.group, first.item_id) for first, _ in pairs)
    return share(np.array(hits, dtype=np.float64), np.ones(len(pairs)), cluster, confidence)
