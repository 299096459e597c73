"""Which part of a split a content belongs to: decided by the content alone, so it is the same under every policy."""

from __future__ import annotations

from enum import StrEnum


class Part(StrEnum):
    """`train`, `valid` and `test` hold 80, 10 and 10 per cent of the contents."""

    TRAIN = "train"
    VALID = "valid"
    TEST = "test"


def part_of(group: str) -> Part:
    """The part of all contents of a group (see `training.contents.Content.group`): by its first eight hex digits."""
    tenth = int(group[:8], 16) % 10
    return Part.VALID if tenth == 8 else Part.TEST if tenth == 9 else Part.TRAIN
