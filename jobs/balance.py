"""Conservation: what went in came out, once for each policy. Checked against the table itself after each run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assay.contracts import Shard, Sink
from assay.ledger import track_key, whole_track_key
from assay.policy import Policy
from assay.records import JudgeIdentity
from sinks.counts import Track, TrackCount
from sources.plan import Piece

_NAMED = 5
_NONE = TrackCount(0, 0)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the ledger is with each planned track. `open` are the shards with something left to judge."""

    positions: dict[tuple[Shard, str], int]
    open: tuple[Piece, ...]


def read_progress(sink: Sink, pieces: Sequence[Piece], policies: Sequence[Policy], judge: JudgeIdentity) -> Progress:
    """Look up every track of the plan in the ledger."""
    keys: dict[str, tuple[Shard, str]] = {}
    whole: dict[str, tuple[Shard, str]] = {}
    for piece in pieces:
        for policy in policies:
            keys[track_key(piece.shard, policy.hash, judge)] = (piece.shard, policy.hash)
            whole[whole_track_key(piece.shard, policy.hash, judge)] = (piece.shard, policy.hash)
    ledger = sink.ledger([*keys, *whole])
    positions = {track: ledger.get(key, 0) for key, track in keys.items()}
    for key, track in whole.items():
        positions[track] = max(positions[track], ledger.get(key, 0))
    open_shards = {shard for (shard, _), position in positions.items() if position < (shard.stop or 0)}
    return Progress(positions, tuple(piece for piece in pieces if piece.shard in open_shards))


def faults(
    pieces: Sequence[Piece],
    policies: Sequence[Policy],
    judge: JudgeIdentity,
    progress: Progress,
    table: dict[Track, TrackCount],
) -> list[str]:
    """What does not balance, in words; [] when every item has exactly one outcome under every policy.

    A track must be settled to its end, hold no position twice, and hold as many outcomes as its shard has items; more
    only if the plan takes a part of a shard of which other runs took other parts.
    """
    found: list[str] = []
    for piece in pieces:
        for policy in policies:
            shard = piece.shard
            where = f"{shard.source} rows {shard.id} under policy {policy.id}"
            count = table.get(_name(shard, policy, judge), _NONE)
            at = progress.positions[shard, policy.hash]
            if at < (shard.stop or 0):
                found.append(f"{where}: settled up to {at} of {shard.stop}")
            elif count.rows != count.positions:
                found.append(f"{where}: {count.rows - count.positions} outcomes are doubled")
            elif count.rows < piece.items:
                found.append(f"{where}: {piece.items - count.rows} of {piece.items} outcomes are missing")
            elif count.rows > piece.items and not piece.partial:
                found.append(f"{where}: {count.rows - piece.items} outcomes more than the {piece.items} items")
    if len(found) > _NAMED:
        found[_NAMED:] = [f"and {len(found) - _NAMED} more"]
    return found


def unsettled(
    pieces: Sequence[Piece], policies: Sequence[Policy], judge: JudgeIdentity, table: dict[Track, TrackCount]
) -> int:
    """Cases of the plan that have no outcome yet."""
    return sum(
        max(0, piece.items - table.get(_name(piece.shard, policy, judge), _NONE).positions)
        for piece in pieces
        for policy in policies
    )


def _name(shard: Shard, policy: Policy, judge: JudgeIdentity) -> Track:
    return Track(shard.source, shard.id, policy.hash, judge.name, judge.revision, judge.settings_hash)
