"""How a case becomes its one outcome."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime

from assay.contracts import Judge
from assay.errors import AssayError, EngineDied
from assay.policy import Policy
from assay.records import BadItem, Case, Judgement, Known, Origin, Outcome, Reason, Rejection, Stage

_CONDEMNED = Judgement(Rejection(Reason.ENGINE, "the engine died three times while judging this case"), attempts=3)


class Deciding:
    """Asks the judge, for `deadline_seconds` at most a case, and keeps the content with each of its rejections."""

    def __init__(self, judge: Judge, run_id: str, deadline_seconds: float) -> None:
        self._judge, self.run_id, self._allowed = judge, run_id, deadline_seconds

    async def decide(self, case: Case) -> Outcome:
        """Raises EngineDied if the engine is gone, or the judge breaks."""
        began = time.perf_counter()
        judgement = await self._ask(case)
        ms = (time.perf_counter() - began) * 1000
        return self._of_case(case, judgement, Stage.JUDGE, ms)

    def condemn(self, case: Case) -> Outcome:
        """Without asking: the judge would not live through it."""
        return self._of_case(case, _CONDEMNED, Stage.JUDGE)

    def reuse(self, case: Case, known: Known) -> Outcome:
        """Without asking: the judge has decided this key before. The reasoning stays where it was first written."""
        result = replace(known.result, reasoning=None)
        return self._of_case(case, Judgement(result, attempts=0), Stage.REUSED, origin=known.origin)

    def refuse(self, item: BadItem, policy: Policy) -> Outcome:
        """There is nothing to judge: the source says why."""
        judgement = Judgement(Rejection(item.reason, item.detail, item.raw), attempts=0)
        return Outcome(item, policy, judgement, Stage.SOURCE, self._judge.identity, self.run_id, datetime.now(UTC))

    def pass_over(self, case: Case) -> Outcome:
        """Without asking: the policy is not for items of this kind."""
        kinds = ", ".join(case.policy.applies_to)
        detail = f"a {case.item.kind}; policy {case.policy.id} applies to {kinds}"
        return self._of_case(case, Judgement(Rejection(Reason.OTHER_KIND, detail), attempts=0), Stage.POLICY)

    def spare(self, case: Case) -> Outcome:
        """Without asking: the item names other policies."""
        detail = f"the item is not to be judged under policy {case.policy.id}"
        return self._of_case(case, Judgement(Rejection(Reason.NOT_ASKED, detail), attempts=0), Stage.POLICY)

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

    def _of_case(
        self, case: Case, judged: Judgement, stage: Stage, ms: float = 0.0, origin: Origin | None = None
    ) -> Outcome:
        item, result, now = case.item, judged.result, datetime.now(UTC)
        if isinstance(result, Rejection) and result.raw is None:
            judged = replace(judged, result=replace(result, raw=item.raw))
        identity = self._judge.identity
        return Outcome(item, case.policy, judged, stage, identity, self.run_id, now, ms, case.key, origin)
