"""What attacks on labelled items came to, policy by policy."""

from __future__ import annotations

from dataclasses import dataclass

from measure.flips import Flips


@dataclass(frozen=True, slots=True)
class AttackRow:
    """One attack on the items of one label. `what` it does; `readable`: a person still reads it at sight.

    `normalised` is the same with `judge.normalise` on, before and after; None if that was not asked for, or if no
    answer of that kind was there.
    """

    attack: str
    what: str
    readable: bool
    flips: Flips
    normalised: Flips | None = None


@dataclass(frozen=True, slots=True)
class PolicyAttacks:
    """One policy's rows, the worst first, and last those of all attacks together.

    `originals` have a label under it, `attacked` items were made from them with `seed`; padding ones with `padding`
    characters.
    """

    policy_id: str
    version: str
    seed: int
    padding: int
    originals: int
    attacked: int
    rows: tuple[AttackRow, ...]
