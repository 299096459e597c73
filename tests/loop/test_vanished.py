"""Records that vanish between a crash and the restart, half judged: the loop, the real table and the balance agree."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from actors.loop import Loop
from assay.config import DeltaConfig
from assay.contracts import Move
from assay.errors import FatalError
from assay.ledger import items_key
from assay.records import Case, Judgement
from jobs.stream_marks import balance, read_marks
from sinks.delta import DeltaSink
from tests.loop.stage import ABUSE, HOME, SPAM, Dawdler, arrivals, make


class Picky(Dawdler):
    """Takes for ever over `odd` under one policy only."""

    async def judge(self, case: Case) -> Judgement:
        if case.policy is ABUSE and case.item.judged[0].content == "odd":
            await self.go.wait()
        return await super().judge(case)


async def _crash(loop: Loop, sink: DeltaSink, judge: Dawdler, rows: int) -> None:
    running = asyncio.create_task(loop.run())
    async with asyncio.timeout(30):
        while len(sink.settled(HOME, SPAM, judge.identity)) + len(sink.settled(HOME, ABUSE, judge.identity)) < rows:
            await asyncio.sleep(0.05)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_record_that_vanishes_half_judged_after_a_crash_does_not_fail_the_balance(tmp_path: Path) -> None:
    path = str(tmp_path)
    sink, judge = DeltaSink(DeltaConfig(kind="delta", path=path), path), Picky()
    before = read_marks(sink, [HOME], judge.identity)
    await _crash(make(sink, judge, arrivals({3: "odd", 5: "odd"})), sink, judge, rows=38)
    left = [position for position in range(20) if position not in (3, 4)]  # 3 has one row, 4 two, 5 is still there
    await make(sink, Picky(), arrivals(positions=left)).run()
    after = read_marks(sink, [HOME], judge.identity)
    balance(path, [SPAM, ABUSE], before, after)
    assert after[HOME].items == 19
    key = items_key(HOME)
    sink.commit([], {key: Move(19, 20)})
    with pytest.raises(FatalError, match="20 items were read; outcomes there are of 20 under policy spam, 19 under"):
        balance(path, [SPAM, ABUSE], before, read_marks(sink, [HOME], judge.identity))
