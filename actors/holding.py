"""A shard while one loop owns it: its fence, its tracks, and how far it is."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from assay.contracts import Caution, Grant, Move, Sink, Standing
from assay.errors import Refused
from assay.ledger import fence_key, part_key, track_key
from assay.policy import Policy
from assay.records import Arrival, JudgeIdentity, Outcome
from assay.tracks import Release, Track

_CLAIM_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Batch:
    """One commit in the making: outcomes, every ledger move, and which track each release came from."""

    outcomes: Sequence[Outcome]
    moves: Mapping[str, Move]
    releases: Sequence[tuple[Track, Release]]


class Holding:
    """One owned shard. `tracks` has one track per policy, by the policy's hash."""

    def __init__(self, grant: Grant, fence: int, tracks: Mapping[str, Track], keys: Mapping[str, str]) -> None:
        self.shard, self.caution = grant.shard, grant.caution
        self.tracks = tracks
        self.condemning = grant.caution is not None and grant.caution.condemn
        self.lost = False
        self.unsettled = self.size = self.flying = 0
        self.reached = self.low
        self._fence = fence
        self._keys = keys

    @property
    def known(self) -> bool:
        """Whether the ledger knew the shard under any policy."""
        return any(track.committed is not None for track in self.tracks.values())

    @property
    def low(self) -> int:
        return min(track.settled for track in self.tracks.values())

    @property
    def standing(self) -> Standing:
        committed = [track.committed or 0 for track in self.tracks.values()]
        return Standing(min(committed), sum(committed), self.reached, self.flying)

    @property
    def complete(self) -> bool:
        """Whether every track is committed up to the shard's end."""
        return self.shard.stop is not None and self.standing.low >= self.shard.stop

    @property
    def care(self) -> Caution | None:
        """The caution that still holds."""
        return self.caution if self.caution is not None and self.standing.low < self.caution.until else None

    def reach(self, position: int) -> None:
        """Every item before `position` was read."""
        self.reached = max(self.reached, position)
        for track in self.tracks.values():
            track.reach(position)

    def admit(self, policy: Policy, arrival: Arrival) -> bool:
        """Begin a case, if this item still needs an outcome under this policy."""
        track = self.tracks[policy.hash]
        if not track.wants(arrival.place.position):
            return False
        track.admit(arrival.place.position)
        self.unsettled += 1
        self.size += arrival.size
        return True

    def release(self) -> Batch:
        """Everything that can be committed now. Empty moves: nothing."""
        outcomes: list[Outcome] = []
        moves: dict[str, Move] = {}
        releases: list[tuple[Track, Release]] = []
        for policy_hash, track in self.tracks.items():
            if release := track.release():
                outcomes += release.outcomes
                moves[self._keys[policy_hash]] = release.move
                releases.append((track, release))
        if moves:
            moves[fence_key(self.shard)] = Move(self._fence, self._fence)
        return Batch(outcomes, moves, releases)

    def committed(self, batch: Batch) -> None:
        """The batch that `release` gave is in the table now."""
        for track, release in batch.releases:
            track.commit(release.move)
        self.unsettled -= len(batch.outcomes)
        self.size -= sum(outcome.item.size for outcome in batch.outcomes)


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
    own = {policy.hash: track_key(shard, policy.hash, judge) for policy in policies}
    whole = {policy.hash: track_key(shard.whole, policy.hash, judge) for policy in policies}
    part = {policy.hash: part_key(shard, policy.hash, judge) for policy in policies}
    before = sink.ledger([fence_name, *part.values()])
    fence = before.get(fence_name, 0) + 1
    marks = {key: Move(None, 1) for key in part.values() if shard.selection and key not in before}
    sink.commit([], {fence_name: Move(before.get(fence_name), fence), **marks})
    ledger = sink.ledger([*own.values(), *whole.values()])
    tracks = {}
    for policy in policies:
        tried = part[policy.hash] in before
        skip = sink.settled(shard, policy.hash, judge) if tried else frozenset()
        tracks[policy.hash] = Track(ledger.get(own[policy.hash]), ledger.get(whole[policy.hash], 0), skip)
    return Holding(grant, fence, tracks, own)
