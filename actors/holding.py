"""A shard while one loop owns it: its fence, its tracks, and how far it is."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from assay.contracts import Caution, Grant, Move, Sink, Standing
from assay.errors import Refused
from assay.ledger import ahead_key, fence_key, items_key, part_key, sent_key, track_key
from assay.policy import Policy
from assay.records import Arrival, JudgeIdentity, Outcome
from assay.tracks import Track

_CLAIM_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Batch:
    """One commit in the making: outcomes, every ledger move, and where each policy's track then stands.

    No moves: nothing to commit.
    """

    outcomes: Sequence[Outcome]
    moves: Mapping[str, Move]
    settled: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Ledger:
    """What the ledger held of a shard just after it was claimed. `tracks`: each policy's key, by `Policy.track`."""

    fence: int
    values: Mapping[str, int]
    tracks: Mapping[str, str]


class Holding:
    """One owned shard. `tracks` has one track per policy, by `Policy.track`."""

    def __init__(self, grant: Grant, ledger: Ledger, tracks: Mapping[str, Track]) -> None:
        self.shard, self.caution = grant.shard, grant.caution
        self.tracks = dict(tracks)
        self._condemning = grant.caution is not None and grant.caution.condemn
        self.lost = self.behind = False
        self.unsettled = self.size = self.flying = 0
        self._keys = dict(ledger.tracks)
        self._values = dict(ledger.values)
        self._fence = ledger.fence
        self._begun = False
        self._items: deque[int] = deque()
        self._unseen = set(frozenset.intersection(*(track.skip for track in self.tracks.values())))
        self._retired: set[str] = set()
        self._committed = {policy: track.settled for policy, track in self.tracks.items()}
        self._past = 0
        self.reached = self.low
        self._first: int | None = None
        self._begins = dict.fromkeys(self.tracks, 0)
        self.sent = self._values.get(sent_key(self.shard))

    @property
    def known(self) -> bool:
        """Whether the ledger knew the shard under any policy."""
        return any(key in self._values for key in self._keys.values())

    @property
    def low(self) -> int:
        return min(track.settled for track in self.tracks.values())

    @property
    def standing(self) -> Standing:
        committed = [self._committed[policy] for policy in self.tracks]
        return Standing(min(committed), sum(committed) + self._past, self.reached, self.flying)

    @property
    def complete(self) -> bool:
        """Whether every track is committed up to the shard's end, and so is what others were told."""
        ended = self.shard.stop is not None and self.standing.low >= self.shard.stop
        return ended and not self.behind and not self._announced()

    @property
    def begins(self) -> dict[str, int]:
        """By `Policy.track`: from which position on cases begin under that text. Empty until the shard has begun."""
        first = self._first
        return {} if first is None else {policy: max(at, first) for policy, at in self._begins.items()}

    @property
    def care(self) -> Caution | None:
        """The caution that still holds."""
        return self.caution if self.caution is not None and self.standing.low < self.caution.until else None

    @property
    def uncommitted(self) -> list[Outcome]:
        """What finished since the last release."""
        return [outcome for track in self.tracks.values() for outcome in track.ready]

    def reach(self, position: int) -> None:
        """Every item before `position` was read."""
        self._begun = True
        self._first = position if self._first is None else self._first
        self.reached = max(self.reached, position)
        for track in self.tracks.values():
            track.reach(position)

    def count(self, position: int) -> None:
        """An item was delivered."""
        self._first = position if self._first is None else self._first
        if self.shard.stream:
            self._items.append(position)
            self._unseen.discard(position)

    def admit(self, policy: Policy, arrival: Arrival) -> bool:
        """Begin a case, if this item still needs an outcome under this policy."""
        track = self.tracks[policy.track]
        if not track.wants(arrival.place.position):
            return False
        track.admit(arrival.place.position)
        self.unsettled += 1
        self.size += arrival.size
        return True

    def finish(self, outcome: Outcome) -> None:
        """A case that `admit` began has its outcome."""
        self.tracks[outcome.policy.track].finish(outcome)

    def condemns(self, position: int) -> bool:
        """Whether the case at this position is the suspect: the first one, unless it has gone from the source."""
        condemning, self._condemning = self._condemning, False
        return condemning and self.caution is not None and position < self.caution.until

    def adopt(self, old: Policy, new: Policy) -> None:
        """From the next item on the policy has another text; cases under way end under the one they began with."""
        self.tracks.setdefault(new.track, self.tracks[old.track].successor(self.reached))
        self._keys[new.track] = self._keys[old.track]
        self._committed.setdefault(new.track, self.reached)
        self._retired = (self._retired | {old.track}) - {new.track}
        del self._begins[old.track]
        self._begins[new.track] = self.reached

    def release(self) -> Batch:
        """Everything that can be committed now."""
        outcomes = [outcome for track in self.tracks.values() for outcome in track.release()]
        moves: dict[str, Move] = {}
        for key in dict.fromkeys(self._keys[policy] for policy in self.tracks):
            tracks = [track for policy, track in self.tracks.items() if self._keys[policy] == key]
            low, ahead = min(track.settled for track in tracks), max(track.ahead for track in tracks)
            if low != self._values.get(key, 0) or (self._begun and self.shard.stream and key not in self._values):
                moves[key] = Move(self._values.get(key), low)
                moves |= self._passed(low)
            if ahead > max(low, self._values.get(ahead_key(key), 0)):
                moves[ahead_key(key)] = Move(self._values.get(ahead_key(key)), ahead)
        moves |= self._announced()
        if moves or outcomes:
            moves[fence_key(self.shard)] = Move(self._fence, self._fence)
        return Batch(outcomes, moves, {policy: track.settled for policy, track in self.tracks.items()})

    def _passed(self, low: int) -> dict[str, Move]:
        """How many items of a stream lie before its new position: those delivered, and those whose outcomes from
        before a crash are all that is left of them.
        """
        gone = {position for position in self._unseen if position < low}
        self._unseen -= gone
        passed = len(gone) if self.shard.stream else 0
        while self._items and self._items[0] < low:
            self._items.popleft()
            passed += 1
        key = items_key(self.shard)
        return {key: Move(self._values.get(key), self._values.get(key, 0) + passed)} if passed else {}

    def _announced(self) -> dict[str, Move]:
        key = sent_key(self.shard)
        return {} if self.sent == self._values.get(key) else {key: Move(self._values.get(key), self.sent or 0)}

    def committed(self, batch: Batch) -> None:
        """The batch that `release` gave is in the table now."""
        self._values |= {key: move.now for key, move in batch.moves.items()}
        self._committed |= batch.settled
        for policy in [each for each in self._retired if self.tracks[each].idle]:
            self._retired.discard(policy)
            del self.tracks[policy]
            self._past += self._committed.pop(policy)
        self.unsettled -= len(batch.outcomes)
        self.size -= sum(outcome.item.size for outcome in batch.outcomes)

    def tell_from_here(self) -> bool:
        """Somebody is to be told of the outcomes. True if the table may have some that nobody was told of; until that
        is done the holding is `behind`, and its shard is not to be read.
        """
        if self.sent is None:
            self.sent = self.low
        self.behind = self.sent < max(self.low, *(self._values.get(ahead_key(key), 0) for key in self._keys.values()))
        return self.behind

    def announced(self) -> None:
        """Whoever is to be told has been told of all that this loop has committed."""
        if not self.behind:
            self.sent = max(self.sent or 0, self.standing.low)


