"""Pay once, in one loop: which cases are judged, and what becomes of those that are not."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from actors.limits import Limits
from actors.loop import Loop
from actors.scripted import ScriptedJudge
from assay.config import ScriptedConfig
from assay.contracts import NO_MARKS, Caution, Grant, History, Marks, Polled, Tally
from assay.records import Arrival, Case, Judgement, Reason, Rejection, Stage
from sinks.memory import MemoryLookup, MemorySink
from sources.memory import MemorySource
from tests.loop.builders import item, policy, shard
from tests.loop.stage import until

FAST = Limits(window=16, flush_seconds=0.01, flush_rows=50)
SPAM = policy("spam")
HOME, NEXT = shard("a", 40), shard("b", 40)


class Counting(ScriptedJudge):
    """Counts how often each content is judged; waits for `go`; rejects what `rejects` names, for its reason."""

    def __init__(self, rejects: dict[str, Reason] | None = None, *, waits: bool = False) -> None:
        super().__init__(ScriptedConfig(kind="scripted", latency_ms=1))
        self.asked: Counter[str] = Counter()
        self.rejects = rejects or {}
        self.go = asyncio.Event()
        if not waits:
            self.go.set()

    async def judge(self, case: Case) -> Judgement:
        text = case.item.judged[0].content
        self.asked[text] += 1
        await self.go.wait()
        if reason := self.rejects.get(text):
            return Judgement(Rejection(reason, "so it is"))
        return replace(await super().judge(case), prompt_tokens=100, output_tokens=10)


def copies(count: int, text: str = "the same", home: object = HOME) -> list[Arrival]:
    assert home in (HOME, NEXT)
    return [item(HOME if home is HOME else NEXT, position, text) for position in range(count)]


async def audit(
    arrivals: Sequence[Arrival],
    sink: MemorySink,
    judge: ScriptedJudge,
    *,
    history: History | None = None,
    run: str = "run",
    caution: Caution | None = None,
    marks: Marks = NO_MARKS,
) -> Tally:
    home = replace(HOME, stop=len(arrivals))
    source = MemorySource([Grant(home, caution)], {home: arrivals})
    return await Loop(source, judge, sink, (SPAM,), run, FAST, lambda _: None, history=history, marks=marks).run()


async def test_what_is_the_same_is_judged_once_and_each_item_has_its_own_row() -> None:
    sink, judge = MemorySink(), Counting()
    tally = await audit([*copies(30), item(HOME, 30, "another")], sink, judge)
    assert judge.asked == {"the same": 1, "another": 1}
    assert sorted(outcome.item.place.position for outcome in sink.outcomes) == list(range(31))
    assert (tally.judged, tally.repeated, tally.recalled, tally.verdicts) == (2, 29, 0, 31)
    assert (tally.prompt_tokens, tally.output_tokens, tally.saved_tokens) == (200, 20, 29 * 110)
    (first,) = (each for each in sink.outcomes if each.stage is Stage.JUDGE and each.key == sink.outcomes[0].key)
    for each in sink.outcomes:
        if each.stage is Stage.REUSED:
            assert each.judgement.result == first.judgement.result
            assert each.origin is not None
            assert (each.origin.run_id, each.origin.item_id) == ("run", first.item.id)
            assert (each.judgement.attempts, each.judgement.prompt_tokens) == (0, 0)


async def test_what_an_earlier_run_judged_is_not_judged_again() -> None:
    sink, judge = MemorySink(), Counting()
    await audit(copies(3), sink, judge)
    source = MemorySource([Grant(NEXT)], {NEXT: [*copies(5, home=NEXT), *(item(NEXT, at) for at in range(5, 40))]})
    history = History(MemoryLookup(sink))
    tally = await Loop(source, judge, sink, (SPAM,), "later", FAST, lambda _: None, history=history).run()
    assert judge.asked["the same"] == 1
    assert (tally.judged, tally.recalled, tally.repeated) == (35, 5, 0)
    assert {each.origin.run_id for each in sink.outcomes if each.origin and each.run_id == "later"} == {"run"}


async def test_without_history_an_earlier_run_is_not_looked_up() -> None:
    sink, judge = MemorySink(), Counting()
    await audit(copies(1), sink, judge)
    source = MemorySource([Grant(NEXT)], {NEXT: [*copies(5, home=NEXT), *(item(NEXT, at) for at in range(5, 40))]})
    await Loop(source, judge, sink, (SPAM,), "later", FAST, lambda _: None).run()
    assert judge.asked["the same"] == 2


async def test_items_that_are_kept_apart_are_judged_each_for_itself() -> None:
    sink, judge = MemorySink(), Counting()
    repeats = [replace(each, carried=(("repeat", str(at % 3)),)) for at, each in enumerate(copies(9))]
    await audit(repeats, sink, judge, marks=Marks(apart="repeat"))
    assert judge.asked["the same"] == 3


async def test_an_item_that_names_policies_is_judged_under_these_alone() -> None:
    sink, judge = MemorySink(), Counting()
    wishes = [(), (("under", "scam spam"),), (("under", "scam"),), (("under", ""),)]
    items = [replace(item(HOME, at, f"text {at}"), carried=wish) for at, wish in enumerate(wishes)]
    tally = await audit(items, sink, judge, marks=Marks(under="under"))
    assert judge.asked == {"text 0": 1, "text 1": 1}
    assert (tally.verdicts, tally.rejected) == (2, {Reason.NOT_ASKED: 2})
    assert {each.stage for each in sink.outcomes if isinstance(each.judgement.result, Rejection)} == {Stage.POLICY}


@pytest.mark.parametrize(("reason", "asked"), [(Reason.TOO_LONG, 1), (Reason.MALFORMED, 12), (Reason.LENGTH, 12)])
async def test_a_rejection_is_passed_on_only_if_content_alone_decides(reason: Reason, asked: int) -> None:
    sink, judge = MemorySink(), Counting({"the same": reason})
    await audit(copies(12), sink, judge)
    assert judge.asked["the same"] == asked
    assert len(sink.outcomes) == 12
    assert {each.judgement.result.reason for each in sink.outcomes} == {reason}  # type: ignore[union-attr]


async def test_a_lost_leader_leaves_its_verdict_to_one_that_waited() -> None:
    sink, judge = MemorySink(), Counting(waits=True)
    first, second = replace(HOME, stop=1), replace(NEXT, stop=3)
    source = MemorySource([Grant(first), Grant(second)], {first: copies(1), second: copies(3, home=NEXT)})
    loop = Loop(source, judge, sink, (SPAM,), "run", FAST, lambda _: None)
    running = asyncio.create_task(loop.run())
    await until(lambda: bool(judge.asked) and loop._reuse.waiting == 3)
    loop._drop(first)
    judge.go.set()
    await running
    assert judge.asked == {"the same": 1}
    assert [(each.item.place.shard, each.stage) for each in sink.outcomes] == [
        ("b", Stage.JUDGE),
        ("b", Stage.REUSED),
        ("b", Stage.REUSED),
    ]


async def test_a_lost_leader_that_was_not_asked_yet_is_replaced() -> None:
    sink, judge = MemorySink(), Counting(waits=True)
    first, second = replace(HOME, stop=30), replace(NEXT, stop=3)
    arrivals = [*(item(HOME, at) for at in range(29)), item(HOME, 29, "the same")]
    source = MemorySource([Grant(first), Grant(second)], {first: arrivals, second: copies(3, home=NEXT)})
    loop = Loop(source, judge, sink, (SPAM,), "run", FAST, lambda _: None)
    running = asyncio.create_task(loop.run())
    await until(lambda: loop._reuse.waiting == 3)
    assert "the same" not in judge.asked
    loop._drop(first)
    judge.go.set()
    await running
    assert judge.asked["the same"] == 1
    assert sorted(each.item.place.position for each in sink.outcomes if each.item.place.shard == "b") == [0, 1, 2]


async def test_under_caution_copies_are_no_obstacle() -> None:
    sink, judge = MemorySink(), Counting()
    await audit(copies(12), sink, judge, caution=Caution(1, 12))
    assert len(sink.outcomes) == 12


async def test_copies_that_wait_are_no_obstacle_to_caution_that_comes_later() -> None:
    sink, judge = MemorySink(), Counting(waits=True)
    first, second = replace(HOME, stop=5), replace(NEXT, stop=2)
    arrivals = [item(HOME, 0), *(item(HOME, at, "the same") for at in range(1, 5))]
    grants = [Grant(first), Grant(second, Caution(1, 2))]
    source = MemorySource(grants, {first: arrivals, second: [item(NEXT, 0), item(NEXT, 1)]})
    limits = Limits(window=1, flush_seconds=0.01, flush_rows=50)
    loop = Loop(source, judge, sink, (SPAM,), "run", limits, lambda _: None)
    running = asyncio.create_task(loop.run())
    await until(lambda: loop._care == 1 and loop._reuse.waiting > 0)
    judge.go.set()
    await asyncio.wait_for(running, 20)
    assert len(sink.outcomes) == 7


async def test_what_was_judged_a_moment_ago_is_known_before_the_table_has_it() -> None:
    sink, judge = MemorySink(), Counting()
    arrivals = [item(HOME, 0, "the same"), *(item(HOME, at) for at in range(1, 39)), item(HOME, 39, "the same")]
    source, limits = MemorySource([Grant(HOME)], {HOME: arrivals}), Limits(window=1, flush_seconds=60)
    tally = await Loop(source, judge, sink, (SPAM,), "run", limits, lambda _: None).run()
    assert (judge.asked["the same"], tally.repeated) == (1, 1)


async def test_what_was_judged_in_this_run_grows_too_old_like_anything_else() -> None:
    sink, judge = MemorySink(), Counting()
    arrivals = [item(HOME, 0, "the same"), *(item(HOME, at) for at in range(1, 39)), item(HOME, 39, "the same")]
    source, limits = MemorySource([Grant(HOME)], {HOME: arrivals}), Limits(window=1, flush_seconds=0.01)
    judge._config = judge._config.model_copy(update={"latency_ms": 20})
    history = History(MemoryLookup(sink, timedelta(milliseconds=200)))
    await Loop(source, judge, sink, (SPAM,), "run", limits, lambda _: None, history=history).run()
    assert judge.asked["the same"] == 2


async def test_what_was_judged_in_this_run_is_not_judged_again_to_check() -> None:
    sink, judge = MemorySink(), Counting()
    arrivals = [item(HOME, at, f"text {at % 5}") for at in range(40)]
    source, limits = MemorySource([Grant(HOME)], {HOME: arrivals}), Limits(window=1, flush_seconds=0.01)
    history = History(MemoryLookup(sink), 1.0)
    tally = await Loop(source, judge, sink, (SPAM,), "run", limits, lambda _: None, history=history).run()
    assert (tally.judged, tally.audited, tally.repeated) == (5, 0, 35)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
async def test_a_share_of_what_is_known_is_judged_again_and_compared(share: float) -> None:
    sink, judge = MemorySink(), Counting()
    await audit([item(HOME, at, f"text {at}") for at in range(40)], sink, judge)
    judge = Counting({"text 7": Reason.MALFORMED})
    arrivals = [item(NEXT, at, f"text {at}") for at in range(40)]
    source = MemorySource([Grant(NEXT)], {NEXT: arrivals})
    history = History(MemoryLookup(sink), share)
    tally = await Loop(source, judge, sink, (SPAM,), "later", FAST, lambda _: None, history=history).run()
    assert tally.audited == tally.judged == sum(judge.asked.values())
    assert tally.recalled == 40 - tally.audited
    assert tally.audited == {0.0: 0, 1.0: 40}.get(share, tally.audited)
    assert 0 < tally.audited < 40 or share != 0.3
    assert tally.agreed == tally.audited - judge.asked["text 7"]
    again = [each for each in sink.outcomes if each.run_id == "later" and each.stage is Stage.JUDGE]
    assert [each.origin.run_id for each in again if each.origin] == ["run"] * tally.audited


@pytest.mark.parametrize("seed", range(30))
async def test_whatever_repeats_and_whatever_fails_each_item_has_one_row(seed: int) -> None:
    chance = random.Random(seed)
    texts = [f"text {chance.randrange(8)}" for _ in range(40)]
    rejects = {
        f"text {n}": chance.choice((Reason.MALFORMED, Reason.TOO_LONG)) for n in range(8) if chance.random() < 0.4
    }
    sink, judge = MemorySink(), Counting(rejects)
    caution = chance.choice((None, None, Caution(1, 20), Caution(4, 30)))
    await audit([item(HOME, at, text) for at, text in enumerate(texts)], sink, judge, caution=caution)
    assert sorted(each.item.place.position for each in sink.outcomes) == list(range(40))
    for each in sink.outcomes:
        text = each.item.judged[0].content  # type: ignore[union-attr]
        assert getattr(each.judgement.result, "reason", None) is rejects.get(text)


@pytest.mark.parametrize("seed", range(5))
async def test_three_loops_that_share_a_lookup_judge_each_content_once(seed: int) -> None:
    chance, sink, claims = random.Random(seed), MemorySink(), dict[str, object]()
    texts = [f"text {chance.randrange(25)}" for _ in range(120)]
    rejects = {"text 3": Reason.MALFORMED}
    judge = Counting(rejects)
    loops = []
    for number, home in enumerate((shard("a", 40), shard("b", 40), shard("c", 40))):
        arrivals = [item(home, at, texts[number * 40 + at]) for at in range(40)]
        history = History(MemoryLookup(sink, claims=claims))
        source = MemorySource([Grant(home)], {home: arrivals})
        loops.append(Loop(source, judge, sink, (SPAM,), f"run {number % 2}", FAST, lambda _: None, history=history))
    await asyncio.wait_for(asyncio.gather(*(loop.run() for loop in loops)), 60)
    counts = Counter(texts)
    assert judge.asked == {text: counts[text] if text in rejects else 1 for text in counts}
    assert len(sink.outcomes) == 120
    assert not claims


class Partly(Counting):
    """Waits for `later` from the tenth position on."""

    def __init__(self) -> None:
        super().__init__()
        self.later = asyncio.Event()

    async def judge(self, case: Case) -> Judgement:
        if case.item.place.position >= 10:
            await self.later.wait()
        return await super().judge(case)


class Losing(MemorySource):
    """Loses HOME as soon as `lost` is set, and never ends."""

    lost = False

    def poll(self, room: int, timeout: float) -> Polled:
        return Polled(revoked=[HOME]) if self.lost else replace(super().poll(room, timeout), ended=False)


async def test_what_a_lost_shard_had_claimed_others_may_judge_while_this_loop_goes_on() -> None:
    sink, judge, claims = MemorySink(), Partly(), dict[str, object]()
    source = Losing([Grant(HOME)], {HOME: [item(HOME, at) for at in range(40)]})
    slow, history = Limits(window=16, flush_seconds=60), History(MemoryLookup(sink, claims=claims))
    loop = Loop(source, judge, sink, (SPAM,), "run", slow, lambda _: None, history=history)
    running = asyncio.create_task(loop.run())
    await until(lambda: (loop.report().tally.judged, len(loop._flights)) == (10, 16))
    assert len(claims) == 40, "finished but not committed, with the judge, and in the line"
    source.lost = True
    await until(lambda: len(claims) == 16)
    judge.later.set()
    await until(lambda: not claims)
    assert not running.done()
    loop.stop()
    await running
    assert not sink.outcomes


async def test_what_another_process_keeps_claimed_waits_and_a_stop_leaves_it() -> None:
    sink, judge, claims = MemorySink(), Counting(), dict[str, object]()
    other = MemoryLookup(sink, claims=claims)
    home = replace(HOME, stop=2)
    arrivals = [item(home, 0, "the same"), item(home, 1)]
    history = History(MemoryLookup(sink, claims=claims))
    loop = Loop(
        MemorySource([Grant(home)], {home: arrivals}),
        judge,
        sink,
        (SPAM,),
        "run",
        FAST,
        lambda _: None,
        history=history,
    )
    key = loop._intake._keys.case(arrivals[0], SPAM).key  # type: ignore[arg-type]
    assert other.claim([key])
    running = asyncio.create_task(loop.run())
    await until(lambda: len(sink.outcomes) == 1)
    await asyncio.sleep(1.2)
    assert not running.done()
    loop.stop()
    await asyncio.wait_for(running, 20)
    assert judge.asked["the same"] == 0
