"""Conservation: what went in came out, once for each policy. Checked against the table itself after each run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from assay.config import ParquetConfig
from assay.contracts import Shard, Sink
from assay.ledger import track_key
from assay.policy import Policy
from assay.records import JudgeIdentity
from sinks.counts import TrackCount, TrackName, count_by_track
from sources.plan import Piece, selected_positions

_NAMED = 5
_NONE = TrackCount(0, 0)


@dataclass(frozen=True, slots=True)
class Plot:
    """What the ledger and the table are measured against: the plan's pieces, under these policies, by this judge."""

    source: ParquetConfig
    pieces: tuple[Piece, ...]
    policies: tuple[Policy, ...]
    judge: JudgeIdentity


@dataclass(frozen=True, slots=True)
class Reach:
    """How far the ledger is with each planned track. `open` are the pieces with something left to judge."""

    positions: dict[tuple[Shard, str], int]
    open: tuple[Piece, ...]


def read_ledger(sink: Sink, plot: Plot) -> Reach:
    """Look up every track of the plan. A trial run stands where the whole run stands, if that is further."""
    own, whole = {}, {}
    for piece in plot.pieces:
        for policy in plot.policies:
            own[track_key(piece.shard, policy.track, plot.judge)] = (piece.shard, policy.track)
            whole[track_key(piece.shard.whole, policy.track, plot.judge)] = (piece.shard, policy.track)
    ledger = sink.ledger([*own, *whole])
    positions = {track: ledger.get(key, 0) for key, track in own.items()}
    for key, track in whole.items():
        positions[track] = max(positions[track], ledger.get(key, 0))
    behind = {shard for (shard, _), position in positions.items() if position < (shard.stop or 0)}
    return Reach(positions, tuple(piece for piece in plot.pieces if piece.shard in behind))


def settled(sink: Sink, path: str, plot: Plot) -> dict[tuple[Shard, str], TrackCount]:
    """How many outcomes the table has for the items of each planned track, whichever run wrote them.

    Where the plan takes a part of a shard, the table is asked for each position, as it may hold other parts too.
    """
    hashes = [policy.hash for policy in plot.policies]
    table = count_by_track(path, {piece.shard.source for piece in plot.pieces}, hashes)
    found: dict[tuple[Shard, str], TrackCount] = {}
    for piece in plot.pieces:
        wanted = selected_positions(plot.source, piece) if piece.partial else None
        for policy in plot.policies:
            count = table.get(_name(piece.shard, policy, plot.judge), _NONE)
            if wanted is not None and count.rows:
                inside = len(wanted & sink.settled(piece.shard, policy, plot.judge))
                count = TrackCount(inside + count.rows - count.positions, inside)
            found[piece.shard, policy.track] = count
    return found


def faults(plot: Plot, reach: Reach, counts: Mapping[tuple[Shard, str], TrackCount]) -> list[str]:
    """What does not balance, in words; [] when every item has exactly one outcome under every policy.

    A track must be settled to its end, hold no position twice, and hold as many outcomes as its piece has items.
    """
    found: list[str] = []
    for piece in plot.pieces:
        for policy in plot.policies:
            shard, count = piece.shard, counts[piece.shard, policy.track]
            where = f"{shard.source} rows {shard.id} under policy {policy.name}"
            at = reach.positions[shard, policy.track]
            if at < (shard.stop or 0):
                found.append(f"{where}: settled up to {at} of {shard.stop}")
            elif count.rows != count.positions:
                found.append(f"{where}: {count.rows - count.positions} outcomes are doubled")
            elif count.rows != piece.items:
                found.append(f"{where}: {piece.items - count.rows} of {piece.items} outcomes are missing")
    if len(found) > _NAMED:
        found[_NAMED:] = [f"and {len(found) - _NAMED} more"]
    return found


def unsettled(plot: Plot, counts: Mapping[tuple[Shard, str], TrackCount]) -> int:
    """Cases of the plan that have no outcome yet."""
    return sum(
        piece.items - counts[piece.shard, policy.track].positions for piece in plot.pieces for policy in plot.policies
    )


def _name(shard: Shard, policy: Policy, judge: JudgeIdentity) -> TrackName:
    place = shard.source, shard.id
    return TrackName(*place, policy.hash, judge.name, judge.revision, judge.settings_hash, policy.mode)
