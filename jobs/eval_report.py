"""What an evaluation comes to, as one typed record: JSON, Markdown, HTML and the terminal show the same one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from assay.golden import Expected, GoldenItem
from assay.policy import Policy
from jobs.attack_report import PolicyAttacks
from jobs.trial import Judged, Trial
from measure.agreement import SelfAgreement, exact_match, self_agreement
from measure.answers import Answer, Estimate
from measure.calibration import Calibration, calibration
from measure.figures import Figures, figures
from measure.rules import RuleFigures, rule_figures
from measure.slices import Slice, slices
from measure.thresholds import OperatingPoint, Point, operating_point, sweep


class MistakeKind(StrEnum):
    """A miss is a violation that was let through, a false alarm the other way round; a rejection decided nothing."""

    MISS = "miss"
    FALSE_ALARM = "false alarm"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Mistake:
    """An item that came out wrong, `times` of the `asked` times; the rest is as the first of them was.

    `content` is what was judged, with halves of surrogate pairs as escapes; `rationale` is the judge's reason, or that
    of a rejection.
    """

    kind: MistakeKind
    item_id: str
    expected: bool
    expected_rules: tuple[str, ...]
    rule_ids: tuple[str, ...]
    score: float | None
    rationale: str
    content: str
    note: str
    times: int
    asked: int


@dataclass(frozen=True, slots=True)
class Want:
    """A wanted precision or recall: `figure` is one of these two."""

    figure: str
    target: float


@dataclass(frozen=True, slots=True)
class Operating:
    """The threshold that reaches what is wanted; None if none does."""

    want: Want
    found: OperatingPoint | None


@dataclass(frozen=True, slots=True)
class Looks:
    """What is looked at besides: carried columns, the sweep over thresholds, and operating points."""

    by: tuple[str, ...] = ()
    sweep: bool = False
    wants: tuple[Want, ...] = ()


@dataclass(frozen=True, slots=True)
class PolicyReport:
    """One policy's figures. `agreement` is None unless items were asked more than once, `rules` empty if no label names
    a rule."""

    policy_id: str
    version: str
    hash: str
    figures: Figures
    rules: tuple[RuleFigures, ...]
    calibration: Calibration
    slices: tuple[Slice, ...]
    sweep: tuple[Point, ...]
    operating: tuple[Operating, ...]
    agreement: SelfAgreement | None
    mistakes: tuple[Mistake, ...]


@dataclass(frozen=True, slots=True)
class GateResult:
    """Whether a gate let a policy pass ("" for a gate on all of them together), and why, in a line."""

    asked: str
    policy_id: str
    passed: bool
    text: str


@dataclass(frozen=True, slots=True)
class PublishedFigure:
    """A category of a public benchmark by the metric that it was published with."""

    category: str
    policy_id: str
    figure: str
    estimate: Estimate
    violations: int


@dataclass(frozen=True, slots=True)
class Published:
    """A public benchmark's name and figures."""

    name: str
    title: str
    figures: tuple[PublishedFigure, ...]


@dataclass(frozen=True, slots=True)
class EvalReport:
    """One evaluation. `golden` names the files, without their folders; `judge_settings` is a hash.

    But for `run_id` it is the same whenever the same judge gives the same answers to the same items.
    """

    run_id: str
    job: str
    judge: str
    judge_revision: str
    judge_settings: str
    golden: tuple[str, ...]
    items: int
    repeats: int
    exact_match: Estimate
    policies: tuple[PolicyReport, ...]
    published: Published | None = None
    attacks: tuple[PolicyAttacks, ...] = ()
    gates: tuple[GateResult, ...] = ()

    @property
    def failed(self) -> tuple[GateResult, ...]:
        return tuple(gate for gate in self.gates if not gate.passed)


def answers_of(trial: Trial, items: Sequence[GoldenItem]) -> tuple[Answer, ...]:
    """Every judged pair of item and policy that the labels speak of, if only to say that nobody knows.

    An item without labels is judged too, and is in none of them.
    """
    by_id = {item.id: item for item in items}
    expected = {(item.id, each.policy_id): each for item in items for each in item.expected}
    return tuple(
        _answer(by_id[each.item_id], expected[each.item_id, each.policy_id], each)
        for each in trial.judged
        if (each.item_id, each.policy_id) in expected
    )


def _answer(item: GoldenItem, expected: Expected, judged: Judged) -> Answer:
    return Answer(
        item_id=item.id,
        group=item.group,
        policy_id=judged.policy_id,
        expected=expected.violation,
        violation=judged.violation,
        score=judged.score,
        rule_ids=judged.rule_ids,
        expected_rules=expected.rule_ids,
        carried=item.carried,
        reason=judged.reason,
        repeat=judged.repeat,
    )


