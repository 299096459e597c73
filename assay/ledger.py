"""Names of ledger keys. Every key holds one whole number >= 0 and changes only inside a commit.

    track/<source>/<shard>/<policy>/<judge>[/<selection>]   position up to which the cases are settled
    fence/<source>/<shard>                                  claims so far; a commit must quote the latest
    source/<source>                                         version of the source's content when it was last audited
    part/<source>/<shard>/<policy>/<judge>                  1 if a trial run on a part of the shard left outcomes
    ahead/...                                               as track/: the position after the last outcome in the table
    stream/<source>/<shard>                                 a stream's one position, for all policies and judges
    items/<source>/<shard>                                  how many items of a stream lie before that position
    sent/<source>/<shard>                                   position up to which a stream's outcomes were announced

A track belongs to one policy's text, in its mode, and one judge, so an edited policy begins new tracks and leaves the
others where they are. Names are made of hashes where the part may hold any characters, so no content can forge a key.
"""

from __future__ import annotations

import hashlib

from assay.contracts import Shard
from assay.records import JudgeIdentity


def digest(*parts: str) -> str:
    """32 hex digits that stand for these strings and no others (each is length-prefixed before hashing)."""
    sha = hashlib.sha256()
    for part in parts:
        raw = part.encode("utf-8", "surrogatepass")
        sha.update(b"%d:" % len(raw) + raw)
    return sha.hexdigest()[:32]


def track_key(shard: Shard, policy: str, judge: JudgeIdentity) -> str:
    """Where the position of one shard under one `Policy.track` and judge is kept; in a stream, of one shard."""
    if shard.stream:
        return f"stream/{_shard(shard)}"
    name = f"track/{_shard(shard)}/{_decider(policy, judge)}"
    return f"{name}/{digest(shard.selection)}" if shard.selection else name


def part_key(shard: Shard, policy: str, judge: JudgeIdentity) -> str:
    return f"part/{_shard(shard)}/{_decider(policy, judge)}"


def ahead_key(track: str) -> str:
    """Beside this track: how far outcomes reach that were committed before their predecessors."""
    return f"ahead/{track}"


def items_key(shard: Shard) -> str:
    return f"items/{_shard(shard)}"


def sent_key(shard: Shard) -> str:
    return f"sent/{_shard(shard)}"


def fence_key(shard: Shard) -> str:
    return f"fence/{_shard(shard)}"


def source_key(source: str) -> str:
    return f"source/{digest(source)}"


def _shard(shard: Shard) -> str:
    return digest(shard.source, shard.id)


def _decider(policy: str, judge: JudgeIdentity) -> str:
    return f"{policy[:32]}/{digest(judge.name, judge.revision, judge.settings_hash)}"
