"""Through the source once: what a run would do with each item under each policy, counted."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal
from zlib import crc32

from assay.config import ParquetConfig
from assay.contracts import Grant, Lookup, Shard
from assay.keys import Keys
from assay.policy import Policy
from assay.records import Arrival, BadItem, Item, ItemKind
from jobs.plan_estimate import Sum
from jobs.plan_tokens import Task, Tokens
from jobs.plan_tracks import Wanted
from sources.parquet import ParquetSource
from sources.plan import Plan

_READ_ITEMS = 4096
_ASKED = 2000
_DRAW = 2**64


@dataclass(slots=True)
class Counts:
    """What was counted. `wanted`, `bad`, `other_kind`: all items, by the policies (bits) that still need an outcome for
    them; of the last, by those that are not for items of their kind.

    Of the drawn contents: `judged`, by policies, how many contents are to be judged; `reused`, by content and policy,
    how many cases have the verdict of an earlier run; `audited`, by policy, how many of those are judged all the same;
    `contents`, how many there are of each kind.
    """

    wanted: Counter[int] = field(default_factory=Counter)
    bad: Counter[int] = field(default_factory=Counter)
    other_kind: Counter[int] = field(default_factory=Counter)
    judged: Counter[int] = field(default_factory=Counter)
    reused: dict[int, Sum] = field(default_factory=lambda: defaultdict(Sum))
    audited: Counter[int] = field(default_factory=Counter)
    contents: Counter[ItemKind] = field(default_factory=Counter)

    def contents_under(self, policy: Policy) -> int:
        """Those of the kinds that the policy is for."""
        return sum(count for kind, count in self.contents.items() if kind in policy.applies_to)


@dataclass(frozen=True, slots=True)
class Draw:
    """Which contents are looked at. Every copy of one is drawn with it, so that copies can be counted."""

    share: float = 1.0
    seed: int = 0

    def numbers(self) -> tuple[int, int, int]:
        """Odd factor, summand and limit: a content is drawn if (hash * factor + summand) mod 2**64 < limit."""
        sha = hashlib.sha256(f"assay plan {self.seed}".encode()).digest()
        return (
            int.from_bytes(sha[:8], "big") | 1,
            int.from_bytes(sha[8:16], "big"),
            min(int(self.share * _DRAW), _DRAW),
        )


class Walk:
    """Counts arrivals as a run by one replica would come to decide them, if each first case ends in a verdict.

    Holds 16 bytes and a small number for each different content that was drawn: about 150 bytes with their overhead,
    and as much again for one that the lookup knows.
    """

    def __init__(
        self, policies: Sequence[Policy], keys: Keys, lookup: Lookup | None, tokens: Tokens, audit: float, draw: Draw
    ) -> None:
        self.counts = Counts()
        self._policies, self._keys, self._lookup = policies, keys, lookup
        self._tokens, self._audit = tokens, audit
        self._factor, self._summand, self._limit = draw.numbers()
        self._seen: dict[bytes, int] = {}
        self._known: dict[bytes, int] = {}
        self._copies: dict[tuple[bytes, int], int] = Counter()
        self._fitting = {
            kind: sum(1 << number for number, policy in enumerate(policies) if kind in policy.applies_to)
            for kind in ItemKind
        }

    def take(self, arrivals: Iterable[Arrival], wanted: Wanted) -> None:
        """The next arrivals of one shard, in order."""
        counts, drawn = self.counts, []
        for arrival in arrivals:
            bits = wanted.at(arrival.place.position)
            counts.wanted[bits] += 1
            if isinstance(arrival, BadItem):
                counts.bad[bits] += 1
                continue
            fitting = bits & self._fitting[arrival.kind]
            counts.other_kind[bits & ~fitting] += 1
            if self._is_drawn(arrival):
                drawn.append((arrival, bytes.fromhex(arrival.content_hash)[:16], fitting))
        step, tasks = max(1, _ASKED // len(self._policies)), []
        for start in range(0, len(drawn), step):
            part = drawn[start : start + step]
            self._look_up(part)
            tasks += [task for each in part if (task := self._decide(*each)) is not None]
        self._tokens.add(tasks)

    def finish(self) -> Counts:
        """After the last arrival."""
        for (_, number), copies in self._copies.items():
            self.counts.reused[number].add(copies)
        return self.counts

    def _is_drawn(self, item: Item) -> bool:
        if self._limit >= _DRAW:
            return True
        return (int(item.content_hash[:16], 16) * self._factor + self._summand) % _DRAW < self._limit

    def _look_up(self, items: Sequence[tuple[Item, bytes, int]]) -> None:
        """Note what the table knows of those that were not met before."""
        if self._lookup is None:
            return
        asked: dict[str, tuple[bytes, int]] = {}
        for item, content, bits in items:
            for number in _numbers(bits & ~self._seen.get(content, 0) & ~self._known.get(content, 0)):
                asked[self._keys.of(item.content_hash, self._policies[number])] = (content, number)
        for key in self._lookup.find(asked.keys()) if asked else ():
            content, number = asked[key]
            self._known[content] = self._known.get(content, 0) | 1 << number

    def _decide(self, item: Item, content: bytes, bits: int) -> Task | None:
        seen = self._seen.get(content)
        if seen is None:
            self.counts.contents[item.kind] += 1
        open_ = bits & ~(seen or 0)
        known = open_ & self._known.get(content, 0)
        audited = self._audited(item, known) if known and self._audit else 0
        if known & ~audited:
            self._reuse(content, known & ~audited)
        judged = open_ & ~known | audited
        if judged:
            self.counts.judged[judged] += 1
        if seen is None or judged:
            self._seen[content] = (seen or 0) | judged
            return Task(item, judged, seen is None)
        return None

    def _reuse(self, content: bytes, bits: int) -> None:
        for number in _numbers(bits):
            if self._limit >= _DRAW:
                self.counts.reused[number].add(1)
            else:
                self._copies[content, number] += 1

    def _audited(self, item: Item, known: int) -> int:
        """Those policies under which this item is of the share that is judged again: the same draw as the run's."""
        drawn = 0
        for number in _numbers(known):
            key = self._keys.of(item.content_hash, self._policies[number])
            if crc32(f"{key} {item.id}".encode("utf-8", "surrogatepass")) < self._audit * 2**32:
                drawn |= 1 << number
                self.counts.audited[number] += 1
        return drawn


