"""What becomes of a stream's items when the text of a policy changes, between runs and under way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from actors.counts import Report
from actors.loop import Loop
from actors.scripted import ScriptedJudge
from assay.config import ScriptedConfig
from assay.contracts import Grant, Polled
from assay.records import Outcome
from sinks.memory import MemorySink
from sources.memory import MemorySource
from tests.loop.stage import ABUSE, FAST, HOME, NEWER, SPAM, Dawdler, arrivals, crashed, everything, make, rows, until


async def test_an_edited_policy_does_not_go_over_what_its_former_text_decided() -> None:
    sink = MemorySink()
    await make(sink, Dawdler(), arrivals(positions=range(10))).run()
    tally = await make(sink, Dawdler(), arrivals(), (NEWER, ABUSE)).run()
    assert rows(sink) == everything()
    assert tally.judged == 20


class Edited(MemorySource):
    """A policy is edited before the first item from position `at` on is delivered; `began` is that item's position."""

    edit: Callable[[], None]
    at = 0
    began: int | None = None

    def poll(self, room: int, timeout: float) -> Polled:
        polled = super().poll(min(room, 3), timeout)
        if self.began is None and polled.arrivals and polled.arrivals[0].place.position >= self.at:
            self.began = polled.arrivals[0].place.position
            self.edit()
        return polled


async def test_a_changed_policy_is_taken_in_between_items_and_reports_say_where_it_began() -> None:
    sink, judge, heard = MemorySink(), Dawdler(), list[Report]()
    source = Edited([Grant(HOME)], {HOME: arrivals({5: "slow"})})
    source.at = 8
    loop = Loop(source, judge, sink, (SPAM, ABUSE), "run", FAST, heard.append)
    source.edit = lambda: loop.adopt((NEWER, ABUSE))
    running = asyncio.create_task(loop.run())
    await until(lambda: len(sink.outcomes) == 38)
    judge.go.set()
    await running
    assert rows(sink) == everything()
    assert source.began is not None
    texts = [each.policy.hash for each in sorted(sink.outcomes, key=_position) if each.policy.id == "spam"]
    assert texts == [SPAM.hash] * source.began + [NEWER.hash] * (20 - source.began)
    assert {report.begins[NEWER.hash][HOME] for report in heard if NEWER.hash in report.begins} == {source.began}
    assert not any({SPAM.hash, NEWER.hash} <= report.begins.keys() for report in heard)


async def test_a_shard_never_falls_back_while_texts_come_and_go() -> None:
    long, heard = replace(HOME, stop=300), list[Report]()
    source = Edited([Grant(long)], {long: arrivals(positions=range(300))})
    judge = ScriptedJudge(ScriptedConfig(kind="scripted", latency_ms=3))
    loop = Loop(source, judge, MemorySink(), (SPAM, ABUSE), "run", FAST, heard.append)

    def edit() -> None:
        loop.adopt((NEWER if source.at % 20 else SPAM, ABUSE))
        source.at += 10
        source.began = None

    source.edit, source.at = edit, 10
    await loop.run()
    standings = [report.standings[long] for report in heard if long in report.standings]
    assert len({standing.low for standing in standings}) > 2
    assert standings == sorted(standings, key=lambda standing: (standing.low, standing.mark))
    assert [standing.mark for standing in standings] == sorted(standing.mark for standing in standings)


async def test_of_a_shard_that_does_not_begin_at_0_no_text_begins_there_either() -> None:
    heard: list[Report] = []
    source = MemorySource([Grant(HOME)], {HOME: arrivals(positions=range(7, 20))})
    await Loop(source, Dawdler(), MemorySink(), (SPAM,), "run", FAST, heard.append).run()
    assert {at for report in heard for at in report.begins.get(SPAM.hash, {}).values()} == {7}


async def test_of_a_shard_that_is_taken_over_the_text_begins_where_it_stands() -> None:
    sink, heard = MemorySink(), list[Report]()
    await make(sink, Dawdler(), arrivals(positions=range(10))).run()
    source = MemorySource([Grant(HOME)], {HOME: arrivals()})
    await Loop(source, Dawdler(), sink, (NEWER, ABUSE), "run", FAST, heard.append).run()
    assert {at for report in heard for at in report.begins.get(NEWER.hash, {}).values()} == {10}


async def test_a_policy_that_changes_right_after_a_crash_does_not_go_over_what_lies_ahead() -> None:
    sink = await crashed()
    source = Edited([Grant(HOME)], {HOME: arrivals()})
    loop = Loop(source, Dawdler(), sink, (SPAM, ABUSE), "run", FAST, lambda _: None)
    source.edit = lambda: loop.adopt((NEWER, ABUSE))
    tally = await loop.run()
    assert tally.judged == 2
    assert rows(sink) == everything()


def _position(outcome: Outcome) -> int:
    return outcome.item.place.position