def evaluate(
    trial: Trial,
    items: Sequence[GoldenItem],
    policies: Sequence[Policy],
    looks: Looks,
    *,
    job: str,
    golden: Sequence[str],
    repeats: int,
    run_id: str,
) -> EvalReport:
    """Put answers and labels together. Policies that no label speaks of are left out."""
    answers = answers_of(trial, items)
    agreements = {each.policy_id: each for each in self_agreement(answers)}
    mistakes = _mistakes(trial, items)
    named = {answer.policy_id for answer in answers}
    return EvalReport(
        run_id=run_id,
        job=job,
        judge=trial.judge.name,
        judge_revision=trial.judge.revision,
        judge_settings=trial.judge.settings_hash,
        golden=tuple(golden),
        items=len(items),
        repeats=repeats,
        exact_match=exact_match(answers),
        policies=tuple(
            _policy(policy, answers, looks, agreements.get(policy.id), mistakes.get(policy.id, ()))
            for policy in policies
            if policy.id in named
        ),
    )


def _policy(
    policy: Policy,
    all_answers: Sequence[Answer],
    looks: Looks,
    agreement: SelfAgreement | None,
    mistakes: Iterable[Mistake],
) -> PolicyReport:
    answers = [answer for answer in all_answers if answer.policy_id == policy.id]
    return PolicyReport(
        policy_id=policy.id,
        version=policy.version,
        hash=policy.hash,
        figures=figures(answers),
        rules=rule_figures(answers) if any(each.expected_rules for each in answers) else (),
        calibration=calibration(answers),
        slices=tuple(each for column in looks.by for each in slices(answers, column)),
        sweep=sweep(answers) if looks.sweep else (),
        operating=tuple(Operating(want, _operating(answers, want)) for want in looks.wants),
        agreement=agreement,
        mistakes=tuple(mistakes),
    )


def _operating(answers: Sequence[Answer], want: Want) -> OperatingPoint | None:
    if want.figure == "precision":
        return operating_point(answers, precision=want.target)
    return operating_point(answers, recall=want.target)


def _mistakes(trial: Trial, items: Sequence[GoldenItem]) -> Mapping[str, list[Mistake]]:
    """By policy: misses, then false alarms, then rejections, each the surest first."""
    by_id = {item.id: item for item in items}
    expected = {(item.id, each.policy_id): each for item in items for each in item.expected}
    asked: dict[tuple[str, str], int] = {}
    wrong: dict[tuple[str, str, MistakeKind], list[Judged]] = {}
    for each in trial.judged:
        pair = each.item_id, each.policy_id
        asked[pair] = asked.get(pair, 0) + 1
        if pair in expected and (kind := _kind(expected[pair].violation, each.violation)) is not None:
            wrong.setdefault((*pair, kind), []).append(each)
    found: dict[str, list[Mistake]] = {}
    for (item_id, policy_id, kind), times in wrong.items():
        pair = item_id, policy_id
        mistake = _mistake(kind, by_id[item_id], expected[pair], times, asked[pair])
        found.setdefault(policy_id, []).append(mistake)
    for mistakes in found.values():
        mistakes.sort(key=_worst_first)
    return found


def _kind(expected: bool | None, violation: bool | None) -> MistakeKind | None:
    """None for a right answer, and where the label is unknown."""
    if expected is None or violation is expected:
        return None
    if violation is None:
        return MistakeKind.REJECTED
    return MistakeKind.MISS if expected else MistakeKind.FALSE_ALARM


def _mistake(kind: MistakeKind, item: GoldenItem, expected: Expected, times: Sequence[Judged], asked: int) -> Mistake:
    first = times[0]
    return Mistake(
        kind=kind,
        item_id=item.id,
        expected=bool(expected.violation),
        expected_rules=expected.rule_ids,
        rule_ids=first.rule_ids,
        score=first.score,
        rationale=first.rationale or f"{first.reason}: {first.detail}",
        content="\n".join(turn.content for turn in item.judged).encode("utf-8", "backslashreplace").decode(),
        note=item.note,
        times=len(times),
        asked=asked,
    )


def _worst_first(mistake: Mistake) -> tuple[int, float, int, str]:
    """Of each kind the one that the judge was surest of, and got wrong most often, comes first."""
    sure = 0.0 if mistake.score is None else abs(mistake.score - 0.5)
    return list(MistakeKind).index(mistake.kind), -sure, -mistake.times, mistake.item_id