def read(config: ParquetConfig, plan: Plan, wanted: Mapping[Shard, Wanted]) -> Iterator[tuple[Wanted, list[Arrival]]]:
    """Everything that the plan's shards hold, in order. Raises InputError."""
    source = ParquetSource(config, plan, _All(plan))
    shards = {(shard.source, shard.id): shard for shard in plan.shards}
    try:
        ended = False
        while not ended:
            polled = source.poll(_READ_ITEMS, 0)
            for grant in polled.assigned:
                source.seek(grant.shard, None)
            if polled.arrivals:
                place = polled.arrivals[0].place
                yield wanted[shards[place.source, place.shard]], list(polled.arrivals)
            source.acknowledge({shard: shard.stop or 0 for shard in polled.reached})
            ended = polled.ended
    finally:
        source.close()


class _All:
    """Hands out every shard once; so one poll never mixes two."""

    def __init__(self, plan: Plan) -> None:
        self._shards = iter(plan.shards)

    def next(self) -> Grant | Literal["wait"] | None:
        return next((Grant(shard) for shard in self._shards), None)

    def done(self, shard: Shard) -> None:
        """Nobody else asks."""


def _numbers(bits: int) -> Iterator[int]:
    number = 0
    while bits:
        if bits & 1:
            yield number
        bits >>= 1
        number += 1
