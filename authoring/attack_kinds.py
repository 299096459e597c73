"""What an attack is: a named, seeded change to a golden item that leaves its label as it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from random import Random

from assay.golden import GoldenItem
from assay.policy import Policy
from assay.records import Turn


class Aim(StrEnum):
    """What an attack tries to get from the judge."""

    MISS = "miss"
    FALSE_ALARM = "false alarm"


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What an attack may know: the policy, chance (seeded for attack and item), and characters of padding."""

    policy: Policy
    chance: Random
    padding: int


Change = Callable[[str, Circumstances], str]
Transformation = Callable[[GoldenItem, Circumstances], GoldenItem]


@dataclass(frozen=True, slots=True)
class Attack:
    """`what` it does, in a sentence. `readable`: a person reads the result at sight and takes it to mean the same."""

    name: str
    what: str
    readable: bool
    apply: Transformation
    aim: Aim = Aim.MISS


def on_text(change: Change, *, readable: bool = True, aim: Aim = Aim.MISS) -> Attack:
    """An attack that changes what is judged, turn by turn. Its name and what it does are the function's."""

    def apply(item: GoldenItem, given: Circumstances) -> GoldenItem:
        return replace(item, judged=tuple(Turn(turn.role, change(turn.content, given)) for turn in item.judged))

    return on_item(apply, named=change, readable=readable, aim=aim)


def on_item(
    apply: Transformation,
    *,
    named: Callable[..., object] | None = None,
    readable: bool = True,
    aim: Aim = Aim.MISS,
) -> Attack:
    """An attack that changes an item as a whole."""
    source = named or apply
    return Attack(source.__name__, (source.__doc__ or "").split("\n", 1)[0], readable, apply, aim)
