"""What the loop promises of streams: one position per shard, slow cases, shards that come and go."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace

import pytest

from actors.holding import claim
from actors.limits import Limits
from actors.loop import Loop
from actors.scripted import ScriptedJudge
from assay.config import ScriptedConfig
from assay.contracts import Grant, Polled
from assay.errors import Refused
from assay.ledger import items_key
from assay.records import Reason, Rejection
from sinks.memory import MemorySink
from sources.memory import MemorySource
from tests.loop.stage import ABUSE, FAST, HOME, SPAM, Dawdler, arrivals, at, crashed, everything, make, rows, until


async def test_a_slow_case_delays_the_position_and_nobody_elses_outcome() -> None:
    sink, judge = MemorySink(), Dawdler()
    running = asyncio.create_task(make(sink, judge, arrivals({3: "slow"})).run())
    await until(lambda: len(sink.outcomes) == 38)
    assert at(sink, judge) == 3
    judge.go.set()
    await running
    assert rows(sink) == everything()
    assert at(sink, judge) == 20


async def test_after_a_crash_what_lies_ahead_of_the_position_is_not_judged_again() -> None:
    sink = await crashed()
    tally = await make(sink, Dawdler(), arrivals()).run()
    assert tally.judged == 2
    assert rows(sink) == everything()
    assert sink.ledger([items_key(HOME)]) == {items_key(HOME): 20}


async def test_items_that_are_gone_after_a_crash_are_counted_by_the_outcomes_that_are_left_of_them() -> None:
    sink = await crashed()
    await make(sink, Dawdler(), arrivals(positions=range(10, 20))).run()
    left = [position for position in range(20) if position != 3]
    assert rows(sink) == everything(left)
    assert sink.ledger([items_key(HOME)]) == {items_key(HOME): len(left)}


async def test_the_ledger_counts_items_and_not_offsets() -> None:
    sink, holes = MemorySink(), [0, 1, 5, 6, 7, 19]
    await make(sink, Dawdler(), arrivals(positions=holes)).run()
    assert sink.ledger([items_key(HOME)]) == {items_key(HOME): len(holes)}
    assert rows(sink) == everything(holes)


async def test_an_endless_case_is_rejected_at_its_deadline() -> None:
    sink, judge = MemorySink(), Dawdler()
    await make(sink, judge, arrivals({3: "slow"}), limits=Limits(8, 0.01, deadline_seconds=0.2)).run()
    assert rows(sink) == everything()
    rejected = [each for each in sink.outcomes if isinstance(each.judgement.result, Rejection)]
    assert [(each.item.place.position, each.judgement.result.reason) for each in rejected] == [(3, Reason.DEADLINE)] * 2


class Borrowed(MemorySource):
    """Loses its shard after the first items, and gets it again."""

    def poll(self, room: int, timeout: float) -> Polled:
        polled = super().poll(min(room, 4), timeout)
        if polled.arrivals and not self.lent:
            self.lent = True
            self.seek(HOME, 99)
            return Polled(revoked=[HOME], assigned=[Grant(HOME)])
        return polled

    lent = False


async def test_a_shard_that_was_lost_and_won_again_is_claimed_again() -> None:
    sink, judge = MemorySink(), Dawdler()
    source = Borrowed([Grant(HOME)], {HOME: arrivals()})
    await Loop(source, judge, sink, (SPAM, ABUSE), "run", FAST, lambda _: None).run()
    assert source.lent
    assert rows(sink) == everything()


class Withdrawn(MemorySource):
    """Loses its shard to somebody else after the first items."""

    def __init__(self, judge: ScriptedJudge, sink: MemorySink) -> None:
        super().__init__([Grant(HOME)], {HOME: arrivals()})
        self._judge, self._sink = judge, sink

    def poll(self, room: int, timeout: float) -> Polled:
        polled = super().poll(min(room, 4), timeout)
        if not polled.arrivals or polled.arrivals[0].place.position == 0:
            return polled
        claim([Grant(HOME)], self._sink, (SPAM, ABUSE), self._judge.identity)
        return Polled(revoked=[HOME], ended=True)


async def test_work_on_a_shard_that_was_taken_away_is_thrown_away() -> None:
    sink, judge = MemorySink(), ScriptedJudge(ScriptedConfig(kind="scripted", latency_ms=300))
    await Loop(Withdrawn(judge, sink), judge, sink, (SPAM, ABUSE), "run", FAST, lambda _: None).run()
    assert rows(sink) == []


async def test_who_lost_a_shard_to_another_is_refused() -> None:
    sink, judge = MemorySink(), Dawdler()
    loop = make(sink, judge, arrivals({3: "slow"}))
    running = asyncio.create_task(loop.run())
    await until(lambda: len(sink.outcomes) == 38)
    claim([Grant(HOME)], sink, (SPAM, ABUSE), judge.identity)
    judge.go.set()
    with pytest.raises(Refused):
        await running
    assert len(sink.outcomes) == 38


class Late(MemorySource):
    """Answers a poll at which `held` is set when `go` is set, and then says that the shard is lost."""

    def __init__(self) -> None:
        super().__init__([Grant(HOME)], {HOME: arrivals({3: "slow"})})
        self.held, self.asked, self.go = False, threading.Event(), threading.Event()

    def poll(self, room: int, timeout: float) -> Polled:
        if not self.held:
            return replace(super().poll(room, timeout), ended=False)
        self.held = False
        self.asked.set()
        self.go.wait(10)
        return Polled(revoked=[HOME])


async def test_a_shard_that_is_lost_while_the_loop_is_told_to_stop_is_lost() -> None:
    sink, judge, source = MemorySink(), Dawdler(), Late()
    loop = Loop(source, judge, sink, (SPAM, ABUSE), "run", FAST, lambda _: None)
    running = asyncio.create_task(loop.run())
    await until(lambda: len(sink.outcomes) == 38)
    source.held = True
    await until(source.asked.is_set)
    loop.stop()
    claim([Grant(HOME)], sink, (SPAM, ABUSE), judge.identity)
    source.go.set()
    await until(lambda: not loop.report().standings)
    judge.go.set()
    await running
    assert len(sink.outcomes) == 38
