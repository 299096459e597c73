"""Commit, crash, resume, zombie and upkeep in any order, against a plain dict."""

from __future__ import annotations

import shutil
import tempfile

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from assay.config import DeltaConfig
from assay.contracts import Move
from assay.errors import Refused
from sinks.upkeep import optimize
from tests.sinks.outcomes import JUDGE, SHARD, SPAM, verdict
from tests.sinks.stand import Crash, FaultySink

FENCE = "fence/x"
TRACK = "track/x"


class Replicas(RuleBasedStateMachine):
    """One shard. The newest claim owns it; every older replica is a zombie. Model: the ledger as a dict."""

    def __init__(self) -> None:
        super().__init__()
        self.path = tempfile.mkdtemp()
        self.model: dict[str, int] = {}
        self.alive: list[tuple[FaultySink, int, int | None]] = []

    def teardown(self) -> None:
        shutil.rmtree(self.path)

    @rule()
    def claim(self) -> None:
        """A new replica takes the shard over, with whatever the ledger says."""
        sink = FaultySink(self.path)
        held = sink.ledger([FENCE, TRACK])
        assert held == self.model
        fence = held.get(FENCE)
        sink.commit([], {FENCE: Move(fence, (fence or 0) + 1)})
        self.model[FENCE] = (fence or 0) + 1
        self.alive.append((sink, self.model[FENCE], held.get(TRACK)))

    def moves(self, fence: int, at: int | None, count: int) -> dict[str, Move]:
        return {FENCE: Move(fence, fence), TRACK: Move(at, (at or 0) + count)}

    @precondition(lambda self: self.alive)
    @rule(count=st.integers(1, 3), unclear=st.sampled_from(["no", "before", "after"]))
    def owner_commits(self, count: int, unclear: str) -> None:
        sink, fence, at = self.alive.pop()
        if unclear != "no":
            (sink.before if unclear == "before" else sink.after).append(OSError("no answer"))
        start = at or 0
        sink.commit([verdict(start + n) for n in range(count)], self.moves(fence, at, count))
        self.model[TRACK] = start + count
        self.alive.append((sink, fence, start + count))

    @precondition(lambda self: self.alive)
    @rule(count=st.integers(1, 3), landed=st.booleans())
    def owner_crashes_in_a_commit(self, count: int, landed: bool) -> None:
        sink, fence, at = self.alive.pop()
        (sink.after if landed else sink.before).append(Crash())
        start = at or 0
        with pytest.raises(Crash):
            sink.commit([verdict(start + n) for n in range(count)], self.moves(fence, at, count))
        if landed:
            self.model[TRACK] = start + count
        self.alive.clear()

    @precondition(lambda self: len(self.alive) > 1)
    @rule(which=st.integers(0, 5))
    def zombie_commits(self, which: int) -> None:
        sink, fence, at = self.alive[which % (len(self.alive) - 1)]
        with pytest.raises(Refused):
            sink.commit([verdict(at or 0)], self.moves(fence, at, 1))

    @precondition(lambda self: self.model)
    @rule()
    def upkeep(self) -> None:
        optimize(DeltaConfig(kind="delta", path=self.path, vacuum_hours=1), self.path)

    @invariant()
    def ledger_and_rows_are_the_models(self) -> None:
        sink = FaultySink(self.path)
        assert sink.ledger([FENCE, TRACK]) == self.model
        assert sink.settled(SHARD, SPAM, JUDGE) == set(range(self.model.get(TRACK, 0)))


TestReplicas = Replicas.TestCase
TestReplicas.settings = settings(
    max_examples=15, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck)
)
