"""The seams: what the loop asks of a source, a judge and a sink. Small on purpose.

Each has an in-memory or scripted implementation that ships with the product and passes the same contract tests as the
real one.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import NamedTuple, Protocol

from assay.policy import Policy
from assay.records import Arrival, Case, JudgeIdentity, Judgement, Known, Outcome


@dataclass(frozen=True, slots=True)
class Caution:
    """How carefully to treat a shard on which replicas died.

    Until the shard is settled up to position `until`, at most `window` cases are in flight, and each case is committed
    before the next takes its place. With `condemn`, the first unsettled case (lowest position, then order of policies)
    is rejected (`engine`) without being judged: it was alone in flight when an engine died, for the third time.
    """

    window: int
    until: int
    condemn: bool = False


@dataclass(frozen=True, slots=True)
class Shard:
    """A share of a source with one owner at a time.

    `source` and `id` name it in the table and in the ledger and never change for the same bytes. `selection` names the
    part of it that a trial run takes ("" for all of it). `stop` is the position after its last item, None for a shard
    without end. `version` identifies the source's present content: the ledger remembers it per source, so that a
    source which changed is noticed (0: not versioned).

    A shard of a `stream` has one position for all policies and judges: an edited policy begins where the shard stands,
    and does not go back over what its former text decided.
    """

    source: str
    id: str
    stop: int | None = None
    selection: str = ""
    version: int = 0
    stream: bool = False

    @property
    def whole(self) -> Shard:
        """The same shard with nothing left out."""
        return replace(self, selection="")


@dataclass(frozen=True, slots=True)
class Grant:
    """A shard handed to a source, with the care that it needs."""

    shard: Shard
    caution: Caution | None = None


class NewsKind(StrEnum):
    """What a source may have to say of itself."""

    RESUBSCRIBED = "resubscribed"
    GAP = "gap"
    AWAY = "away"
    BACK = "back"
    POLICY = "policy"
    CANARIES = "canaries"


@dataclass(frozen=True, slots=True)
class News:
    """Something that happened once and that the person who runs the job should read once."""

    kind: NewsKind
    text: str


@dataclass(frozen=True, slots=True)
class Polled:
    """What one poll brought. Order of meaning: revoked, assigned, arrivals, reached.

    `reached`: no item of these shards before the position is left to be delivered: each was, in this poll or before,
    or there is none (a shard that has reached its `stop` is finished). `ended`: the source will never deliver again.
    """

    arrivals: Sequence[Arrival] = ()
    assigned: Sequence[Grant] = ()
    revoked: Sequence[Shard] = ()
    reached: Mapping[Shard, int] = field(default_factory=dict)
    ended: bool = False
    news: Sequence[News] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a loop is with a shard.

    `low`: everything before it is committed under every policy. `mark`: the sum of its tracks' committed positions,
    those of texts that are through included, which grows with each commit. `reached`: everything before it has been
    read. `flying`: its cases that are with the judge, or next to go there while cases go one by one.
    """

    low: int
    mark: int
    reached: int
    flying: int = 0


class Source(Protocol):
    """Items, shard by shard. Used by one loop; `poll` may run in a thread, never two calls at once.

    Guarantees: items of a shard arrive in order of position, each at or after the last `seek`, none left out but those
    that the shard's selection leaves out. A shard delivers nothing between its `assigned` and its `seek`, and nothing
    that was read before a `revoked` arrives in that poll or later.
    """

    def poll(self, room: int, timeout: float) -> Polled:
        """At most `room` arrivals, waiting at most `timeout` seconds for the first. With room 0: housekeeping only."""
        ...

    def seek(self, shard: Shard, position: int | None) -> None:
        """Deliver the shard from this position on; None: the ledger knows nothing, begin where the source begins.

        Does not block. Called between polls. Where the source begins elsewhere than at 0, a poll says so in `reached`.
        """
        ...

    def acknowledge(self, settled: Mapping[Shard, int]) -> None:
        """These shards are committed up to (not including) these positions. A courtesy; nothing rests on it."""
        ...

    def close(self) -> None: ...


class Judge(Protocol):
    """A model that decides. `start` once, then any number of `judge` calls at the same time, then `close`."""

    identity: JudgeIdentity

    async def start(self, policies: Sequence[Policy]) -> None:
        """Load, and prepare each policy. Raises FatalError when the model can't be had."""
        ...

    async def prepare(self, policies: Sequence[Policy]) -> None:
        """Get ready for policies that were not there at the start. Raises InputError for one that leaves no room."""
        ...

    async def judge(self, case: Case) -> Judgement:
        """Always a verdict or a named rejection, whatever the model says. Raises EngineDied when the engine is gone."""
        ...

    async def close(self) -> None: ...


class Lookup(Protocol):
    """What the table knows of cases that were judged, by their keys. Used in threads, one call at a time."""

    def find(self, keys: Collection[str]) -> Mapping[str, Known]:
        """Those of the keys that have a verdict, or a rejection that the content alone decided, and are not too old.

        What was committed some seconds ago, by whomever, is found. Raises TransientError, FatalError.
        """
        ...

    def claim(self, keys: Collection[str]) -> set[str]:
        """Those of the keys that are ours to judge now; of the others somebody else's verdict may come soon.

        A claim that was free because a verdict had just been committed is given together with that: `find` knows it.
        """
        ...

    def release(self, keys: Collection[str]) -> None:
        """What is committed of these keys is found by everybody from now on, and who finds nothing may claim them."""
        ...

    def close(self) -> None:
        """Releases every claim of ours."""
        ...


