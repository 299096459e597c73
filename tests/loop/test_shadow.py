"""A shadow beside the live policy of its id, in a stream: each has its own rows, also after a crash and an edit."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from actors.scripted import ScriptedJudge
from assay.config import ScriptedConfig
from assay.ledger import track_key
from assay.policy import Policy
from assay.records import Mode, Outcome
from sinks.memory import MemorySink
from sinks.messages import dead_letters, verdict_messages
from sinks.schema import to_table
from tests.loop.builders import bad, shard
from tests.loop.stage import FAST, HOME, NEWER, SPAM, Dawdler, arrivals, at, make, until

SHADOW = NEWER.model_copy(update={"mode": Mode.SHADOW})
TWIN = SPAM.model_copy(update={"mode": Mode.SHADOW})


def judge() -> ScriptedJudge:
    return ScriptedJudge(ScriptedConfig(kind="scripted", match="hello"))


def rows(sink: MemorySink) -> list[tuple[int, str, str]]:
    return sorted((each.item.place.position, each.policy.id, each.policy.mode.value) for each in sink.outcomes)


def both(positions: Sequence[int] = range(20)) -> list[tuple[int, str, str]]:
    return sorted((position, "spam", mode) for position in positions for mode in ("live", "shadow"))


@pytest.mark.parametrize("shadow", [SHADOW, TWIN], ids=["another text", "the same text"])
async def test_each_item_has_a_row_of_either(shadow: Policy) -> None:
    sink = MemorySink()
    tally = await make(sink, judge(), arrivals(), (SPAM, shadow)).run()
    assert rows(sink) == both()
    assert (tally.verdicts, tally.flagged) == (40, 20), "only live ones are flagged"
    assert tally.judged == (40 if shadow is SHADOW else 20)


@pytest.mark.parametrize("shadow", [SHADOW, TWIN], ids=["another text", "the same text"])
async def test_after_a_crash_each_gets_what_it_lacks_and_nothing_twice(shadow: Policy) -> None:
    sink = MemorySink()
    running = asyncio.create_task(make(sink, Dawdler(), arrivals({3: "slow"}), (SPAM, shadow)).run())
    await until(lambda: len(sink.outcomes) == 38)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await make(sink, judge(), arrivals({3: "slow"}), (SPAM, shadow)).run()
    assert rows(sink) == both()


async def test_a_shadow_that_is_added_where_a_crash_left_a_gap_is_not_taken_for_the_live_one() -> None:
    sink = MemorySink()
    running = asyncio.create_task(make(sink, Dawdler(), arrivals({3: "slow"}), (SPAM,)).run())
    await until(lambda: len(sink.outcomes) == 19)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    began = at(sink, judge())
    await make(sink, judge(), arrivals({3: "slow"}), (SPAM, SHADOW)).run()
    live = [row for row in rows(sink) if row[2] == "live"]
    assert live == [row for row in both() if row[2] == "live"]
    assert [row[0] for row in rows(sink) if row[2] == "shadow"] == list(range(began or 0, 20))


async def test_two_texts_that_change_places_while_a_stream_runs_keep_their_rows_apart() -> None:
    sink, slow = MemorySink(), Dawdler()
    loop = make(sink, slow, arrivals({10: "slow"}), (SPAM, SHADOW))
    running = asyncio.create_task(loop.run())
    await until(lambda: len(sink.outcomes) >= 16)
    loop.adopt((NEWER, TWIN))
    slow.go.set()
    await running
    assert rows(sink) == both()


def test_a_shadow_of_the_same_text_has_a_track_of_its_own_and_the_same_terms() -> None:
    home = shard("0-10", 10)
    keys = {track_key(home, policy.track, judge().identity) for policy in (SPAM, TWIN)}
    assert len(keys) == 2
    assert SPAM.track == SPAM.hash
    assert SPAM.terms_hash == TWIN.terms_hash


async def outcomes_of(policies: Sequence[Policy]) -> Sequence[Outcome]:
    sink = MemorySink()
    await make(sink, judge(), [*arrivals(positions=range(3)), bad(HOME, 3)], policies, FAST).run()
    return sink.outcomes


async def test_nobody_is_told_of_a_shadow_and_a_dead_letter_is_sent_once_for_the_live_policy() -> None:
    table = to_table(await outcomes_of((SPAM, SHADOW)))
    assert sorted((each.position, each.policy_hash) for each in verdict_messages(table)) == [
        (position, SPAM.hash) for position in range(3)
    ]
    assert [each.position for each in dead_letters(table)] == [3]
    alone = to_table(await outcomes_of((SHADOW,)))
    assert alone.num_rows == 4
    assert [*verdict_messages(alone), *dead_letters(alone)] == []
