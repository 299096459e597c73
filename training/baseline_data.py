"""What the baselines read: labelled cases and policies of the work folder."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from assay.policy import parse_policy
from training.cases import CaseRow, PolicyRow, read_cases, read_policies
from training.splits import Part

TURNED = ("inverted", "swapped")
_MIXED = ("attribute", "goldens")
"""Tasks whose policies are about different things."""


@dataclass(frozen=True)
class Data:
    """The cases and, by hash, each policy's `words` (prose and rules, not the answer's form) and style."""

    cases: tuple[CaseRow, ...]
    words: dict[str, str]
    styles: dict[str, str]

    @cached_property
    def trained(self) -> list[CaseRow]:
        """All that may be learned from."""
        return [case for case in self.cases if case.part == Part.TRAIN]

    @cached_property
    def held_out(self) -> list[CaseRow]:
        return [case for case in self.cases if case.part != Part.TRAIN]

    @property
    def trained_as_written(self) -> list[CaseRow]:
        """Without the cases under policies that say the opposite of their id's: nothing but the policy tells them."""
        return [case for case in self.trained if self.styles[case.policy_hash] not in TURNED]

    @property
    def same_meaning(self) -> list[CaseRow]:
        """Held-out cases under policies that mean what those of their task mean in training, in whatever words."""
        return [
            case
            for case in self.held_out
            if case.part in (Part.VALID, Part.TEST) or (case.part == "unseen" and case.task not in _MIXED)
        ]

    @property
    def training_texts(self) -> list[str]:
        """Every content and every policy of the train part, once."""
        contents = [case.shown for case in self.trained]
        return list(dict.fromkeys([*contents, *(self.words[case.policy_hash] for case in self.trained)]))


def read_data(folder: Path, per_task: int | None = None) -> Data:
    """The work folder's cases and policies; of each task's train part at most `per_task` cases.

    All policies of a task get their turn: the one with most cases loses most. Which ones are kept depends on the
    contents' hashes alone, so every system that is limited like this learns from the same cases. Raises InputError if a
    file is missing or wrong.
    """
    cases, policies = _limited(read_cases(folder), per_task), read_policies(folder)
    words = {name: _words(each) for name, each in policies.items()}
    styles = {name: each.style for name, each in policies.items()}
    return Data(tuple(cases), words, styles)


def _words(policy: PolicyRow) -> str:
    parsed = parse_policy(policy.file, policy.policy_id)
    return "\n".join([parsed.prose, *(f"- {rule.id}: {rule.text or rule.label}" for rule in parsed.rules)])


def _limited(cases: Sequence[CaseRow], per_task: int | None) -> list[CaseRow]:
    if per_task is None:
        return list(cases)
    tasks: dict[str, list[tuple[int, str, CaseRow]]] = defaultdict(list)
    taken: Counter[str] = Counter()
    trained = [case for case in cases if case.part == Part.TRAIN]
    for case in sorted(trained, key=lambda each: (each.key, each.policy_hash)):
        tasks[case.task].append((taken[case.policy_hash], case.key, case))
        taken[case.policy_hash] += 1
    kept = [case for some in tasks.values() for _, _, case in sorted(some, key=lambda each: each[:2])[:per_task]]
    return [*kept, *(case for case in cases if case.part != Part.TRAIN)]
