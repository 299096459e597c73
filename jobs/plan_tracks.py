"""Which cases of a plan still need an outcome, by the ledger alone: what a run would admit if it began now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from assay.contracts import Shard
from assay.ledger import ahead_key, part_key, track_key
from assay.policy import Policy
from assay.records import JudgeIdentity
from assay.tracks import Track
from sinks.counts import settled_positions
from sources.plan import Piece


@dataclass(frozen=True, slots=True)
class Wanted:
    """One piece of a plan: a track for each policy. `all_alike` answers for each of its positions, if it is there."""

    tracks: tuple[Track, ...]
    all_alike: int | None

    def at(self, position: int) -> int:
        """Bit p is set if the item at this position needs an outcome under policy p."""
        if self.all_alike is not None:
            return self.all_alike
        return sum(1 << number for number, track in enumerate(self.tracks) if track.wants(position))


def wanted(
    piece: Piece, policies: Sequence[Policy], judge: JudgeIdentity, ledger: Mapping[str, int], path: str
) -> Wanted:
    """As a replica that claims the shard would have it. Asks the table where a crash or a trial run left gaps.

    Raises TransientError, FatalError.
    """
    tracks = tuple(_track(piece.shard, policy, judge, ledger, path) for policy in policies)
    bits = 0
    for number, track in enumerate(tracks):
        if track.start >= (piece.shard.stop or 0):
            continue
        if track.start > piece.start or track.skip:
            return Wanted(tracks, None)
        bits |= 1 << number
    return Wanted(tracks, bits)


def _track(shard: Shard, policy: Policy, judge: JudgeIdentity, ledger: Mapping[str, int], path: str) -> Track:
    trail = (track_key(shard, policy.track, judge), track_key(shard.whole, policy.track, judge))
    start = max(ledger.get(key, 0) for key in trail)
    scattered = part_key(shard, policy.track, judge) in ledger
    scattered = scattered or max(ledger.get(ahead_key(key), 0) for key in trail) > start
    if not scattered or start >= (shard.stop or 0):
        return Track(start)
    return Track(start, settled_positions(path, shard, policy, judge, start))
