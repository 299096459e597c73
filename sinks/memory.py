"""A sink in memory, with the same promises as the Delta sink but no durability."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from threading import Lock

from assay.contracts import Move, Shard
from assay.errors import Refused
from assay.keys import known, reusable
from assay.policy import Policy
from assay.records import JudgeIdentity, Known, Outcome, Stage


class MemorySink:
    """Keeps everything in this process. May be shared by threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._outcomes: list[Outcome] = []
        self._values: dict[str, int] = {}

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """Every outcome committed, in order of commit."""
        with self._lock:
            return tuple(self._outcomes)

    def ledger(self, keys: Collection[str]) -> dict[str, int]:
        with self._lock:
            return {key: self._values[key] for key in keys if key in self._values}

    def commit(self, outcomes: Sequence[Outcome], moves: Mapping[str, Move]) -> None:
        with self._lock:
            for key, move in moves.items():
                if self._values.get(key) != move.was:
                    raise Refused(f"ledger key {key} holds {self._values.get(key)}, not {move.was}")
            self._outcomes.extend(outcomes)
            self._values.update({key: move.now for key, move in moves.items()})

    def settled(self, shard: Shard, policy: Policy, judge: JudgeIdentity, since: int = 0) -> frozenset[int]:
        with self._lock:
            return frozenset(
                outcome.item.place.position
                for outcome in self._outcomes
                if (outcome.item.place.source, outcome.item.place.shard) == (shard.source, shard.id)
                and outcome.item.place.position >= since
                and (outcome.policy.id, outcome.policy.mode) == (policy.id, policy.mode)
                and (shard.stream or (outcome.policy.hash == policy.hash and outcome.judge == judge))
            )

    def close(self) -> None:
        """Nothing to release."""


class MemoryLookup:
    """Implements `Lookup` over a `MemorySink`. `max_age` None: nothing is too old.

    Lookups that share `claims` are those of one machine.
    """

    def __init__(
        self, sink: MemorySink, max_age: timedelta | None = None, claims: dict[str, object] | None = None
    ) -> None:
        self._sink, self._max_age = sink, max_age
        self._claims: dict[str, object] = {} if claims is None else claims

    def find(self, keys: Collection[str]) -> dict[str, Known]:
        oldest = datetime.now(UTC) - self._max_age if self._max_age is not None else None
        found: dict[str, Known] = {}
        for outcome in self._sink.outcomes:
            fit = outcome.stage is Stage.JUDGE and reusable(outcome.judgement.result)
            if fit and outcome.key in keys and (oldest is None or outcome.judged_at >= oldest):
                best = found.get(outcome.key)
                if best is None or best.origin.judged_at <= outcome.judged_at:
                    found[outcome.key] = known(outcome)
        return found

    def claim(self, keys: Collection[str]) -> set[str]:
        return {key for key in keys if self._claims.setdefault(key, self) is self}

    def release(self, keys: Collection[str]) -> None:
        for key in keys:
            if self._claims.get(key) is self:
                del self._claims[key]

    def close(self) -> None:
        self.release([key for key, owner in self._claims.items() if owner is self])
