"""The scripted judge does what its script says, and nothing by chance."""

from __future__ import annotations

from dataclasses import replace

import pytest

from actors.scripted import ScriptedJudge
from assay.config import ScriptedConfig
from assay.errors import EngineDied
from assay.records import Action, Case, ItemKind, Turn, Verdict
from tests.judge_cases import item, policy, text_case

UNDER = policy()


async def verdict(judge: ScriptedJudge, case: Case) -> Verdict:
    result = (await judge.judge(case)).result
    assert isinstance(result, Verdict)
    return result


async def test_it_flags_what_is_found_and_cites_the_first_rule() -> None:
    judge = ScriptedJudge(ScriptedConfig(kind="scripted", match="(?i)free money"))
    await judge.start([UNDER])
    flagged = await verdict(judge, text_case("FREE MONEY here", UNDER))
    assert (flagged.violation, flagged.rule_ids, flagged.severity, flagged.action) == (True, ("S1",), 1, Action.LIMIT)
    assert flagged.score == 0.99
    clean = await verdict(judge, text_case("Hello", UNDER))
    assert (clean.violation, clean.rule_ids, clean.action, clean.score) == (False, (), Action.ALLOW, 0.01)


async def test_context_is_not_judged() -> None:
    judge = ScriptedJudge(ScriptedConfig(kind="scripted", match="bad", kill_on="bad"))
    case = Case(item(ItemKind.COMPLETION, (Turn("assistant", "fine"),), (Turn("user", "bad"),)), UNDER)
    assert not (await verdict(judge, case)).violation


async def test_it_dies_where_the_script_says() -> None:
    judge = ScriptedJudge(ScriptedConfig(kind="scripted", kill_on="poison"))
    with pytest.raises(EngineDied):
        await judge.judge(text_case("a poison pill", UNDER))


async def test_latency_changes_nothing_else() -> None:
    slow = ScriptedJudge(ScriptedConfig(kind="scripted", match="x", latency_ms=1, jitter=1))
    fast = ScriptedJudge(ScriptedConfig(kind="scripted", match="x"))
    for text in ("x", "y"):
        assert await slow.judge(text_case(text, UNDER)) == await fast.judge(text_case(text, UNDER))


async def test_it_is_wrong_at_the_rate_that_the_script_says_and_on_the_same_cases() -> None:
    judge = ScriptedJudge(ScriptedConfig(kind="scripted", match="spam", noise=0.2, seed=4))
    cases = [text_case(f"{number} " + ("spam" if number % 2 else "news"), UNDER, number) for number in range(2000)]
    said = [await verdict(judge, case) for case in cases]
    wrong = [each.violation != bool(number % 2) for number, each in enumerate(said)]
    assert 0.17 < sum(wrong) / len(wrong) < 0.23
    assert 0.17 < sum(wrong[1::2]) / 1000 < 0.23
    assert [await verdict(judge, case) for case in cases] == said
    scores = {(each.score, errs) for each, errs in zip(said, wrong, strict=True)}
    assert scores == {(0.99, False), (0.01, False), (0.6, True), (0.4, True)}
    assert all(each.violation == bool(each.rule_ids) for each in said)


async def test_one_content_with_two_keys_is_wrong_independently() -> None:
    judge = ScriptedJudge(ScriptedConfig(kind="scripted", noise=0.5))
    case = text_case("one content", UNDER)
    said = {(await verdict(judge, replace(case, key=str(number)))).violation for number in range(64)}
    assert said == {True, False}
