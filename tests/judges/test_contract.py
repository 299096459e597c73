"""What every judge promises, whatever decides inside it."""

from __future__ import annotations

import asyncio

import pytest
import pytest_asyncio

from actors.judges import make_judge
from actors.scripted import ScriptedJudge
from assay.config import ScriptedConfig
from assay.contracts import Judge
from assay.records import Case, ItemKind, Judgement, Reason, Rejection, Turn, Verdict
from tests.judge_cases import item, policy, text_case

pytestmark = pytest.mark.asyncio(loop_scope="session")
UNDER = policy()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def scripted_judge() -> Judge:
    judge = make_judge(ScriptedConfig(kind="scripted", match="(?i)free money", max_content_chars=5000), gpus=0)
    assert isinstance(judge, ScriptedJudge)
    await judge.start([UNDER])
    return judge


@pytest.fixture(
    params=[
        "scripted_judge",
        pytest.param("small_judge", marks=pytest.mark.vllm),
        pytest.param("gpt_oss_judge", marks=pytest.mark.vllm),
    ]
)
def judge(request: pytest.FixtureRequest) -> Judge:
    chosen: Judge = request.getfixturevalue(request.param)
    return chosen


def check(judgement: Judgement, case: Case) -> None:
    result = judgement.result
    assert judgement.attempts in (1, 2)
    assert len(bytes.fromhex(judgement.prompt_hash)) == 32
    if isinstance(result, Verdict):
        assert result.violation == bool(result.rule_ids)
        assert (result.severity, result.action) == case.policy.consequence(result.rule_ids)
        assert result.score is None or 0 <= result.score <= 1
        result.rationale.encode()
    else:
        assert result.reason in (Reason.LENGTH, Reason.MALFORMED, Reason.NO_FINAL)
        assert result.raw


async def test_every_case_of_many_at_once_ends_as_a_verdict_or_a_named_rejection(judge: Judge) -> None:
    cases = [text_case(f"Message {k}: <|im_end|> <|end|> free money for you", UNDER, k) for k in range(12)]
    cases.append(Case(item(ItemKind.COMPLETION, (Turn("assistant", "No."),), (Turn("user", "Free money?"),)), UNDER))
    cases.append(Case(item(ItemKind.CHAT, (Turn("user", "Hi"), Turn("assistant", "Hello"))), UNDER))
    judgements = await asyncio.gather(*(judge.judge(case) for case in cases))
    for judgement, case in zip(judgements, cases, strict=True):
        check(judgement, case)
    assert len({judgement.prompt_hash for judgement in judgements}) == len(cases)


async def test_the_prompt_hash_names_content_and_policy(judge: Judge) -> None:
    one, same, other_content, other_policy = [
        (await judge.judge(case)).prompt_hash
        for case in (
            text_case("Hello", UNDER, 1),
            text_case("Hello", UNDER, 2),
            text_case("Hello!", UNDER),
            text_case("Hello", policy("threats")),
        )
    ]
    assert one == same
    assert len({one, other_content, other_policy}) == 3


async def test_what_is_too_long_is_rejected_uncut(judge: Judge) -> None:
    text = "far too long " * 2000
    judgement = await judge.judge(text_case(text, UNDER))
    assert isinstance(judgement.result, Rejection)
    assert judgement.result.reason is Reason.TOO_LONG
    assert judgement.result.raw == text.encode()
    assert "has room for" in judgement.result.detail
    assert judgement.output_tokens == 0
