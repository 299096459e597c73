"""What the loop promises of telling others: after the table, at least once, in order, and never in the way."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Generator, Sequence

import pytest

from actors.limits import Limits
from actors.loop import Loop
from actors.scripted import ScriptedJudge
from assay.config import ScriptedConfig
from assay.contracts import Grant, Move, Polled, Shard, Tally
from assay.errors import FatalError, TransientError
from assay.ledger import sent_key
from assay.records import Outcome
from sinks.memory import MemorySink
from sources.memory import MemorySource
from tests.loop.stage import ABUSE, FAST, HOME, SPAM, Dawdler, arrivals, everything, make, rows, until


class Letters:
    """An outbox that remembers. Refuses the first `faults` letters, as a broker that is away does."""

    def __init__(self, sink: MemorySink, faults: int = 0, pause: float = 0, before: Letters | None = None) -> None:
        self.sent: list[tuple[int, str]] = []
        self._before = before._before | set(before.sent) if before else set()
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

    def republish(self, shard: Shard, since: int) -> Generator[int, None, None]:
        outcomes = [each for each in self._sink.outcomes if each.item.place.shard == shard.id]
        for position in sorted({each.item.place.position for each in outcomes if each.item.place.position >= since}):
            self.publish([each for each in outcomes if each.item.place.position == position])
            yield position + 1

    def close(self) -> None:
        """Nothing is held open."""


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


class Broken(Letters):
    """Takes nothing at all."""

    def publish(self, outcomes: Sequence[Outcome]) -> None:
        raise FatalError(f"broken: {len(outcomes)}")


async def test_what_the_very_first_commit_held_is_told_by_the_next_owner() -> None:
    sink = MemorySink()
    with pytest.raises(FatalError):
        await make(sink, Dawdler(), arrivals(), limits=Limits(8, 60, flush_rows=5), outbox=Broken(sink)).run()
    assert sink.outcomes
    letters = Letters(sink)
    await make(sink, Dawdler(), arrivals(), outbox=letters).run()
    assert sorted(letters.sent) == everything()


async def test_a_stop_while_nobody_listens_throws_no_judgement_away() -> None:
    sink, judge = MemorySink(), Dawdler()
    loop = make(sink, judge, arrivals({0: "slow"}), outbox=Letters(sink, faults=10**6))
    running = asyncio.create_task(loop.run())
    await until(lambda: bool(sink.outcomes))
    loop.stop()
    judge.go.set()
    tally = await running
    assert tally.judged == len(sink.outcomes)
    assert {(0, "spam"), (0, "abuse")} <= set(rows(sink))
    assert [news.kind for news in loop.report().news] == ["away"]
    letters = Letters(sink)
    await make(sink, Dawdler(), arrivals(), outbox=letters).run()
    assert sorted(letters.sent) == everything()


class Halting(Letters):
    """Stays at what it tells again of position `halt` until `go` is set."""

    def __init__(self, sink: MemorySink, before: Letters, halt: int) -> None:
        super().__init__(sink, before=before)
        self._halt, self.go, self.closed = halt, threading.Event(), False

    def republish(self, shard: Shard, since: int) -> Generator[int, None, None]:
        try:
            for told in super().republish(shard, since):
                yield told
                if told == self._halt:
                    self.go.wait(10)
        finally:
            self.closed = True


class Watched(MemorySource):
    """Counts its polls, and takes its shard away when `lost` is set."""

    def __init__(self) -> None:
        super().__init__([Grant(HOME)], {HOME: arrivals()})
        self.polls, self.lost = 0, False

    def poll(self, room: int, timeout: float) -> Polled:
        self.polls += 1
        return Polled(revoked=[HOME], ended=True) if self.lost else super().poll(room, timeout)


async def half(sink: MemorySink) -> Letters:
    """Half of the shard is judged and told, but the ledger knows only of the first two positions that it was told."""
    letters = Letters(sink)
    await make(sink, Dawdler(), arrivals(positions=range(10)), outbox=letters).run()
    sink.commit([], {sent_key(HOME): Move(10, 2)})
    return letters


def sent(sink: MemorySink) -> int | None:
    return sink.ledger([sent_key(HOME)]).get(sent_key(HOME))


async def halted(sink: MemorySink, source: MemorySource) -> tuple[Halting, asyncio.Task[Tally]]:
    """A loop that tells again what it has of the shard, and is held up at position 6."""
    letters = Halting(sink, await half(sink), 6)
    loop = Loop(source, Dawdler(), sink, (SPAM, ABUSE), "run", FAST, lambda _: None, letters)
    running = asyncio.create_task(loop.run())
    await until(lambda: sent(sink) == 6)
    return letters, running


async def test_while_much_is_told_again_the_source_is_polled_and_what_is_done_is_committed() -> None:
    sink, source = MemorySink(), Watched()
    letters, running = await halted(sink, source)
    polls = source.polls
    await until(lambda: source.polls > polls + 3)
    assert rows(sink) == everything(range(10)), "nothing of the shard is read before"
    letters.go.set()
    await running
    assert sorted(letters.sent) == everything(range(2, 20))
    assert sorted(letters.sent[:16]) == everything(range(2, 10)), "what is told again comes before what is new"
    assert sent(sink) == 20


async def test_a_stop_ends_what_is_told_again_and_the_next_owner_goes_on_from_there() -> None:
    sink = MemorySink()
    letters = Halting(sink, await half(sink), 6)
    loop = make(sink, Dawdler(), arrivals(), outbox=letters)
    running = asyncio.create_task(loop.run())
    await until(lambda: sent(sink) == 6)
    loop.stop()
    letters.go.set()
    await running
    assert letters.closed
    told = sent(sink)
    assert told in (6, 7)
    assert sorted(letters.sent) == everything(range(2, told))
    rest = Letters(sink, before=letters)
    await make(sink, Dawdler(), arrivals(), outbox=rest).run()
    assert sorted(rest.sent) == everything(range(told, 20))


async def test_a_shard_that_is_lost_is_told_again_by_its_next_owner_only() -> None:
    sink, source = MemorySink(), Watched()
    letters, running = await halted(sink, source)
    source.lost = True
    polls = source.polls
    await until(lambda: source.polls > polls + 1)
    letters.go.set()
    await running
    assert letters.closed
    assert max(letters.sent) < (7, "")
