"""Real engines: the true Harmony path on a tiny gpt-oss, a real small model, and an engine that dies."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from actors.engine import VllmJudge
from actors.engine_load import load_language
from assay.config import VllmConfig
from assay.errors import EngineDied, FatalError, InputError
from assay.records import Reason, Verdict
from tests.conftest import vllm_config
from tests.judge_cases import policy, text_case
from tests.judges import contract
from tests.judges.contract import JudgeContract

pytestmark = [pytest.mark.vllm, pytest.mark.asyncio(loop_scope="session")]
UNDER = policy(sentences=30)


async def _started(config: VllmConfig) -> AsyncIterator[VllmJudge]:
    judge = VllmJudge(config, gpus=0)
    await judge.start([contract.UNDER])
    yield judge
    await judge.close()


@pytest_asyncio.fixture(scope="class", loop_scope="session")
async def small_judge(small_model_folder: Path) -> AsyncIterator[VllmJudge]:
    async for judge in _started(vllm_config(small_model_folder)):
        yield judge


@pytest_asyncio.fixture(scope="class", loop_scope="session")
async def gpt_oss_judge(tiny_gpt_oss_folder: Path) -> AsyncIterator[VllmJudge]:
    """Its first budget is too small for most answers."""
    async for judge in _started(vllm_config(tiny_gpt_oss_folder, max_output_tokens=24)):
        yield judge


async def test_a_folder_that_holds_no_model_is_a_named_failure(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    with pytest.raises(FatalError, match="can't be loaded"):
        await VllmJudge(vllm_config(tmp_path), gpus=0).start([UNDER])


async def test_a_judge_that_is_not_started_decides_nothing(small_model_folder: Path) -> None:
    judge = VllmJudge(vllm_config(small_model_folder), gpus=0)
    with pytest.raises(EngineDied):
        await judge.judge(text_case("Hello", UNDER))
    await judge.close()


class TestTinyGptOss(JudgeContract):
    """The tiny gpt-oss."""

    @pytest.fixture
    def judge(self, gpt_oss_judge: VllmJudge) -> VllmJudge:
        return gpt_oss_judge

    async def test_harmony_end_to_end(self, judge: VllmJudge, tiny_gpt_oss_folder: Path) -> None:
        cases = [text_case(f"Buy number {k} <|channel|>final", UNDER, k) for k in range(6)]
        judgements = await asyncio.gather(*(judge.judge(case) for case in cases))
        renderer = load_language(vllm_config(tiny_gpt_oss_folder)).renderer
        for judgement, case in zip(judgements, cases, strict=True):
            prompt = renderer.render(case, 1000)
            assert judgement.prompt_tokens == 0 or judgement.prompt_tokens == len(prompt.ids) * judgement.attempts
            named = (Reason.LENGTH, Reason.MALFORMED)  # random weights may end the message with <|call|>
            assert isinstance(judgement.result, Verdict) or judgement.result.reason in named
        assert any(isinstance(judgement.result, Verdict) for judgement in judgements)

    async def test_a_length_is_tried_again_with_a_larger_budget(self, judge: VllmJudge) -> None:
        judgement = await judge.judge(text_case("Something that takes more than a few tokens to explain", UNDER))
        assert judgement.attempts == 2
        assert judgement.output_tokens > 24

    async def test_a_dead_engine_is_told_apart_from_a_bad_case(self, judge: VllmJudge) -> None:
        """The last one here, for the engine is that of the others."""
        pending = [asyncio.create_task(judge.judge(text_case(f"Case {k}", UNDER, k))) for k in range(4)]
        await asyncio.sleep(0)
        engines = multiprocessing.active_children()
        assert engines
        for child in engines:
            child.kill()
        outcomes = await asyncio.gather(*pending, return_exceptions=True)
        assert all(isinstance(outcome, EngineDied) for outcome in outcomes)
        with pytest.raises(EngineDied):
            await judge.judge(text_case("After", UNDER))


class TestSmall(JudgeContract):
    """SmolLM2."""

    @pytest.fixture
    def judge(self, small_judge: VllmJudge) -> VllmJudge:
        return small_judge

    async def test_the_prefix_is_served_from_the_cache(self, judge: VllmJudge) -> None:
        first = await judge.judge(text_case("Hello", UNDER))
        again = await judge.judge(text_case("Quite another text", UNDER))
        assert first.cacheable_tokens == again.cacheable_tokens > 0
        assert again.cached_tokens == again.cacheable_tokens

    async def test_a_real_model_gives_verdicts_with_a_score(self, judge: VllmJudge) -> None:
        texts = ("Hello, how are you?", "You won a free prize, send your card number now")
        judgements = [await judge.judge(text_case(text, UNDER)) for text in texts]
        results = [judgement.result for judgement in judgements]
        assert all(isinstance(result, Verdict) and result.score is not None for result in results)
        assert all(judgement.output_tokens > 0 for judgement in judgements)

    async def test_a_policy_that_leaves_no_room_is_named(self, judge: VllmJudge) -> None:
        with pytest.raises(InputError, match=r"policy huge .* leave no room"):
            await judge.judge(text_case("Hello", policy("huge", sentences=300)))
