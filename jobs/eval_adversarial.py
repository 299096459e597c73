"""`assay eval --adversarial`: attacks on the labelled items, judged beside them, and what flips."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from actors.board import Status
from assay.errors import InputError
from assay.golden import GoldenItem
from assay.policy import Policy
from authoring.attacks import ATTACKS, PADDING, Attacked, attack
from jobs.attack_report import AttackRow, PolicyAttacks
from jobs.eval_report import answers_of
from jobs.load import Job
from jobs.trial import run_trial
from measure.answers import Answer
from measure.flips import Flips, any_flip, flips

Judging = Callable[[Job, Sequence[GoldenItem]], tuple[Answer, ...]]
"""The job's judge, its policies and items to the answers. Raises FatalError, Interrupted."""


@dataclass(frozen=True, slots=True)
class Suite:
    """Which attacks (none named: all), how they are seeded, the length of padding in characters, and whether all of it
    is judged again with `judge.normalise` on."""

    names: tuple[str, ...] = ()
    seed: int = 0
    padding: int = PADDING
    normalise_too: bool = False


def attack_job(job: Job, items: Sequence[GoldenItem], suite: Suite, judge: Judging) -> tuple[PolicyAttacks, ...]:
    """Attack the items under each policy of the job, judge all of it at once, and say what flips policy by policy.

    Raises InputError, and what `judge` raises.
    """
    check_suite(job, suite)
    made = {policy.id: attack(items, policy, suite.seed, suite.names, padding=suite.padding) for policy in job.policies}
    shown = [*items, *(each.item for found in made.values() for each in found)]
    plain = judge(_whole(job), shown)
    normalised = judge(_whole(_normalising(job)), shown) if suite.normalise_too else ()
    return tuple(_policy(policy, made[policy.id], suite, items, plain, normalised) for policy in job.policies)


def by_trials(on_status: Callable[[Status, int], None], stopping: Callable[[], bool]) -> Judging:
    """Judge in trials, which know what earlier trials came to: originals that were judged are not judged again."""

    def judge(job: Job, items: Sequence[GoldenItem]) -> tuple[Answer, ...]:
        return answers_of(run_trial(job, items, on_status=on_status, stopping=stopping), items)

    return judge


def check_suite(job: Job, suite: Suite) -> None:
    """Raises InputError for attacks that there are not, and for what makes no sense with this job."""
    attack((), job.policies[0], suite.seed, suite.names)
    if suite.padding < 1:
        raise InputError(f"--padding {suite.padding}: give at least one character")
    if suite.normalise_too and job.config.judge.normalise:
        raise InputError("--normalise-too: judge.normalise is on already; take one of them away")


def _policy(
    policy: Policy,
    made: Sequence[Attacked],
    suite: Suite,
    items: Sequence[GoldenItem],
    plain: Sequence[Answer],
    normalised: Sequence[Answer],
) -> PolicyAttacks:
    labelled = sum(any(each.policy_id == policy.id for each in item.expected) for item in items)
    rows = _rows(_flips(plain, policy, made), _flips(normalised, policy, made))
    return PolicyAttacks(policy.id, policy.version, suite.seed, suite.padding, labelled, len(made), rows)


def _whole(job: Job) -> Job:
    """Chats judged as a whole where items don't say otherwise, so that split ones need no run of their own."""
    source = job.config.source.model_copy(update={"judged": "whole"})
    return replace(job, config=job.config.model_copy(update={"source": source}))


def _normalising(job: Job) -> Job:
    judge = job.config.judge.model_copy(update={"normalise": True})
    return replace(job, config=job.config.model_copy(update={"judge": judge}))


def _flips(answers: Sequence[Answer], policy: Policy, made: Iterable[Attacked]) -> tuple[Flips, ...]:
    """By attack, the worst first, then of all together."""
    attack_of = {each.item.id: each.attack for each in made}
    before = [answer for answer in answers if answer.policy_id == policy.id]
    after: dict[str, list[Answer]] = {}
    for answer in before:
        if answer.item_id in attack_of:
            after.setdefault(attack_of[answer.item_id], []).append(answer)
    return (*flips(before, after), *any_flip(before, after))


def _rows(plain: Iterable[Flips], normalised: Iterable[Flips]) -> tuple[AttackRow, ...]:
    known = {each.name: each for each in ATTACKS}
    again = {(each.attack, each.expected): each for each in normalised}
    rows = []
    for each in plain:
        about, other = known.get(each.attack), again.get((each.attack, each.expected))
        facts = (
            (each.attack, about.what, about.readable) if about else (each.attack, "At least one of the attacks.", False)
        )
        rows.append(AttackRow(*facts, each, other))
    return tuple(rows)
