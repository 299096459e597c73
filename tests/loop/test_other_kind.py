"""Items of a kind that a policy is not for: a row each, nobody asked, and everything adds up."""

from __future__ import annotations

from dataclasses import replace

from actors.scripted import ScriptedJudge
from assay.config import ScriptedConfig
from assay.contracts import Caution, Grant
from assay.records import Arrival, Case, ItemKind, Judgement, Reason, Rejection, Stage
from sinks.memory import MemorySink
from tests.loop.builders import items, shard
from tests.loop.stage import ABUSE, HOME, SPAM, at, everything, make, rows
from tests.loop.test_loop import loop, source

CHATS_ONLY = ABUSE.model_copy(update={"applies_to": (ItemKind.CHAT,)})


class Listener(ScriptedJudge):
    """Remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__(ScriptedConfig(kind="scripted", match="free money"))
        self.asked: list[tuple[ItemKind, str]] = []

    async def judge(self, case: Case) -> Judgement:
        self.asked.append((case.item.kind, case.policy.id))
        return await super().judge(case)


def mixed(count: int) -> list[Arrival]:
    """Every fourth is a chat."""
    return [
        replace(each, kind=ItemKind.CHAT) if each.place.position % 4 == 0 else each for each in items(shard("a", count))
    ]


async def test_they_are_rejected_under_that_policy_only_and_never_judged() -> None:
    home, judge, sink = shard("a", 40), Listener(), MemorySink()
    tally = await loop(source({home: mixed(40)}), sink, (SPAM, CHATS_ONLY), judge).run()
    assert set(judge.asked) == {(ItemKind.TEXT, "spam"), (ItemKind.CHAT, "spam"), (ItemKind.CHAT, "abuse")}
    assert (tally.items, tally.judged, tally.verdicts, dict(tally.rejected)) == (40, 50, 50, {"other_kind": 30})
    assert len(sink.outcomes) == 80
    for outcome in sink.outcomes:
        result = outcome.judgement.result
        foreign = outcome.policy.id == "abuse" and outcome.item.kind is ItemKind.TEXT
        assert isinstance(result, Rejection) is foreign
        if isinstance(result, Rejection):
            assert (result.reason, outcome.stage, outcome.judgement.attempts) == (Reason.OTHER_KIND, Stage.POLICY, 0)
            assert result.detail == "a text; policy abuse applies to chat"
            assert result.raw


async def test_a_run_after_it_has_nothing_left_to_do() -> None:
    home, sink = shard("a", 12), MemorySink()
    for expected in (12, 0):
        judge = Listener()
        await loop(source({home: mixed(12)}), sink, (CHATS_ONLY,), judge).run()
        assert len(sink.outcomes) == 12
        assert len(judge.asked) == expected // 4


async def test_the_suspect_of_a_death_is_a_case_that_was_judged() -> None:
    """What is passed over was never with the engine, so it is not condemned in the place of what was."""
    home, sink, judge = shard("a", 4), MemorySink(), Listener()
    texts = items(home)
    grant = Grant(home, Caution(window=1, until=4, condemn=True))
    arrivals = [texts[0], replace(texts[1], kind=ItemKind.CHAT), *texts[2:]]
    await loop(source({home: arrivals}, [grant]), sink, (CHATS_ONLY,), judge).run()
    reasons = [o.judgement.result.reason for o in sink.outcomes if isinstance(o.judgement.result, Rejection)]
    assert sorted(reasons) == [Reason.ENGINE, *[Reason.OTHER_KIND] * 3]


async def test_a_stream_s_position_moves_over_them() -> None:
    sink, judge = MemorySink(), Listener()
    delivered = [replace(each, place=replace(each.place, source=HOME.source, shard=HOME.id)) for each in mixed(20)]
    await make(sink, judge, delivered, (SPAM, CHATS_ONLY)).run()
    assert rows(sink) == everything()
    assert at(sink, judge) == 20
