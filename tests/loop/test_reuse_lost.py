"""Pay once, when shards are lost and others are faster: what was claimed is free again, what is gone is not reused."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace

import pytest

from actors.counts import Counts
from actors.deciding import Deciding
from actors.holding import Holding, Ledger
from actors.intake import Waiting
from actors.reuse import Reuse
from actors.scripted import ScriptedJudge
from assay.config import ScriptedConfig
from assay.contracts import Grant, History
from assay.keys import Keys
from assay.records import Item, Outcome, Stage
from assay.tracks import Track
from sinks.memory import MemoryLookup, MemorySink
from tests.loop.builders import item, policy, shard

SPAM = policy("spam")
JUDGE = ScriptedJudge(ScriptedConfig(kind="scripted"))
DECIDING = Deciding(JUDGE, "run", 60)
Maker = Callable[[MemoryLookup | None], Reuse]


@pytest.fixture
def finished() -> list[Outcome]:
    return []


@pytest.fixture
def make(finished: list[Outcome]) -> Maker:
    def made(lookup: MemoryLookup | None) -> Reuse:
        history = None if lookup is None else History(lookup)
        return Reuse(history, DECIDING, lambda _, outcome: finished.append(outcome), Counts())

    return made


def waiting(name: str) -> Waiting:
    """A case of one content, from a shard of its own."""
    home = shard(name, 1)
    holding = Holding(Grant(home), Ledger(1, {}, {SPAM.hash: name}), {SPAM.hash: Track(0)})
    found = item(home, 0, "the same")
    assert isinstance(found, Item)
    return holding, Keys(JUDGE.identity).case(found, SPAM)


def judged_now(reuse: Reuse, entry: Waiting) -> bool:
    """Whether it is to be judged; otherwise it was finished, or waits."""
    return reuse.sift([entry], reuse.find([entry], claim=True), follow=True) == [entry]


@pytest.mark.parametrize("asked", [False, True])
async def test_what_a_lost_shard_had_claimed_is_free_again(make: Maker, asked: bool) -> None:
    claims: dict[str, object] = {}
    reuse, (holding, case) = make(MemoryLookup(MemorySink(), claims=claims)), waiting("a")
    assert judged_now(reuse, (holding, case))
    assert claims
    holding.lost = True
    if asked:
        assert reuse.landed(holding, case, await DECIDING.decide(case)) == []
    else:
        assert reuse.dropped([case]) == []
    reuse.settle([])
    assert not claims


async def test_a_verdict_that_was_lost_before_its_commit_is_not_reused(make: Maker, finished: list[Outcome]) -> None:
    reuse, (holding, case), copy = make(None), waiting("a"), waiting("b")
    assert judged_now(reuse, (holding, case))
    reuse.landed(holding, case, await DECIDING.decide(case))
    holding.lost = True
    reuse.dropped([], finished)
    assert judged_now(reuse, copy), "the row that it would name is in no table"
    assert [each.stage for each in finished] == [Stage.JUDGE]


async def test_what_was_judged_is_still_known_when_another_shard_is_done(make: Maker, finished: list[Outcome]) -> None:
    reuse, (holding, case), copy = make(MemoryLookup(MemorySink())), waiting("a"), waiting("b")
    assert judged_now(reuse, (holding, case))
    reuse.landed(holding, case, await DECIDING.decide(case))
    reuse.dropped([], [])
    assert not judged_now(reuse, copy)
    assert [each.stage for each in finished] == [Stage.JUDGE, Stage.REUSED]


async def test_what_was_committed_just_before_its_claim_came_free_is_not_judged(
    make: Maker, finished: list[Outcome]
) -> None:
    sink, claims, entry = MemorySink(), dict[str, object](), waiting("a")
    outcome = replace(await DECIDING.decide(waiting("b")[1]), run_id="another")

    class Late(MemoryLookup):
        def claim(self, keys: Collection[str]) -> set[str]:
            sink.commit([outcome], {})
            return super().claim(keys)

    assert not judged_now(make(Late(sink, claims=claims)), entry)
    assert [(each.stage, each.origin.run_id) for each in finished if each.origin] == [(Stage.REUSED, "another")]
    assert not claims


def test_what_waits_for_another_process_is_forgotten_with_its_shard(make: Maker) -> None:
    sink, claims, (holding, case) = MemorySink(), dict[str, object](), waiting("a")
    MemoryLookup(sink, claims=claims).claim([case.key])
    reuse = make(MemoryLookup(sink, claims=claims))
    assert not judged_now(reuse, (holding, case))
    assert (reuse.parked, reuse.waiting) == (True, 1)
    holding.lost = True
    assert reuse.again() == []
    assert (reuse.parked, reuse.waiting) == (False, 0)
