"""What both sides are asked about: a sample of the source, or labelled items."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from assay.config import ParquetConfig
from assay.errors import InputError
from assay.golden import Expected, GoldenItem
from assay.policy import Policy
from assay.records import ItemKind
from jobs.diff_draw import Population, draw
from jobs.diff_sides import Sides
from jobs.eval_golden import GoldenSet, golden_files, own_golden, under_job


@dataclass(frozen=True, slots=True)
class Chosen:
    """`sides` are left with the policies that an item speaks of; each item names those under which it is judged.

    `files` are the names of golden files. `population` is there if the items are a sample of the source.
    """

    sides: Sides
    items: tuple[GoldenItem, ...]
    files: tuple[str, ...] = ()
    population: Population | None = None


def choose(sides: Sides, items: str, sample: int, seed: int, *, named: bool) -> Chosen:
    """`items` is `source`, `golden` (what the policies name, the new ones first), or the path of a golden file.

    `named`: each policy was asked for by name, so that none may be without items. Raises InputError.
    """
    if items == "source":
        return _from_source(sides, sample, seed)
    golden = _own(sides) if items == "golden" else golden_files(sides.before, [Path(items)], (), _only(sides))
    left, golden = under_job(golden, sides.before, restricted=True)
    ids = [policy.id for policy in left.policies]
    if named and (without := [policy.id for policy in sides.before.policies if policy.id not in ids]):
        raise InputError(f"--items {items}: no item has a label under policy {without[0]}; add some, even empty ones")
    return Chosen(sides.under(ids), golden.items, golden.files)


def kinds_of(old: Policy, new: Policy) -> frozenset[ItemKind]:
    """Kinds of items that either of them is for."""
    return frozenset((*old.applies_to, *new.applies_to))


def _from_source(sides: Sides, sample: int, seed: int) -> Chosen:
    source = sides.before.config.source
    if not isinstance(source, ParquetConfig):
        raise InputError(
            "--items source: a sample is drawn from Parquet, and a topic has no end; compare golden items, or a day of "
            "the topic in Parquet"
        )
    if sample < 1:
        raise InputError(f"--sample {sample}: draw at least one content")
    kinds = {old.id: kinds_of(old, new) for old, new in sides.pairs}
    drawn = draw(source, sample, seed, frozenset().union(*kinds.values()))
    items = tuple(
        replace(item, expected=tuple(Expected(name, None) for name, some in kinds.items() if item.kind in some))
        for item in drawn.items
    )
    return Chosen(sides, items, population=drawn.population)


def _own(sides: Sides) -> GoldenSet:
    """What the policies name under `golden`: the new text's items, or the old one's if it names none."""
    policies, files = [], {}
    for old, new in sides.pairs:
        side, policy = (sides.after, new) if new.golden else (sides.before, old)
        policies.append(policy)
        files[policy.id] = side.files[policy.id]
    if not any(policy.golden for policy in policies):
        raise InputError(
            "--items golden: neither text of the policy names golden items in its front matter (key golden); name a "
            "file: --items FILE"
        )
    return own_golden(replace(sides.before, policies=tuple(policies), files=files))


def _only(sides: Sides) -> str | None:
    """The policy of rows that name none."""
    return sides.before.policies[0].id if len(sides.before.policies) == 1 else None
