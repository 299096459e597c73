"""How a case becomes its one outcome."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime

from assay.contracts import Judge
from assay.errors import AssayError, EngineDied
from assay.policy import Policy
from assay.records import BadItem, Case, Item, Judgement, Outcome, Reason, Rejection, Stage

_CONDEMNED = Judgement(Rejection(Reason.ENGINE, "the engine died three times while judging this case"), attempts=3)


class Deciding:
    """Asks the judge, for `deadline_seconds` at most a case, and keeps the content with each of its rejections."""

    def __init__(self, judge: Judge, run_id: str, deadline_seconds: float) -> None:
        self._judge, self._run_id, self._allowed = judge, run_id, deadline_seconds

    async def decide(self, case: Case) -> Outcome:
        """Raises EngineDied if the engine is gone, or the judge breaks."""
        began = time.perf_counter()
        judgement = await self._ask(case)
        return self._outcome(case.item, case.policy, judgement, Stage.JUDGE, (time.perf_counter() - began) * 1000)

    def condemn(self, case: Case) -> Outcome:
        """Without asking: the judge would not live through it."""
        return self._outcome(case.item, case.policy, _CONDEMNED, Stage.JUDGE)

    def refuse(self, item: BadItem, policy: Policy) -> Outcome:
        """There is nothing to judge: the source says why."""
        rejection = Rejection(item.reason, item.detail, item.raw)
        return self._outcome(item, policy, Judgement(rejection, attempts=0), Stage.SOURCE)

    async def _ask(self, case: Case) -> Judgement:
        try:
            async with asyncio.timeout(self._allowed):
                return await self._judge.judge(case)
        except TimeoutError:
            detail = f"the judge had no answer within {self._allowed:g} s"
            return Judgement(Rejection(Reason.DEADLINE, detail))
        except AssayError:
            raise
        except Exception as error:
            raise EngineDied(f"the judge broke on item {case.item.id!r}: {error!r}") from error

    def _outcome(
        self, item: Item | BadItem, policy: Policy, judged: Judgement, stage: Stage, ms: float = 0.0
    ) -> Outcome:
        result = judged.result
        if isinstance(result, Rejection) and result.raw is None and isinstance(item, Item):
            judged = replace(judged, result=replace(result, raw=item.raw))
        return Outcome(item, policy, judged, stage, self._judge.identity, self._run_id, datetime.now(UTC), ms)
