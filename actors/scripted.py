"""A judge that follows a script: no model, deterministic, about as fast as Python. For trials, tests and benchmarks."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Sequence

from actors.identity import identify
from assay.config import ScriptedConfig
from assay.errors import EngineDied
from assay.policy import Policy
from assay.records import Case, Confidence, Judgement, Reason, Rejection, Verdict


class ScriptedJudge:
    """Flags judged turns in which `match` is found, and cites the policy's first rule. Reads no tokens, counts none."""

    def __init__(self, config: ScriptedConfig) -> None:
        self.identity = identify(config)
        self._config = config
        self._match = re.compile(config.match)
        self._kill_on = re.compile(config.kill_on) if config.kill_on is not None else None
        self._journal = open(config.journal, "ab", buffering=0) if config.journal else None  # noqa: SIM115
        self._verdicts: dict[tuple[str, bool], Verdict] = {}

    async def start(self, policies: Sequence[Policy]) -> None:
        await self.prepare(policies)

    async def prepare(self, policies: Sequence[Policy]) -> None:
        self._verdicts |= {
            (policy.hash, found): _verdict(policy, found) for policy in policies for found in (True, False)
        }

    async def judge(self, case: Case) -> Judgement:
        """A verdict, or too_long. Raises EngineDied where `kill_on` is found in what is judged."""
        if self._journal is not None:
            self._journal.write(b".")
        if self._config.latency_ms:
            await asyncio.sleep(self._latency(case))
        judged = case.item.judged
        if self._kill_on is not None and any(self._kill_on.search(turn.content) for turn in judged):
            raise EngineDied("the script says that this content kills the engine")
        prompt = hashlib.sha256((case.policy.hash + case.item.content_hash).encode()).hexdigest()
        limit = self._config.max_content_chars
        length = sum(len(turn.content) for turn in (*case.item.context, *judged))
        if limit is not None and length > limit:
            detail = f"{length} characters of content; the judge has room for {limit}"
            return Judgement(Rejection(Reason.TOO_LONG, detail, case.item.raw), prompt_hash=prompt)
        found = any(self._match.search(turn.content) for turn in judged)
        verdict = self._verdicts.get((case.policy.hash, found))
        if verdict is None:
            verdict = self._verdicts[case.policy.hash, found] = _verdict(case.policy, found)
        return Judgement(verdict, prompt_hash=prompt)

    async def close(self) -> None:
        if self._journal is not None:
            self._journal.close()

    def _latency(self, case: Case) -> float:
        """Seconds; spread by up to `jitter` both ways, the same for the same content."""
        spread = int(case.item.content_hash[:8], 16) / 2**31 - 1
        return self._config.latency_ms / 1000 * (1 + self._config.jitter * spread)


def _verdict(policy: Policy, found: bool) -> Verdict:
    rule_ids = policy.rule_ids[:1] if found else ()
    score = 0.99 if found else 0.01
    severity, action = policy.decide(rule_ids, Confidence.HIGH, score)
    return Verdict(
        violation=found,
        rule_ids=rule_ids,
        severity=severity,
        action=action,
        confidence=Confidence.HIGH,
        rationale="The script's pattern is found." if found else "The script's pattern is not found.",
        score=score,
    )
