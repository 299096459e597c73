"""A judge that follows a script: no model, deterministic, about as fast as Python. For trials, tests and benchmarks."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Sequence

from actors.identity import identify
from assay.config import ScriptedConfig
from assay.errors import EngineDied
from assay.normalise import decoded_view
from assay.policy import Policy
from assay.records import Case, Confidence, Judgement, Reason, Rejection, Verdict


class ScriptedJudge:
    """Flags judged turns in which `match` is found, and cites the policy's first rule. Reads no tokens, counts none.

    What `noise` gets wrong is said with low confidence and a score of 0.6 or 0.4, all else with 0.99 or 0.01. Which
    cases that are follows from their keys, so that repeats of one content are wrong independently of each other.
    """

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
        found = any(self._finds(turn.content) for turn in judged)
        if self._errs(case.key or prompt):
            return Judgement(_verdict(case.policy, found, wrong=True), prompt_hash=prompt)
        verdict = self._verdicts.get((case.policy.hash, found))
        if verdict is None:
            verdict = self._verdicts[case.policy.hash, found] = _verdict(case.policy, found)
        return Judgement(verdict, prompt_hash=prompt)

    async def close(self) -> None:
        if self._journal is not None:
            self._journal.close()

    def _finds(self, text: str) -> bool:
        """In the text, or in what it says without its disguises."""
        if self._match.search(text):
            return True
        view = decoded_view(text) if self._config.normalise else None
        return view is not None and self._match.search(view) is not None

    def _errs(self, key: str) -> bool:
        """Whether this case is one of the share that comes out wrong."""
        if not self._config.noise:
            return False
        drawn = hashlib.sha256(f"{self._config.seed} {key}".encode()).digest()
        return int.from_bytes(drawn[:8], "big") < self._config.noise * 2**64

    def _latency(self, case: Case) -> float:
        """Seconds; spread by up to `jitter` both ways, the same for the same content."""
        spread = int(case.item.content_hash[:8], 16) / 2**31 - 1
        return self._config.latency_ms / 1000 * (1 + self._config.jitter * spread)


def _verdict(policy: Policy, found: bool, *, wrong: bool = False) -> Verdict:
    """What the script says if its pattern is found, or is not; a wrong one says the opposite."""
    violation = found != wrong
    rule_ids = policy.rule_ids[:1] if violation else ()
    confidence, score = (Confidence.LOW, 0.6) if wrong else (Confidence.HIGH, 0.99)
    score = score if violation else round(1 - score, 2)
    severity, action = policy.decide(rule_ids, confidence, score)
    return Verdict(
        violation=violation,
        rule_ids=rule_ids,
        severity=severity,
        action=action,
        confidence=confidence,
        rationale=f"The script's pattern is {'' if found else 'not '}found."
        + (" This answer is wrong on purpose." if wrong else ""),
        score=score,
    )
