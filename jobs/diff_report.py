"""What a comparison comes to, as one typed record: JSON, Markdown, HTML and the terminal show the same one."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from assay.golden import GoldenItem
from assay.policy import Policy
from assay.records import Action
from jobs.diff_asking import Asked, Said
from jobs.diff_items import Chosen, kinds_of
from jobs.diff_rollout import Flipped, Whole, pace_of, tokens_a_case, whole_of
from jobs.trial import Judged
from measure.paired import Comparison, Pair, compare

_CONTEXT_LINES = 1
_ACTIONS = {**{action.value: rank for rank, action in enumerate(Action)}, Action.ESCALATE.value: 3}
"""How far actions are from each other; what is unsure is looked at, as with `review`."""
_CONFIDENCES = ("low", "medium", "high")


class ChangeKind(StrEnum):
    """What became of an item that did not stay as it was. The first two are flips."""

    GAINED = "flagged now"
    LOST = "allowed now"
    SHIFTED = "other outcome"
    REJECTED = "rejected now"
    RECOVERED = "no longer rejected"


@dataclass(frozen=True, slots=True)
class Change:
    """An item of which the sides say different things. `improved` is None where no label tells, or both are wrong.

    `copies` is how many items of the source say the same. `content` is what was judged, with halves of surrogate pairs
    as escapes.
    """

    kind: ChangeKind
    item_id: str
    expected: bool | None
    improved: bool | None
    copies: int
    content: str
    note: str
    before: Judged
    after: Judged


@dataclass(frozen=True, slots=True)
class RuleChange:
    """A rule of either text: how often it was cited, among items that have a verdict of both sides."""

    rule_id: str
    cited: Comparison

    @property
    def ever_cited(self) -> bool:
        return bool(self.cited.before.value or self.cited.after.value)


@dataclass(frozen=True, slots=True)
class SideReport:
    """One side: its policy text, its rejections, and how many of its answers the job's table had.

    Tokens are means of a case over all attempts; None if nobody counted.
    """

    version: str
    hash: str
    rejected: Mapping[str, int]
    recalled: int
    prompt_tokens: float | None
    output_tokens: float | None


@dataclass(frozen=True, slots=True)
class PolicyDiff:
    """One policy. `text` are the lines of a unified diff of both files, none if they are the same.

    `flagged` compares whether items are flagged, `right` whether the verdict is the label; the latter is None without
    labels, and counts a rejection as wrong. `unknown` items have no label. `changes` are ordered by how much they
    matter. `whole` is None unless the items are a sample of the source.
    """

    policy_id: str
    text: tuple[str, ...]
    before: SideReport
    after: SideReport
    items: int
    unknown: int
    flagged: Comparison
    right: Comparison | None
    rules: tuple[RuleChange, ...]
    changes: tuple[Change, ...]
    whole: Whole | None

    def count(self, kind: ChangeKind) -> int:
        return sum(change.kind is kind for change in self.changes)

    @property
    def flips(self) -> int:
        return self.flagged.gained + self.flagged.lost


@dataclass(frozen=True, slots=True)
class DiffReport:
    """One comparison. `golden` names the files, without their folders; none if the source was drawn from, with `seed`.

    But for `run_id`, and times in what a roll-out would take, it is the same whenever both judges give the same answers
    to the same items.
    """

    run_id: str
    job: str
    judge_before: str
    judge_after: str
    golden: tuple[str, ...]
    seed: int | None
    policies: tuple[PolicyDiff, ...]


def diff_report(chosen: Chosen, before: Asked, after: Asked, *, run_id: str, seed: int) -> DiffReport:
    """Put both sides' answers together. Raises TransientError or FatalError if past runs can't be read."""
    was, now = chosen.sides.judges
    return DiffReport(
        run_id=run_id,
        job=chosen.sides.before.config.name,
        judge_before=was,
        judge_after=now,
        golden=chosen.files,
        seed=None if chosen.population is None else seed,
        policies=tuple(_policy(chosen, before, after, *pair) for pair in chosen.sides.pairs),
    )


@dataclass(frozen=True, slots=True)
class _Both:
    """An item with what both sides say of it under one policy."""

    item: GoldenItem
    expected: bool | None
    before: Said
    after: Said

    def pair(self, what: Callable[[Judged], bool | None]) -> Pair:
        return Pair(self.item.id, self.item.group, what(self.before.judged), what(self.after.judged))


def _policy(chosen: Chosen, before: Asked, after: Asked, old: Policy, new: Policy) -> PolicyDiff:
    both = [
        _Both(item, each.violation, before.said[item.id, old.id], after.said[item.id, old.id])
        for item in chosen.items
        for each in item.expected
        if each.policy_id == old.id
    ]
    changes = _changes(both, chosen.population.copies if chosen.population else {})
    return PolicyDiff(
        policy_id=old.id,
        text=_text(old, new),
        before=_side(old, [each.before for each in both]),
        after=_side(new, [each.after for each in both]),
        items=len(both),
        unknown=sum(each.expected is None for each in both),
        flagged=compare([each.pair(lambda judged: judged.violation) for each in both]),
        right=_right(both),
        rules=_rules(both, dict.fromkeys((*old.rule_ids, *new.rule_ids))),
        changes=changes,
        whole=_whole(chosen, both, changes, old, new),
    )


def _text(old: Policy, new: Policy) -> tuple[str, ...]:
    (was, was_called), (now, now_called) = (
        (policy.text.splitlines(), f"{policy.id} {policy.version}") for policy in (old, new)
    )
    return tuple(difflib.unified_diff(was, now, was_called, now_called, lineterm="", n=_CONTEXT_LINES))


def _side(policy: Policy, said: Sequence[Said]) -> SideReport:
    rejected = Counter(each.judged.reason for each in said if each.judged.violation is None)
    recalled = sum(each.recalled for each in said)
    return SideReport(policy.version, policy.hash, dict(sorted(rejected.items())), recalled, *tokens_a_case(said))


def _right(both: Iterable[_Both]) -> Comparison | None:
    labelled = [each for each in both if each.expected is not None]
    if not labelled:
        return None
    return compare([each.pair(_agrees_with(each.expected)) for each in labelled])


def _agrees_with(label: bool | None) -> Callable[[Judged], bool]:
    return lambda judged: judged.violation is label


def _rules(both: Sequence[_Both], rule_ids: Iterable[str]) -> tuple[RuleChange, ...]:
    def cites(rule_id: str) -> Callable[[Judged], bool | None]:
        return lambda judged: None if judged.violation is None else rule_id in judged.rule_ids

    return tuple(RuleChange(name, compare([each.pair(cites(name)) for each in both])) for name in rule_ids)


def _whole(chosen: Chosen, both: Sequence[_Both], changes: Iterable[Change], old: Policy, new: Policy) -> Whole | None:
    if chosen.population is None or not both:
        return None
    ids = {kind: [each.item_id for each in changes if each.kind is kind] for kind in ChangeKind}
    flipped, job = Flipped(ids[ChangeKind.GAINED], ids[ChangeKind.LOST]), chosen.sides.after
    said = [each.after for each in both]
    return whole_of(chosen.population, kinds_of(old, new), said, flipped, pace_of(job, new), job)


def _changes(both: Iterable[_Both], copies: Mapping[str, int]) -> tuple[Change, ...]:
    found = [
        _change(kind, each, copies.get(each.item.id, 1))
        for each in both
        if (kind := _kind(each.before.judged, each.after.judged)) is not None
    ]
    return tuple(sorted(found, key=_most_first))


def _kind(before: Judged, after: Judged) -> ChangeKind | None:
    if before.violation is None or after.violation is None:
        if before.violation is after.violation:
            return None
        return ChangeKind.REJECTED if after.violation is None else ChangeKind.RECOVERED
    if before.violation is not after.violation:
        return ChangeKind.GAINED if after.violation else ChangeKind.LOST
    outcomes = [(set(each.rule_ids), each.severity, each.action) for each in (before, after)]
    return None if outcomes[0] == outcomes[1] else ChangeKind.SHIFTED


def _change(kind: ChangeKind, both: _Both, copies: int) -> Change:
    before, after = both.before.judged, both.after.judged
    right = [side.violation is both.expected for side in (before, after)]
    return Change(
        kind=kind,
        item_id=both.item.id,
        expected=both.expected,
        improved=None if both.expected is None or right[0] == right[1] else right[1],
        copies=copies,
        content="\n".join(turn.content for turn in both.item.judged).encode("utf-8", "backslashreplace").decode(),
        note=both.item.note,
        before=before,
        after=after,
    )


def _most_first(change: Change) -> tuple[int, int, int, float, int, str]:
    """Flips, then other outcomes, then rejections; of each the farthest step in severity, then in action, then in
    score, then what both sides were surest of."""
    sides = (change.before, change.after)
    group = {ChangeKind.GAINED: 0, ChangeKind.LOST: 0, ChangeKind.SHIFTED: 1}.get(change.kind, 2)
    severity, severity_after = (side.severity or 0 for side in sides)
    action, action_after = (_ACTIONS.get(side.action, 0) for side in sides)
    scores = [side.score for side in sides if side.score is not None]
    score = abs(scores[1] - scores[0]) if len(scores) == len(sides) else 0.0
    sure = sum(_CONFIDENCES.index(side.confidence) for side in sides if side.confidence in _CONFIDENCES)
    steps = (-abs(severity_after - severity), -abs(action_after - action))
    return (group, *steps, -score, -sure, change.item_id)
