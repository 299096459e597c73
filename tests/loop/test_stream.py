"""What the loop promises of streams: one position per shard, slow cases, changed policies, telling others."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import pytest

from actors.holding import claim
from actors.limits import Limits
from actors.loop import Loop
from actors.scripted import ScriptedJudge
from assay.config import ScriptedConfig
from assay.contracts import Grant, Move, Polled, Shard
from assay.errors import Refused, TransientError
from assay.ledger import items_key, sent_key, track_key
from assay.policy import Policy
from assay.records import Arrival, Case, Judgement, Outcome, Reason, Rejection
from sinks.memory import MemorySink
from sources.memory import MemorySource
from tests.loop.builders import item, policy

SPAM, ABUSE = policy("spam"), policy("abuse")
NEWER = policy("spam", "No spam at all.")
HOME = Shard("events", "0", 20, stream=True)
FAST = Limits(window=8, flush_seconds=0.01, flush_rows=50)


class Dawdler(ScriptedJudge):
    """Takes for ever over `slow`, until `go` is set."""

    def __init__(self) -> None:
        super().__init__(ScriptedConfig(kind="scripted"))
        self.go = asyncio.Event()

    async def judge(self, case: Case) -> Judgement:
        if case.item.judged[0].content == "slow":
            await self.go.wait()
        return await super().judge(case)


class Letters:
    """An outbox that remembers. Refuses the first `faults` letters, as a broker that is away does."""

    def __init__(self, sink: MemorySink, faults: int = 0, pause: float = 0, before: Letters | None = None) -> None:
        self.sent: list[tuple[int, str]] = []
        self._before = set(before.sent) if before else set()
        self._sink, self._faults, self._pause = sink, faults, pause

    def publish(self, outcomes: Sequence[Outcome]) -> None:
        if self._faults:
            self._faults -= 1
            raise TransientError("away")
        assert {id(each) for each in outcomes} <= {id(each) for each in self._sink.outcomes}, "told before it was true"
        told = self._sink.ledger([sent_key(HOME)]).get(sent_key(HOME), 0)
        due = {(each.item.place.position, each.policy.id) for each in self._sink.outcomes}
        assert {each for each in due if each[0] < told} <= self._before | set(self.sent), (
            "the ledger says told before it is"
        )
        time.sleep(self._pause)
        self.sent += [(each.item.place.position, each.policy.id) for each in outcomes]

    def republish(self, shard: Shard, since: int) -> None:
        outcomes = [each for each in self._sink.outcomes if each.item.place.shard == shard.id]
        self.publish([each for each in outcomes if each.item.place.position >= since])

    def close(self) -> None:
        """Nothing is held open."""


def arrivals(texts: Mapping[int, str] | None = None, positions: Sequence[int] = range(20)) -> list[Arrival]:
    return [item(HOME, position, (texts or {}).get(position, "hello")) for position in positions]


def make(
    sink: MemorySink,
    judge: ScriptedJudge,
    delivered: Sequence[Arrival],
    policies: Sequence[Policy] = (SPAM, ABUSE),
    limits: Limits = FAST,
    outbox: Letters | None = None,
) -> Loop:
    home = replace(HOME, stop=delivered[-1].place.position + 1)
    source = MemorySource([Grant(home)], {home: delivered})
    return Loop(source, judge, sink, policies, "run", limits, lambda _: None, outbox)


def rows(sink: MemorySink) -> list[tuple[int, str]]:
    return sorted((each.item.place.position, each.policy.id) for each in sink.outcomes)


def everything(
    positions: Sequence[int] = range(20), policies: Sequence[Policy] = (SPAM, ABUSE)
) -> list[tuple[int, str]]:
    return sorted((position, each.id) for position in positions for each in policies)


def at(sink: MemorySink, judge: ScriptedJudge) -> int | None:
    key = track_key(HOME, "", judge.identity)
    return sink.ledger([key]).get(key)


async def until(true: object) -> None:
    async with asyncio.timeout(10):
        while not true():  # type: ignore[operator]
            await asyncio.sleep(0.01)


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
    sink, judge = MemorySink(), Dawdler()
    running = asyncio.create_task(make(sink, judge, arrivals({3: "slow"})).run())
    await until(lambda: len(sink.outcomes) == 38)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    tally = await make(sink, Dawdler(), arrivals()).run()
    assert tally.judged == 2
    assert rows(sink) == everything()
    assert sink.ledger([items_key(HOME)]) == {items_key(HOME): 20}


async def test_items_that_are_gone_after_a_crash_are_counted_by_the_outcomes_that_are_left_of_them() -> None:
    sink, judge = MemorySink(), Dawdler()
    running = asyncio.create_task(make(sink, judge, arrivals({3: "slow"})).run())
    await until(lambda: len(sink.outcomes) == 38)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await make(sink, Dawdler(), arrivals(positions=range(10, 20))).run()
    left = [position for position in range(20) if position != 3]
    assert rows(sink) == everything(left)
    assert sink.ledger([items_key(HOME)]) == {items_key(HOME): len(left)}


async def test_an_edited_policy_does_not_go_over_what_its_former_text_decided() -> None:
    sink = MemorySink()
    await make(sink, Dawdler(), arrivals(positions=range(10))).run()
    tally = await make(sink, Dawdler(), arrivals(), (NEWER, ABUSE)).run()
    assert rows(sink) == everything()
    assert tally.judged == 20


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


async def test_a_changed_policy_is_taken_in_between_items_and_each_row_says_which_text_judged_it() -> None:
    sink, judge = MemorySink(), Dawdler()
    loop = make(sink, judge, arrivals({5: "slow"}), limits=Limits(4, 0.01))
    running = asyncio.create_task(loop.run())
    await until(lambda: len(sink.outcomes) >= 10)
    loop.adopt((NEWER, ABUSE))
    judge.go.set()
    await running
    assert rows(sink) == everything()
    texts = [each.policy.hash for each in sorted(sink.outcomes, key=_position) if each.policy.id == "spam"]
    assert set(texts) <= {SPAM.hash, NEWER.hash}
    assert texts == sorted(texts, key=[SPAM.hash, NEWER.hash].index)
    if NEWER.hash in texts:
        assert any("begins: events/0 at" in news.text for news in loop.report().news)


async def test_a_policy_that_changes_right_after_a_crash_does_not_go_over_what_lies_ahead() -> None:
    sink, judge = MemorySink(), Dawdler()
    running = asyncio.create_task(make(sink, judge, arrivals({3: "slow"})).run())
    await until(lambda: len(sink.outcomes) == 38)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    source = Edited([Grant(HOME)], {HOME: arrivals()})
    loop = Loop(source, Dawdler(), sink, (SPAM, ABUSE), "run", FAST, lambda _: None)
    source.edit = lambda: loop.adopt((NEWER, ABUSE))
    tally = await loop.run()
    assert tally.judged == 2
    assert rows(sink) == everything()


async def test_others_are_told_after_the_table_and_what_a_fault_cut_off_is_told_again() -> None:
    sink, judge = MemorySink(), Dawdler()
    letters = Letters(sink, faults=2)
    await make(sink, judge, arrivals(), outbox=letters).run()
    assert sorted(letters.sent) == everything()
    assert sink.ledger([sent_key(HOME)]) == {sent_key(HOME): 20}


async def test_the_ledger_never_says_told_of_what_finished_while_others_were_told() -> None:
    sink = MemorySink()
    judge = ScriptedJudge(ScriptedConfig(kind="scripted", latency_ms=20, jitter=0.5))
    letters = Letters(sink, pause=0.05)
    await make(sink, judge, arrivals(), limits=Limits(3, 0.01), outbox=letters).run()
    assert sorted(letters.sent) == everything()


async def test_what_was_committed_and_not_told_is_told_by_the_next_owner() -> None:
    sink, judge = MemorySink(), Dawdler()
    first = Letters(sink)
    await make(sink, judge, arrivals(positions=range(10)), outbox=first).run()
    key = sent_key(HOME)
    sink.commit([], {key: Move(sink.ledger([key])[key], 4)})
    letters = Letters(sink, before=first)
    await make(sink, judge, arrivals(), outbox=letters).run()
    assert sorted(letters.sent) == everything(range(4, 20))


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


class Edited(MemorySource):
    """A policy is edited between the shard's claim and its first item."""

    edit: Callable[[], None]

    def poll(self, room: int, timeout: float) -> Polled:
        polled = super().poll(room, timeout)
        if polled.arrivals:
            self.edit()
        return polled


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


def _position(outcome: Outcome) -> int:
    return outcome.item.place.position
