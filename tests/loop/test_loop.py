"""The loop over the shipped in-memory source and sink and the scripted judge: exact whatever goes wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from actors.board import Board, Death
from actors.counts import Report
from actors.holding import claim
from actors.limits import Limits
from actors.loop import Loop
from actors.scripted import ScriptedJudge
from assay.config import ScriptedConfig
from assay.contracts import Grant, Move, Polled, Shard
from assay.errors import EngineDied, Refused, TransientError
from assay.policy import Policy
from assay.records import Arrival, Case, Judgement, Outcome, Reason, Rejection
from sinks.memory import MemorySink
from sources.memory import MemorySource
from tests.loop.builders import bad, item, items, policy, shard

FAST = Limits(window=16, flush_seconds=0.01, flush_rows=50)
SPAM, ABUSE = policy("spam"), policy("abuse")


def judge(**settings: object) -> ScriptedJudge:
    return ScriptedJudge(ScriptedConfig.model_validate({"kind": "scripted", "match": "free money", **settings}))


def source(arrivals: Mapping[Shard, Sequence[Arrival]], grants: Sequence[Grant] | None = None) -> MemorySource:
    return MemorySource(grants or [Grant(each) for each in arrivals], arrivals)


def loop(
    source: MemorySource, sink: MemorySink, policies: Sequence[Policy] = (SPAM,), judge_: ScriptedJudge | None = None
) -> Loop:
    return Loop(source, judge_ or judge(), sink, policies, "run", FAST, lambda _: None)


def rows(sink: MemorySink) -> list[tuple[str, int, str]]:
    return sorted((o.item.place.shard, o.item.place.position, o.policy.id) for o in sink.outcomes)


def expected(*homes: Shard, policies: Sequence[Policy] = (SPAM,)) -> list[tuple[str, int, str]]:
    return sorted((home.id, at, each.id) for home in homes for at in range(home.stop or 0) for each in policies)


async def test_every_item_gets_one_outcome_under_every_policy() -> None:
    first, second = shard("a", 230), shard("b", 70)
    arrivals = {first: items(first, {5: "get FREE MONEY now, free money"}), second: items(second)}
    sink, feed = MemorySink(), source(arrivals)
    tally = await loop(feed, sink, (SPAM, ABUSE)).run()
    assert rows(sink) == expected(first, second, policies=(SPAM, ABUSE))
    assert (tally.items, tally.judged, tally.verdicts, tally.flagged) == (300, 600, 600, 2)
    assert list(feed.done) == [first, second]


async def test_a_bad_item_is_rejected_under_every_policy_with_what_was_read() -> None:
    home = shard("a", 3)
    sink = MemorySink()
    tally = await loop(source({home: [item(home, 0), bad(home, 1), item(home, 2)]}), sink, (SPAM, ABUSE)).run()
    assert rows(sink) == expected(home, policies=(SPAM, ABUSE))
    assert tally.rejected == {Reason.EMPTY: 2}
    assert tally.judged == 4


async def test_a_judges_rejection_keeps_the_content() -> None:
    home = shard("a", 1)
    sink = MemorySink()
    await loop(source({home: [item(home, 0, "x" * 50)]}), sink, judge_=judge(max_content_chars=10)).run()
    result = sink.outcomes[0].judgement.result
    assert isinstance(result, Rejection)
    assert (result.reason, result.raw) == (Reason.TOO_LONG, b"x" * 50)


async def test_a_second_run_judges_nothing() -> None:
    home = shard("a", 40)
    sink = MemorySink()
    await loop(source({home: items(home)}), sink).run()
    tally = await loop(source({home: items(home)}), sink).run()
    assert tally.judged == 0
    assert rows(sink) == expected(home)


async def test_an_edited_policy_costs_that_policy_only() -> None:
    home = shard("a", 40)
    sink = MemorySink()
    await loop(source({home: items(home)}), sink, (SPAM, ABUSE)).run()
    tally = await loop(source({home: items(home)}), sink, (policy("spam", "Edited."), ABUSE)).run()
    assert tally.judged == 40


async def test_a_stop_commits_what_is_finished_and_the_next_run_does_the_rest() -> None:
    home = shard("a", 500)
    sink, slow = MemorySink(), judge(latency_ms=5)
    running = loop(source({home: items(home)}), sink, judge_=slow)
    task = asyncio.create_task(running.run())
    while not sink.outcomes:
        await asyncio.sleep(0.01)
    running.stop()
    first = await task
    assert 0 < len(sink.outcomes) < 500
    assert first.judged == len(sink.outcomes), "nothing in flight was thrown away"
    second = await loop(source({home: items(home)}), sink).run()
    assert rows(sink) == expected(home)
    assert first.judged + second.judged == 500


async def test_a_zombie_is_refused_and_leaves_nothing() -> None:
    home = shard("a", 200)
    sink = MemorySink()
    zombie = loop(source({home: items(home)}), sink, judge_=judge(latency_ms=20))
    task = asyncio.create_task(zombie.run())
    while not sink.outcomes:
        await asyncio.sleep(0.01)
    await loop(source({home: items(home)}), sink).run()
    with pytest.raises(Refused):
        await task
    assert rows(sink) == expected(home)


async def test_a_claim_alone_stops_whoever_held_the_shard_before() -> None:
    home = shard("a", 200)
    sink = MemorySink()
    zombie = loop(source({home: items(home)}), sink, judge_=judge(latency_ms=30))
    task = asyncio.create_task(zombie.run())
    while not sink.outcomes:
        await asyncio.sleep(0.01)
    claim([Grant(home)], sink, (SPAM,), judge().identity)
    kept = rows(sink)
    with pytest.raises(Refused):
        await task
    assert rows(sink) == kept, "nothing is written after the claim, although the new owner has written nothing yet"


class StumblingSink(MemorySink):
    """Fails every third commit, before or after it took place."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def commit(self, outcomes: Sequence[Outcome], moves: Mapping[str, Move]) -> None:
        self.calls += 1
        if self.calls % 6 == 3:
            raise TransientError("before")
        super().commit(outcomes, moves)
        if self.calls % 6 == 0:
            raise TransientError("after")


