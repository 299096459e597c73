"""How attacks and what they flipped are put into a table, wherever a report is shown."""

from __future__ import annotations

from collections.abc import Sequence

from jobs.attack_report import AttackRow, PolicyAttacks
from jobs.eval_words import UNKNOWN, both
from measure.flips import Flips


def attack_heads(policy: PolicyAttacks) -> tuple[str, ...]:
    plain = ("attack", "on", "flipped", "rate", "rejected")
    return (*plain, "normalised: flipped", "rate", "rejected") if _twice(policy) else plain


def attack_cells(policy: PolicyAttacks) -> Sequence[tuple[str, ...]]:
    """A row for each attack and label; nothing in it is from an item."""
    return [_cells(row, _twice(policy)) for row in policy.rows]


def attack_title(policy: PolicyAttacks) -> str:
    made = f"{policy.attacked:,} items made of {policy.originals:,}"
    return f"Attacks on {policy.policy_id} ({made} with seed {policy.seed}): right answers that flip"


def _twice(policy: PolicyAttacks) -> bool:
    return any(row.normalised for row in policy.rows)


def _cells(row: AttackRow, twice: bool) -> tuple[str, ...]:
    label = "violations" if row.flips.expected else "allowed"
    again = _counts(row.normalised) if row.normalised else (UNKNOWN,) * 3
    return (row.attack, label, *_counts(row.flips), *(again if twice else ()))


def _counts(flips: Flips) -> tuple[str, ...]:
    return f"{flips.flipped:,} of {flips.tried:,}", both(flips.rate), f"{flips.rejected:,}"
