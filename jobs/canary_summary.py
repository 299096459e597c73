"""What the canaries of a run came to, over all engines that started."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assay.canaries import CanaryCheck, WrongAnswer


@dataclass(frozen=True, slots=True)
class PolicyCanaries:
    """Of one version of a policy; `policy` is its id, with ` (shadow)` after it if it is one.

    `failed`: more of them than may be were wrong on one engine at least. `examples` are those that were wrong, once
    each.
    """

    policy: str
    version: str
    judged: int
    wrong: int
    failed: bool
    examples: tuple[WrongAnswer, ...]


@dataclass(frozen=True, slots=True)
class CanarySummary:
    """Canaries are no cases: neither they nor their tokens are in any other count of a run."""

    judged: int
    wrong: int
    prompt_tokens: int
    output_tokens: int
    policies: tuple[PolicyCanaries, ...]

    @property
    def text(self) -> str:
        return f"{self.judged:,} judged, {self.wrong:,} wrong"


def summarise_canaries(checks: Sequence[CanaryCheck]) -> CanarySummary | None:
    """None if no canary was judged."""
    if not checks:
        return None
    by_policy: dict[tuple[str, str], list[CanaryCheck]] = {}
    for check in checks:
        by_policy.setdefault((check.policy, check.version), []).append(check)
    return CanarySummary(
        judged=sum(check.judged for check in checks),
        wrong=sum(len(check.wrong) for check in checks),
        prompt_tokens=sum(check.prompt_tokens for check in checks),
        output_tokens=sum(check.output_tokens for check in checks),
        policies=tuple(_of(policy, version, own) for (policy, version), own in by_policy.items()),
    )


def _of(policy: str, version: str, checks: Sequence[CanaryCheck]) -> PolicyCanaries:
    return PolicyCanaries(
        policy=policy,
        version=version,
        judged=sum(check.judged for check in checks),
        wrong=sum(len(check.wrong) for check in checks),
        failed=any(check.failed for check in checks),
        examples=tuple(dict.fromkeys(each for check in checks for each in check.wrong)),
    )
