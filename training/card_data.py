"""What the card says about data: how many contents of each task there are, and how they are called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from training.cases import CaseRow, read_cases
from training.splits import Part

AIM = 0.85
"""The least AUC that was aimed at, on each task."""

TASKS: Mapping[str, str] = {
    "hate": "hate (tweets)",
    "offensive": "hate or offence (tweets)",
    "dialogue": "harassment in dialogue",
    "sexism": "sexism (posts)",
    "jailbreak": "compliance after a jailbreak",
    "sms_spam": "spam by SMS",
    "email_spam": "spam by e-mail",
}
"""The tasks that the aim is for, and what the card calls them."""


@dataclass(frozen=True, slots=True)
class TaskCounts:
    """`contents` are distinct ones of the train, valid and test parts. `violating` is the share of train cases that do.

    `policies` are distinct texts of policies that they are asked under, in training.
    """

    task: str
    policies: int
    contents: tuple[int, int, int]
    violating: float


def task_counts(folder: Path) -> tuple[TaskCounts, ...]:
    """Of the work folder's cases.parquet, by task. Raises InputError."""
    cases = read_cases(folder)
    found = {case.task for case in cases}
    tasks = [*(task for task in TASKS if task in found), *sorted(found - set(TASKS))]
    return tuple(_counts(task, [case for case in cases if case.task == task]) for task in tasks)


def _counts(task: str, cases: list[CaseRow]) -> TaskCounts:
    train = [case for case in cases if case.part == Part.TRAIN]
    first, second, third = (len({case.key for case in cases if case.part == part}) for part in Part)
    violating = sum(case.label for case in train) / max(1, len(train))
    return TaskCounts(task, len({case.policy_hash for case in train}), (first, second, third), violating)
