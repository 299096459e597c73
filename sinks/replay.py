"""What the table holds of one shard from a position on, in order, in pieces that fit in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pyarrow as pa

from assay.contracts import Shard
from assay.records import Reason, Stage
from sinks.counts import ROWS, fetch, stream
from sinks.messages import DEAD_LETTER_COLUMNS, VERDICT_COLUMNS
from sinks.schema import REJECTED, VERDICT

_PIECE_BYTES = 32 * 2**20
_PIECE_ROWS = 2_000


def verdict_rows(path: str, shard: Shard, since: int) -> Iterator[pa.Table]:
    """The shard's verdicts under live policies from position `since` on, by position and policy.

    Raises TransientError, FatalError.
    """
    return stream(
        path,
        f"""SELECT status, mode, {", ".join(VERDICT_COLUMNS)} FROM {ROWS}
            WHERE source = $source AND shard = $shard AND position >= $since AND status = $status AND mode = 'live'
            ORDER BY position, policy_id, judged_at""",
        {**_place(shard, since), "status": VERDICT},
        since,
    )


def dead_letter_rows(path: str, shard: Shard, since: int) -> Iterator[pa.Table]:
    """The same for what the source rejected; all rows of a position are in one piece. Raw bytes are read piece by
    piece, since sorting them would need as much memory as they take.
    """
    wanted = {**_place(shard, since), "status": REJECTED, "stage": Stage.SOURCE.value, "gap": Reason.GAP.value}
    where = """source = $source AND shard = $shard AND position >= $since
               AND status = $status AND stage = $stage AND reason <> $gap AND mode = 'live'"""
    sizes = fetch(
        path,
        f"""SELECT position, coalesce(sum(octet_length(raw)), 0)::BIGINT FROM {ROWS}
            WHERE {where} GROUP BY position ORDER BY position""",
        wanted,
        since,
    )
    for positions in _pieces(sizes):
        yield from _one_table(
            stream(
                path,
                f"""SELECT {", ".join(DEAD_LETTER_COLUMNS)} FROM {ROWS}
                    WHERE {where} AND position IN (SELECT unnest($positions::BIGINT[]))
                    ORDER BY position, policy_id""",
                {**wanted, "positions": positions},
                since,
            )
        )


def _place(shard: Shard, since: int) -> Mapping[str, object]:
    return {"source": shard.source, "shard": shard.id, "since": since}


def _pieces(sizes: list[tuple[int, int]]) -> Iterator[list[int]]:
    """Positions in runs of at most `_PIECE_BYTES` together, or a single one that is larger."""
    piece: list[int] = []
    total = 0
    for position, size in sizes:
        if piece and (total + size > _PIECE_BYTES or len(piece) >= _PIECE_ROWS):
            yield piece
            piece, total = [], 0
        piece.append(position)
        total += size
    if piece:
        yield piece


def _one_table(batches: Iterator[pa.Table]) -> Iterator[pa.Table]:
    if found := list(batches):
        yield pa.concat_tables(found)
