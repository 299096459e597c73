"""Canaries: a policy's own examples, whose answers are known. A judge that gets them wrong is not to be believed.

A bound of about a third lets a good judge be wrong once in three examples, and notices one that always says the same,
or tosses a coin: of examples of both classes it gets about half wrong. Where there are few of one class, a judge that
always says the other is wrong less often than that, so each class is looked at by itself too.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

_SHOWN = 3
_CHARS = 60


@dataclass(frozen=True, slots=True)
class WrongAnswer:
    """An example that came out wrong: its line in the policy's file, what it is by the policy, and what came."""

    line: int
    text: str
    violation: bool
    came: str

    def __str__(self) -> str:
        shown = self.text if len(self.text) <= _CHARS else f"{self.text[:_CHARS]}..."
        return f'line {self.line} "{shown}": {said(self.violation)} by the policy, {self.came} by the judge'


@dataclass(frozen=True, slots=True)
class CanaryCheck:
    """The examples of one policy, judged once. `policy` is its `name`; `bound` the share that may be wrong.

    `violations` of the `judged` violate by the policy.
    """

    policy: str
    version: str
    judged: int
    wrong: tuple[WrongAnswer, ...]
    bound: float
    violations: int
    prompt_tokens: int = 0
    output_tokens: int = 0

    @property
    def failed(self) -> bool:
        """Too many are wrong; or, however few are of that class, so many of one class that their mean with the other
        class is over the bound, as with a judge that always says the same. One wrong answer alone is not enough.
        """
        missed = sum(each.violation for each in self.wrong)
        classes = ((missed, self.violations), (len(self.wrong) - missed, self.judged - self.violations))
        one_sided = any(wrong > 1 and wrong > 2 * self.bound * of for wrong, of in classes)
        return one_sided or len(self.wrong) > self.bound * self.judged

    def __str__(self) -> str:
        count = f"{len(self.wrong)} of {self.judged} examples came out wrong (canary_bound: {self.bound:g})"
        return f"policy {self.policy} {self.version}: {count}: {'; '.join(map(str, self.wrong[:_SHOWN]))}"


def said(violation: bool) -> str:
    """A verdict in words."""
    return "a violation" if violation else "allowed"


def failure(checks: Iterable[CanaryCheck]) -> str:
    """What to tell of those that failed; "" if none did."""
    failed = "\n  ".join(str(check) for check in checks if check.failed)
    return f"canaries failed: the judge is broken, or can't follow the policy\n  {failed}" if failed else ""