@dataclass(frozen=True, slots=True)
class History:
    """A lookup, and the share of what it knows (0 to 1) that is judged again all the same."""

    lookup: Lookup
    audit: float = 0.0


@dataclass(frozen=True, slots=True)
class Marks:
    """Carried columns by which items say how they want to be judged; None: nothing is said, as in most runs.

    Items that differ in `apart` get no verdict of each other, whatever their content. `under` holds the ids of the
    policies, with spaces between them, that an item is to be judged under; an item without it, under all of them.
    """

    apart: str | None = None
    under: str | None = None


NO_MARKS = Marks()


class Move(NamedTuple):
    """A compare-and-set on one ledger key: it must hold `was` (None: absent) and will hold `now` (>= 0)."""

    was: int | None
    now: int


class Sink(Protocol):
    """Where outcomes and positions are kept, together."""

    def ledger(self, keys: Collection[str]) -> dict[str, int]:
        """The present value of each key that has one, as of now (not of the last commit by this object)."""
        ...

    def commit(self, outcomes: Sequence[Outcome], moves: Mapping[str, Move]) -> None:
        """Add the outcomes and make the moves in one atomic step, durable on return.

        Raises Refused, with nothing changed, if any key no longer holds its `was`. Any other error leaves it open
        whether the commit happened only if the sink could not find out; it is then TransientError.
        """
        ...

    def settled(self, shard: Shard, policy: Policy, judge: JudgeIdentity, since: int = 0) -> frozenset[int]:
        """Positions of the shard, from `since` on, that have an outcome. Slow: reads the table.

        Under this text of the policy, in its mode, and this judge; in a stream under any text with the policy's id and
        mode, by any judge.
        """
        ...

    def close(self) -> None: ...


class Outbox(Protocol):
    """Tells others of outcomes that the table has. At least once: what may not have been told is told again."""

    def publish(self, outcomes: Sequence[Outcome]) -> None:
        """Returns when all of it is safe with the receiver. Raises TransientError, FatalError."""
        ...

    def republish(self, shard: Shard, since: int) -> Generator[int, None, None]:
        """The same for every outcome that the table has of the shard, from this position on, piece by piece.

        Yields after each piece the position before which everything is safe with the receiver. At its end all is. May
        be closed before.
        """
        ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of one run or a part of it. Add them up with +.

    Outcomes that were reused: `repeated` from a case of the same run, `recalled` from an earlier one; judging them all
    would have taken `saved_tokens`. `audited`: known cases that were judged again; `agreed` came to the same violation.
    """

    items: int = 0
    judged: int = 0
    verdicts: int = 0
    flagged: int = 0
    rejected: Mapping[str, int] = field(default_factory=dict)
    prompt_tokens: int = 0
    cached_tokens: int = 0
    cacheable_tokens: int = 0
    output_tokens: int = 0
    idle_seconds: float = 0.0
    repeated: int = 0
    recalled: int = 0
    saved_tokens: int = 0
    audited: int = 0
    agreed: int = 0
    waits: Mapping[int, int] = field(default_factory=dict)
    """Outcomes by seconds from the item's time to the table, in buckets: `wait_bucket`."""

    @property
    def settled(self) -> int:
        """Outcomes committed."""
        return self.verdicts + sum(self.rejected.values())

    def __add__(self, other: Tally) -> Tally:
        reasons = {*self.rejected, *other.rejected}
        return Tally(
            items=self.items + other.items,
            judged=self.judged + other.judged,
            verdicts=self.verdicts + other.verdicts,
            flagged=self.flagged + other.flagged,
            rejected={reason: self.rejected.get(reason, 0) + other.rejected.get(reason, 0) for reason in reasons},
            prompt_tokens=self.prompt_tokens + other.prompt_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            cacheable_tokens=self.cacheable_tokens + other.cacheable_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            idle_seconds=self.idle_seconds + other.idle_seconds,
            repeated=self.repeated + other.repeated,
            recalled=self.recalled + other.recalled,
            saved_tokens=self.saved_tokens + other.saved_tokens,
            audited=self.audited + other.audited,
            agreed=self.agreed + other.agreed,
            waits={
                bucket: self.waits.get(bucket, 0) + other.waits.get(bucket, 0) for bucket in {*self.waits, *other.waits}
            },
        )

    def wait(self, share: float) -> float | None:
        """Seconds within which this share of outcomes came from item to table, 2 % off at most; None if there are none.

        Buckets grow by 4 %, as in DDSketch (Masson, Rim and Lee 2019).
        """
        left = share * sum(self.waits.values())
        for bucket, count in sorted(self.waits.items()):
            left -= count
            if left <= 0:
                return float(_GROWTH ** (bucket - 0.5))
        return None


_GROWTH = 1.04


def wait_bucket(seconds: float) -> int:
    """The bucket of `Tally.waits` that these seconds belong to; a millisecond or less is one."""
    return math.ceil(math.log(max(seconds, 1e-3)) / math.log(_GROWTH))
