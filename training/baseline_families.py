"""Which policies of a task mean the same: a classifier that reads no policy can learn from all of their cases."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from training.cases import CaseRow

LEAST_SHARED = 10
"""Two policies are compared by contents that have a label under both; with fewer of them they count as different."""

Named = tuple[str, str]
"""A task and the id of one of its policies."""


def families(lessons: Sequence[CaseRow]) -> dict[Named, frozenset[Named]]:
    """For each policy itself and those of its task that give every shared content the label that it gives."""
    labels: dict[Named, dict[str, bool]] = defaultdict(dict)
    for case in lessons:
        labels[case.task, case.policy_id][case.key] = case.label
    return {
        one: frozenset(
            other for other in labels if other == one or (one[0] == other[0] and _agree(known, labels[other]))
        )
        for one, known in labels.items()
    }


def of_family(lessons: Sequence[CaseRow], family: frozenset[Named]) -> list[CaseRow]:
    """The cases under any of these policies, each content once."""
    found = [case for case in lessons if (case.task, case.policy_id) in family]
    return list({case.key: case for case in found}.values())


def largest(known: Mapping[Named, frozenset[Named]], lessons: Sequence[CaseRow]) -> dict[str, frozenset[Named]]:
    """For each task the family with most contents; of equal ones that of the first policy."""
    ordered = sorted(known.items(), key=lambda each: (-len(of_family(lessons, each[1])), each[0]))
    return {name[0]: family for name, family in reversed(ordered)}


def _agree(one: Mapping[str, bool], other: Mapping[str, bool]) -> bool:
    shared = one.keys() & other.keys()
    return len(shared) >= LEAST_SHARED and all(one[key] == other[key] for key in shared)
