"""A stream of one shard in memory: what tests of the loop's promises for streams have in common."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from actors.limits import Limits
from actors.loop import Loop
from actors.scripted import ScriptedJudge
from assay.config import ScriptedConfig
from assay.contracts import Grant, Outbox, Shard
from assay.ledger import track_key
from assay.policy import Policy
from assay.records import Arrival, Case, Judgement
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


def arrivals(texts: Mapping[int, str] | None = None, positions: Sequence[int] = range(20)) -> list[Arrival]:
    return [item(HOME, position, (texts or {}).get(position)) for position in positions]


def make(
    sink: MemorySink,
    judge: ScriptedJudge,
    delivered: Sequence[Arrival],
    policies: Sequence[Policy] = (SPAM, ABUSE),
    limits: Limits = FAST,
    outbox: Outbox | None = None,
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


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():
            await asyncio.sleep(0.01)


async def crashed() -> MemorySink:
    """What a loop leaves that dies while the item at position 3 is with the judge, and all others are committed."""
    sink = MemorySink()
    running = asyncio.create_task(make(sink, Dawdler(), arrivals({3: "slow"})).run())
    await until(lambda: len(sink.outcomes) == 38)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    return sink