async def test_commits_that_fail_before_or_after_the_fact_neither_lose_nor_double() -> None:
    home = shard("a", 400)
    sink = StumblingSink()
    for _ in range(100):
        try:
            await loop(source({home: items(home)}), sink, (SPAM, ABUSE), judge(latency_ms=1, jitter=1)).run()
            break
        except TransientError:
            continue
    assert rows(sink) == expected(home, policies=(SPAM, ABUSE))


async def test_a_case_that_kills_engines_is_rejected_after_three_deaths_and_nothing_else_is() -> None:
    home = shard("a", 120)
    arrivals = {home: items(home, {33: "poison", 90: "poison"})}
    sink, board, deaths = MemorySink(), Board([home], FAST.window), 0
    deadly = judge(kill_on="poison", latency_ms=1)
    while isinstance(grant := board.next("a"), Grant):
        running = Loop(
            source(arrivals, [grant]), deadly, sink, (SPAM, ABUSE), "run", FAST, lambda r: board.report("a", r)
        )
        try:
            await running.run()
            board.done("a", home)
        except EngineDied:
            deaths += 1
            board.report("a", running.report())
            board.ended("a", Death.ENGINE)
    assert rows(sink) == expected(home, policies=(SPAM, ABUSE))
    rejected = [o for o in sink.outcomes if isinstance(o.judgement.result, Rejection)]
    assert sorted((o.item.place.position, o.policy.id) for o in rejected) == [
        (at, name) for at in (33, 90) for name in ("abuse", "spam")
    ]
    results = [o.judgement.result for o in rejected]
    assert {(r.reason, r.raw) for r in results if isinstance(r, Rejection)} == {(Reason.ENGINE, b"poison")}
    assert deaths == 12, "four deadly cases, three deaths each"


class BrokenJudge(ScriptedJudge):
    """Raises what no judge may."""

    async def judge(self, case: Case) -> Judgement:
        raise ZeroDivisionError(case.item.id)


async def test_an_unexpected_error_of_the_judge_is_no_verdict() -> None:
    home = shard("a", 3)
    sink = MemorySink()
    with pytest.raises(EngineDied, match="a/0"):
        await loop(source({home: items(home)}), sink, judge_=BrokenJudge(ScriptedConfig(kind="scripted"))).run()
    assert not sink.outcomes


async def test_a_trial_run_on_a_part_is_not_judged_again_by_the_whole_run() -> None:
    whole = shard("a", 60)
    part = Shard(whole.source, whole.id, whole.stop, selection="sample 0.5")
    sink = MemorySink()
    await loop(source({part: [each for each in items(whole) if each.place.position % 2]}), sink).run()
    tally = await loop(source({whole: items(whole)}), sink).run()
    assert tally.judged == 30
    assert rows(sink) == expected(whole)
    again = await loop(source({part: [each for each in items(whole) if each.place.position % 3]}), sink).run()
    assert again.judged == 0


async def test_reports_say_how_far_each_shard_is() -> None:
    home = shard("a", 300)
    heard: list[Report] = []
    running = Loop(source({home: items(home)}), judge(latency_ms=40), MemorySink(), (SPAM,), "run", FAST, heard.append)
    await running.run()
    lows = [report.standings[home].low for report in heard if home in report.standings]
    assert lows
    assert lows == sorted(lows)


class CountedSource(MemorySource):
    """Counts the polls that were given no room, or brought nothing."""

    def __init__(self, arrivals: Mapping[Shard, Sequence[Arrival]]) -> None:
        super().__init__([Grant(each) for each in arrivals], arrivals)
        self.vain = 0

    def poll(self, room: int, timeout: float) -> Polled:
        polled = super().poll(room, timeout)
        self.vain += not (polled.arrivals or polled.assigned)
        return polled


async def test_a_full_backlog_is_waited_for_and_not_polled_against() -> None:
    home = shard("a", 200)
    feed = CountedSource({home: items(home)})
    await loop(feed, MemorySink(), judge_=judge(latency_ms=30)).run()
    assert feed.vain < 20


class NotingJudge(ScriptedJudge):
    """Notes which policies it was asked about, in order."""

    asked: list[str]

    async def judge(self, case: Case) -> Judgement:
        self.asked.append(case.policy.id)
        return await super().judge(case)


async def test_cases_of_one_policy_come_together_so_that_its_prefix_stays_cached() -> None:
    home = shard("a", 64)
    noting = NotingJudge(ScriptedConfig(kind="scripted"))
    noting.asked = []
    await loop(source({home: items(home)}), MemorySink(), (SPAM, ABUSE), noting).run()
    changes = sum(one != other for one, other in zip(noting.asked, noting.asked[1:], strict=False))
    assert len(noting.asked) == 128
    assert changes < 32
