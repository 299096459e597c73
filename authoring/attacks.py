"""Attacks on golden items: the same content in a form that a judge may misread. Seeded, and free of any judge.

A violation stays one under each of these transformations, and an allowed item stays allowed; so whatever flips is the
judge's doing. docs/adversarial.md says of each what it does and whether a person still reads it at sight.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random

from assay.errors import InputError
from assay.golden import Expected, GoldenItem
from assay.policy import Policy
from authoring.attack_kinds import Aim, Attack, Circumstances
from authoring.attack_letters import LETTERS
from authoring.attack_words import OVER_BLOCKING, WORDS
from authoring.attack_wrapping import ENCODINGS, WRAPPINGS

PADDING = 20_000
"""Characters of a padding attack, unless somebody asks for another length: some 4,500 tokens."""


ATTACKS: tuple[Attack, ...] = (*LETTERS, *ENCODINGS, *WORDS, *WRAPPINGS, *OVER_BLOCKING)
"""All of them, in the order in which they are documented."""


@dataclass(frozen=True, slots=True)
class Attacked:
    """An item that was attacked. Its id is `<original_id>#<policy>.<attack>`, its group the original's id, and its
    column `attack` the attack's name; it has the original's label under the one policy that was attacked."""

    item: GoldenItem
    original_id: str
    attack: str


def attack(
    items: Iterable[GoldenItem],
    policy: Policy,
    seed: int = 0,
    names: Sequence[str] = (),
    *,
    padding: int = PADDING,
) -> tuple[Attacked, ...]:
    """Each attack (all, or those named) on each item that has a label under the policy and that it is meant for.

    The same items, policy and seed give the same result, whatever else is attacked with them. An attack that leaves an
    item as it is (leetspeak on Chinese) is left out for it. Raises InputError for a name that no attack has.
    """
    chosen = _chosen(names)
    return tuple(found for item in items for each in chosen for found in _attacked(item, each, policy, seed, padding))


def _chosen(names: Sequence[str]) -> tuple[Attack, ...]:
    known = {each.name: each for each in ATTACKS}
    if unknown := next((name for name in names if name not in known), None):
        raise InputError(f"there is no attack {unknown!r}; there are: {', '.join(known)}")
    return tuple(known[name] for name in dict.fromkeys(names)) or ATTACKS


def _attacked(item: GoldenItem, by: Attack, policy: Policy, seed: int, padding: int) -> Iterator[Attacked]:
    expected = next((each for each in item.expected if each.policy_id == policy.id), None)
    if expected is None or expected.violation is not (by.aim is Aim.MISS):
        return
    found = by.apply(item, Circumstances(policy, Random(f"{seed} {by.name} {item.id}"), padding))
    if (found.kind, found.context, found.judged) != (item.kind, item.context, item.judged):
        yield Attacked(_named(found, item, by.name, expected), item.id, by.name)


def _named(found: GoldenItem, original: GoldenItem, name: str, expected: Expected) -> GoldenItem:
    carried = (*(pair for pair in original.carried if pair[0] != "attack"), ("attack", name))
    return replace(
        found, id=f"{original.id}#{expected.policy_id}.{name}", group=original.id, expected=(expected,), carried=carried
    )
