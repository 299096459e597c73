"""A policy's own examples as canaries: what counts as wrong, and when they fail."""

from __future__ import annotations

import re

import pytest

from actors.canaries import judge_canaries
from actors.limits import Limits
from actors.scripted import ScriptedJudge
from assay.canaries import CanaryCheck, failure
from assay.config import Config, ScriptedConfig
from assay.errors import EngineDied
from assay.policy import Policy, parse_policy
from assay.records import Case, ItemKind, Judgement, Mode

TEXT = """---
id: offers
version: "3"
rules: [{id: R1, text: No free money}]
---
# Instruction

Judge the offer.

# Examples

Violates:

- "Free money for you" (R1)
- "Here is free money, take it" (R1)

Does not violate:

- "Lunch at noon?"
- "What does money cost?"
- "The bank is closed."
"""
OFFERS = parse_policy(TEXT, "offers.md")
LIMITS = Limits(window=2, deadline_seconds=5)


class Remembering(ScriptedJudge):
    """Keeps the cases that it is asked."""

    def __init__(self, **config: object) -> None:
        super().__init__(ScriptedConfig.model_validate({"kind": "scripted", "match": "(?i)free money", **config}))
        self.cases: list[Case] = []

    async def judge(self, case: Case) -> Judgement:
        self.cases.append(case)
        return await super().judge(case)


async def check(policy: Policy = OFFERS, bound: float = 0.34, **config: object) -> CanaryCheck:
    (found,) = await judge_canaries(Remembering(**config), [policy], LIMITS, bound)
    return found


async def test_a_judge_that_gets_all_of_them_right_does_not_fail() -> None:
    found = await check(bound=0)
    assert (found.policy, found.version, found.judged, found.wrong, found.failed) == ("offers", "3", 5, (), False)
    assert failure([found]) == ""


@pytest.mark.parametrize(("match", "wrong"), [("(?!)", 2), ("", 3)])
async def test_a_judge_that_always_says_the_same_fails(match: str, wrong: int) -> None:
    found = await check(match=match)
    assert (found.judged, len(found.wrong), found.failed) == (5, wrong, True)
    text = failure([found])
    first = found.wrong[0]
    assert f"policy offers 3: {wrong} of 5 examples came out wrong (canary_bound: 0.34)" in text
    assert f'line {first.line} "{first.text}"' in text
    assert TEXT.splitlines()[first.line - 1].startswith(f'- "{first.text}"')


@pytest.mark.parametrize(("match", "few", "many"), [("(?!)", 2, 7), ("", 7, 2)])
async def test_a_judge_that_always_says_the_same_fails_though_few_examples_say_otherwise(
    match: str, few: int, many: int
) -> None:
    violating = "".join(f'- "Free money {number}" (R1)\n' for number in range(few))
    allowed = "".join(f'- "Lunch {number}"\n' for number in range(many))
    text = f"{TEXT[: TEXT.index('- ')]}{violating}\nDoes not violate:\n\n{allowed}"
    policy = parse_policy(text, "uneven.md")
    assert (await check(policy, match=match)).failed
    assert not (await check(policy, match="(?i)free money [1-9]|lunch 0")).failed


@pytest.mark.parametrize(("bound", "failed"), [(0.19, True), (0.2, False), (0.34, False)])
async def test_the_bound_is_the_share_that_may_be_wrong(bound: float, failed: bool) -> None:
    found = await check(bound=bound, match="(?i)free money|bank")
    assert ([each.came for each in found.wrong], found.failed) == (["a violation"], failed)


async def test_what_is_rejected_or_never_answered_is_wrong() -> None:
    found = await check(max_content_chars=20)
    assert [each.came for each in found.wrong] == ["rejected (too_long)"] * 2
    slow, limits = Remembering(latency_ms=60_000), Limits(window=8, deadline_seconds=0.05)
    (late,) = await judge_canaries(slow, [OFFERS], limits, 0.34)
    assert [each.came for each in late.wrong] == ["rejected (deadline)"] * 5


async def test_an_engine_that_dies_of_them_is_dead() -> None:
    with pytest.raises(EngineDied):
        await check(kill_on="bank")


async def test_each_example_is_asked_once_as_an_item_that_the_policy_is_for() -> None:
    chats = parse_policy(TEXT.replace("rules:", "applies_to: [chat]\nrules:", 1), "chats.md")
    shadow = OFFERS.model_copy(update={"mode": Mode.SHADOW})
    bare = parse_policy(re.sub(r"# Examples.*", "", TEXT, flags=re.S), "bare.md")
    judge = Remembering()
    found = await judge_canaries(judge, [OFFERS, bare, chats, shadow], LIMITS, 0.34)
    assert [(each.policy, each.judged) for each in found] == [("offers", 5), ("offers", 5), ("offers (shadow)", 5)]
    assert len(judge.cases) == 15
    kinds = [(case.policy.applies_to, case.item.kind) for case in judge.cases]
    assert {kind for applies_to, kind in kinds if applies_to == (ItemKind.CHAT,)} == {ItemKind.CHAT}
    assert {kind for applies_to, kind in kinds if applies_to != (ItemKind.CHAT,)} == {ItemKind.TEXT}


def config_of(**changes: object) -> Config:
    base = {
        "name": "job",
        "source": {"kind": "parquet", "path": "x", "columns": {"id": "id", "text": "text"}},
        "policies": ["p.md"],
        "judge": {"kind": "vllm", "model": "m"},
        "sink": {"kind": "delta", "path": "y"},
    }
    return Config.model_validate({**base, **changes})


def test_canaries_warn_unless_told_otherwise_and_a_scripted_judge_has_none_unless_asked_for() -> None:
    assert config_of().canaries == "warn"
    assert config_of(judge={"kind": "scripted"}).canaries == "off"
    assert config_of(judge={"kind": "scripted"}, on_canary_failure="stop").canaries == "stop"
    assert config_of(on_canary_failure=False).canaries == "off", "what YAML makes of off"