def claim(grants: Iterable[Grant], sink: Sink, policies: Sequence[Policy], judge: JudgeIdentity) -> list[Holding]:
    """Take over shards: raise each fence, so that whoever held them before is refused, then read their tracks.

    Raises Refused if others claim the same shards at the same time, again and again.
    """
    return [_claim_firmly(grant, sink, policies, judge) for grant in grants]


def _claim_firmly(grant: Grant, sink: Sink, policies: Sequence[Policy], judge: JudgeIdentity) -> Holding:
    for _ in range(_CLAIM_ATTEMPTS - 1):
        with contextlib.suppress(Refused):
            return _claim(grant, sink, policies, judge)
    return _claim(grant, sink, policies, judge)


def _claim(grant: Grant, sink: Sink, policies: Sequence[Policy], judge: JudgeIdentity) -> Holding:
    shard, fence_name = grant.shard, fence_key(grant.shard)
    own = {policy.track: track_key(shard, policy.track, judge) for policy in policies}
    whole = {policy.track: track_key(shard.whole, policy.track, judge) for policy in policies}
    part = {policy.track: part_key(shard, policy.track, judge) for policy in policies}
    before = sink.ledger([fence_name, *part.values()])
    fence = before.get(fence_name, 0) + 1
    marks = {key: Move(None, 1) for key in part.values() if shard.selection and key not in before}
    sink.commit([], {fence_name: Move(before.get(fence_name), fence), **marks})
    trails = {*own.values(), *whole.values()}
    ledger = sink.ledger([*trails, *map(ahead_key, trails), items_key(shard), sent_key(shard)])
    tracks = {}
    for policy in policies:
        trail = (own[policy.track], whole[policy.track])
        start = max(ledger.get(key, 0) for key in trail)
        scattered = part[policy.track] in before or max(ledger.get(ahead_key(key), 0) for key in trail) > start
        tracks[policy.track] = Track(start, sink.settled(shard, policy, judge, start) if scattered else frozenset())
    return Holding(grant, Ledger(fence, ledger, own), tracks)
