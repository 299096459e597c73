"""What the ledger says of a stream's partitions, and whether the table agrees with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from assay.contracts import Move, Shard, Sink
from assay.errors import FatalError, Refused
from assay.ledger import items_key, sent_key, track_key
from assay.policy import Policy
from assay.records import JudgeIdentity
from sinks.counts import Span, count_spans, count_whole
from sources.kafka_client import Survey

_NAMED = 5


@dataclass(frozen=True, slots=True)
class Mark:
    """Where the ledger stands with a partition: its position (None: not begun), and the items before it.

    `sent`: others were told of everything before it (None: of nothing).
    """

    position: int | None = None
    items: int = 0
    sent: int | None = None

    def settled(self, stop: int, *, told: bool) -> bool:
        """Whether everything before `stop` is settled, and others were told of it if they are to be told."""
        return (self.position or 0) >= stop and (not told or not self.items or (self.sent or 0) >= stop)


def shards_of(seen: Survey, ends: Mapping[tuple[str, int], int] | None) -> list[Shard]:
    """The partitions in order; each stops at its end if there are ends."""
    return [
        Shard(topic, str(partition), ends[topic, partition] if ends is not None else None, stream=True)
        for topic, partition in seen.partitions
    ]


def read_marks(sink: Sink, shards: Iterable[Shard], judge: JudgeIdentity) -> dict[Shard, Mark]:
    """The ledger's position, item count and told position of each partition."""
    positions = {shard: track_key(shard, "", judge) for shard in shards}
    ledger = sink.ledger([*positions.values(), *map(items_key, positions), *map(sent_key, positions)])
    return {
        shard: Mark(ledger.get(key), ledger.get(items_key(shard), 0), ledger.get(sent_key(shard)))
        for shard, key in positions.items()
    }


def begin_at_ends(sink: Sink, seen: Survey, judge: JudgeIdentity) -> None:
    """Has each topic that the ledger does not know begin where its partitions end, all in one commit.

    So a partition without a position in a topic that is known was added later: it begins at its first offset.
    """
    keys = {one: track_key(Shard(one[0], str(one[1]), stream=True), "", judge) for one in seen.partitions}
    while True:
        ledger = sink.ledger(keys.values())
        known = {topic for (topic, _), key in keys.items() if key in ledger}
        moves = {key: Move(None, seen.ends[one]) for one, key in keys.items() if one[0] not in known}
        try:
            if moves:
                sink.commit([], moves)
            return
        except Refused:  # somebody else was faster: now the ledger knows more
            continue


def balance(path: str, policies: Sequence[Policy], before: Mapping[Shard, Mark], after: Mapping[Shard, Mark]) -> None:
    """Conservation over offsets: between the two positions each item that was read has one row under each policy.

    Offsets that hold no item (compacted, aborted, control records) count on neither side. Nor does one whose record
    vanished after some of its outcomes were committed and before a crash let the others be: it keeps the rows it has.
    Raises FatalError.
    """
    spans = {
        shard: Span(shard.source, shard.id, before.get(shard, Mark()).position or 0, mark.position or 0)
        for shard, mark in after.items()
    }
    counts = count_whole(path, spans.values(), [(policy.id, policy.mode) for policy in policies])
    wrong = {}
    for shard, span in spans.items():
        items, found = after[shard].items - before.get(shard, Mark()).items, counts.get((span.source, span.shard))
        if (found.whole, found.doubled) != (items, 0) if found else items:
            wrong[span] = items
    if wrong:
        lines = _named(path, policies, wrong)
        more = [f"and {len(lines) - _NAMED} more"] if len(lines) > _NAMED else []
        raise FatalError("the run does not balance:\n  " + "\n  ".join([*lines[:_NAMED], *more]))


def _named(path: str, policies: Sequence[Policy], wrong: Mapping[Span, int]) -> list[str]:
    """What is wrong with each of these spans, of which so many items were read."""
    counts, lines = count_spans(path, wrong), []
    for span, items in wrong.items():
        found = {each.name: counts.get((span.source, span.shard, each.id, each.mode)) for each in policies}
        having = {policy: count.positions if count else 0 for policy, count in found.items()}
        where = f"{span.source}/{span.shard} offsets {span.low} to {span.high}"
        lines += [
            f"{where} under policy {policy}: {count.rows - count.positions} outcomes are doubled"
            for policy, count in found.items()
            if count is not None and count.rows != count.positions
        ]
        said = ", ".join(f"{count} under policy {policy}" for policy, count in having.items())
        lines.append(f"{where}: {items} items were read; outcomes there are of {said}")
    return lines
