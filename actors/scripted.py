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
from assay.records import Action, Case, Confidence, Judgement, Reason, Rejection, Verdict


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
        self._flagged: dict[str, Verdict] = {}
        self._clean, self._missed = _verdict(None), _verdict(None, wrong=True)

    async def start(self, policies: Sequence[Policy]) -> None:
        await self.prepare(policies)

    async def prepare(self, policies: Sequence[Policy]) -> None:
        self._flagged |= {policy.hash: _verdict(policy) for policy in policies}

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
            return Judgement(self._missed if found else _verdict(case.policy, wrong=True), prompt_hash=prompt)
        if not found:
            return Judgement(self._clean, prompt_hash=prompt)
        flagged = self._flagged.get(case.policy.hash)
        if flagged is None:
            flagged = self._flagged[case.policy.hash] = _verdict(case.policy)
        return Judgement(flagged, prompt_hash=prompt)

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


def _verdict(violated: Policy | None, *, wrong: bool = False) -> Verdict:
    """Of a violation of this policy's first rule, or of none; in a wrong one the pattern says the opposite."""
    rule_ids = violated.rule_ids[:1] if violated else ()
    severity, action = violated.consequence(rule_ids) if violated else (0, Action.ALLOW)
    found = "is found" if (violated is not None) != wrong else "is not found"
    score = 0.6 if wrong else 0.99
    return Verdict(
        violation=violated is not None,
        rule_ids=rule_ids,
        severity=severity,
        action=action,
        confidence=Confidence.LOW if wrong else Confidence.HIGH,
        rationale=f"The script's pattern {found}." + (" This answer is wrong on purpose." if wrong else ""),
        score=score if violated else round(1 - score, 2),
    )
