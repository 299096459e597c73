"""A shard that is settled already when it is claimed may be done with before anything is read of it."""

from __future__ import annotations

import asyncio
import time

from actors.limits import Limits
from actors.loop import Loop
from actors.scripted import ScriptedJudge
from assay.config import ScriptedConfig
from assay.contracts import Grant, Shard
from sinks.memory import MemorySink
from sources.memory import MemorySource
from tests.loop.builders import item, policy

SPAM, ABUSE = policy("spam"), policy("abuse")
ONE, TWO = Shard("f", "0-4:v", 4), Shard("f", "4-8:v", 8)
ITEMS = {ONE: [item(ONE, n) for n in range(4)], TWO: [item(TWO, n) for n in range(4, 8)]}


def _judge(ms: int) -> ScriptedJudge:
    return ScriptedJudge(ScriptedConfig(kind="scripted", latency_ms=ms))


async def test_a_shard_that_is_done_before_it_is_sought_ends_nothing() -> None:
    sink, limits = MemorySink(), Limits(window=8, flush_seconds=0.01, flush_bytes=10)
    await Loop(MemorySource([Grant(TWO)], ITEMS), _judge(0), sink, (SPAM, ABUSE), "other", limits, lambda _: None).run()
    source = MemorySource([Grant(ONE), Grant(TWO)], ITEMS)
    done = source._claims.done

    def slow(shard: Shard) -> None:
        time.sleep(0.4)  # the board is asked over Ray
        done(shard)

    source._claims.done = slow  # type: ignore[method-assign]
    loop = Loop(source, _judge(300), sink, (SPAM, ABUSE), "run", limits, lambda _: None)
    await asyncio.wait_for(loop.run(), 30)
    assert len(sink.outcomes) == 16
