"""Judging canaries: on an engine that has just started, or has got a new policy, before any item."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from actors.deciding import Deciding
from actors.limits import Limits
from assay.canaries import CanaryCheck, WrongAnswer, said
from assay.contracts import Judge
from assay.policy import Policy
from assay.policy_examples import Example
from assay.records import Case, Item, ItemKind, Judgement, Place, Turn, Verdict

_ROLES = {ItemKind.TEXT: "user", ItemKind.COMPLETION: "assistant", ItemKind.CHAT: "user"}


async def judge_canaries(
    judge: Judge, policies: Sequence[Policy], limits: Limits, bound: float
) -> tuple[CanaryCheck, ...]:
    """Each example of these policies, once; a check for each policy that has any. Raises EngineDied.

    What the judge rejects is wrong, as is an answer that does not come within `deadline_seconds`. Rule ids don't count.
    """
    deciding, free = Deciding(judge, "", limits.deadline_seconds), asyncio.Semaphore(limits.window)

    async def answer(policy: Policy, example: Example) -> Judgement:
        async with free:
            return (await deciding.decide(Case(_item(policy, example), policy))).judgement

    asked = [policy for policy in policies if policy.examples]
    answers = await asyncio.gather(*(answer(policy, each) for policy in asked for each in policy.examples))
    left = iter(answers)
    return tuple(_check(policy, [next(left) for _ in policy.examples], bound) for policy in asked)


def _item(policy: Policy, example: Example) -> Item:
    """The example as a text, or as what the policy is for."""
    kind = ItemKind.TEXT if ItemKind.TEXT in policy.applies_to else policy.applies_to[0]
    return Item(f"line {example.line}", kind, (Turn(_ROLES[kind], example.text),), Place("canaries", policy.name, 0))


def _check(policy: Policy, answers: Sequence[Judgement], bound: float) -> CanaryCheck:
    pairs = zip(policy.examples, answers, strict=True)
    wrong = [(example, answer.result) for example, answer in pairs if not _is_right(example, answer)]
    return CanaryCheck(
        policy=policy.name,
        version=policy.version,
        judged=len(answers),
        wrong=tuple(
            WrongAnswer(
                example.line,
                example.text,
                example.violation,
                said(result.violation) if isinstance(result, Verdict) else f"rejected ({result.reason})",
            )
            for example, result in wrong
        ),
        bound=bound,
        violations=sum(example.violation for example in policy.examples),
        prompt_tokens=sum(answer.prompt_tokens for answer in answers),
        output_tokens=sum(answer.output_tokens for answer in answers),
    )


def _is_right(example: Example, answer: Judgement) -> bool:
    return isinstance(answer.result, Verdict) and answer.result.violation == example.violation
