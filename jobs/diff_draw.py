"""A sample of a source: contents drawn at random, each with the same chance however often it occurs."""

from __future__ import annotations

import hashlib
import heapq
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import count

from assay.config import ParquetConfig
from assay.errors import InputError
from assay.golden import GoldenItem
from assay.records import BadItem, Item, ItemKind
from jobs.plan_tracks import Wanted
from jobs.plan_walk import read
from sources.plan import plan

_NAME = 16
"""Bytes of a content's hash by which it is known to have occurred."""


@dataclass(frozen=True, slots=True)
class Population:
    """What was drawn from: different contents and items, by kind. Rows that make no sense are in neither.

    `copies` has, by the id of each drawn item, how many items of the source say the same.
    """

    contents: Mapping[ItemKind, int]
    items: Mapping[ItemKind, int]
    copies: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Drawn:
    """In the order of the source, of each content the item that comes first."""

    items: tuple[GoldenItem, ...]
    population: Population


def draw(config: ParquetConfig, size: int, seed: int, kinds: Collection[ItemKind]) -> Drawn:
    """So many contents of these kinds, or all if there are fewer. A larger sample has the smaller one in it.

    Reads the whole source once. Holds about 100 bytes for each different content.

    Raises InputError if the source can't be read or has nothing to draw.
    """
    planned, urn = plan(config), _Urn(size, seed, kinds)
    for _, arrivals in read(config, planned, {shard: Wanted((), 0) for shard in planned.shards}):
        for arrival in arrivals:
            if not isinstance(arrival, BadItem):
                urn.meet(arrival)
    drawn = urn.drawn()
    if not drawn.items:
        raise InputError("--items source: the source has no item that one of the policies is for")
    return drawn


class _Urn:
    """Keeps the contents whose hashes with the seed are lowest: a simple random sample of all that it meets."""

    def __init__(self, size: int, seed: int, kinds: Collection[ItemKind]) -> None:
        self._size, self._key, self._kinds = size, str(seed).encode(), frozenset(kinds)
        self._numbers = count()
        self._kept: list[tuple[int, int, Item]] = []
        self._seen: set[bytes] = set()
        self._copies: Counter[str] = Counter()
        self._contents: Counter[ItemKind] = Counter()
        self._items: Counter[ItemKind] = Counter()

    def meet(self, item: Item) -> None:
        if item.kind not in self._kinds:
            return
        self._items[item.kind] += 1
        content = bytes.fromhex(item.content_hash)
        if content[:_NAME] in self._seen:
            if item.content_hash in self._copies:
                self._copies[item.content_hash] += 1
            return
        self._seen.add(content[:_NAME])
        self._contents[item.kind] += 1
        self._offer(item, int.from_bytes(hashlib.blake2b(content, digest_size=8, key=self._key).digest(), "big"))

    def _offer(self, item: Item, rank: int) -> None:
        self._copies[item.content_hash] = 1
        heapq.heappush(self._kept, (-rank, next(self._numbers), item))
        if len(self._kept) > self._size:
            _, _, highest = heapq.heappop(self._kept)
            del self._copies[highest.content_hash]

    def drawn(self) -> Drawn:
        kept = [item for _, _, item in sorted(self._kept, key=lambda each: each[1])]
        ids = Counter(item.id for item in kept)
        items, copies = [], {}
        for item in kept:
            name = item.id if ids[item.id] == 1 else f"{item.id} ({item.content_hash[:8]})"
            items.append(GoldenItem(name, item.kind, item.context, item.judged, (), name))
            copies[name] = self._copies[item.content_hash]
        return Drawn(tuple(items), Population(self._contents, self._items, copies))


def fitting(counts: Mapping[ItemKind, int], kinds: Collection[ItemKind]) -> int:
    """How many there are of these kinds."""
    return sum(number for kind, number in counts.items() if kind in kinds)
