"""Small domain objects for the tests of the loop."""

from __future__ import annotations

import hashlib

from assay.contracts import Shard
from assay.policy import Policy, Rule
from assay.records import Arrival, BadItem, Item, ItemKind, Place, Reason, Turn


def policy(name: str = "spam", prose: str = "No spam.") -> Policy:
    text = hashlib.sha256(f"{name} {prose}".encode()).hexdigest()
    return Policy(id=name, version="1", rules=(Rule(id="S1"),), prose=prose, hash=text)


def shard(name: str, stop: int) -> Shard:
    return Shard("memory://items", name, stop)


def item(home: Shard, position: int, text: str | None = None) -> Item:
    """Its content is like no other's, unless it is given."""
    place, name = Place(home.source, home.id, position), f"{home.id}/{position}"
    return Item(name, ItemKind.TEXT, (Turn("user", text or f"hello from {name}"),), place)


def bad(home: Shard, position: int) -> BadItem:
    place = Place(home.source, home.id, position)
    return BadItem(None, ItemKind.TEXT, Reason.EMPTY, "no content", b"", place)


def items(home: Shard, texts: dict[int, str] | None = None) -> list[Arrival]:
    """One item per position below the shard's stop; `texts` replaces the content of some."""
    texts = texts or {}
    return [item(home, position, texts.get(position)) for position in range(home.stop or 0)]
