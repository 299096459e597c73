"""Policies, items and cases for tests of the judges."""

from __future__ import annotations

from assay.policy import Policy, parse_policy
from assay.records import Case, Item, ItemKind, Place, Turn

RULES = """
  - {id: S1, text: Unsolicited bulk promotion, severity: 1, action: limit}
  - {id: S2, text: Fake prizes and giveaways, severity: 3, action: block}
  - {id: S3.a, text: Requests for payment data, severity: 2, action: review}
"""


def policy(name: str = "spam", sentences: int = 3) -> Policy:
    """A policy with rules S1 (1, limit), S2 (3, block) and S3.a (2, review)."""
    prose = (
        f"# Instruction\nFind {name} in messages.\n" + "Selling to people who did not ask is not allowed.\n" * sentences
    )
    return parse_policy(f'---\nid: {name}\nversion: "1"\nrules:{RULES}---\n{prose}', name)


def text_case(text: str, under: Policy, number: int = 0) -> Case:
    return Case(item(ItemKind.TEXT, (Turn("user", text),), number=number), under)


def item(kind: ItemKind, judged: tuple[Turn, ...], context: tuple[Turn, ...] = (), number: int = 0) -> Item:
    return Item(f"item-{number}", kind, judged, Place("source", "0", number), context)
