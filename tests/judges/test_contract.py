"""The scripted judge keeps what every judge promises; the engines do so in tests/vllm/test_engine.py."""

from __future__ import annotations

import pytest
import pytest_asyncio

from actors.judges import make_judge
from actors.scripted import ScriptedJudge
from assay.config import ScriptedConfig
from assay.contracts import Judge
from tests.judges.contract import UNDER, JudgeContract

pytestmark = pytest.mark.asyncio(loop_scope="session")


class TestScripted(JudgeContract):
    @pytest_asyncio.fixture(loop_scope="session")
    async def judge(self) -> Judge:
        judge = make_judge(ScriptedConfig(kind="scripted", match="(?i)free money", max_content_chars=5000), gpus=0)
        assert isinstance(judge, ScriptedJudge)
        await judge.start([UNDER])
        return judge
