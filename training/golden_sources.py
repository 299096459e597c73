"""The golden items that assay ships, as cases: split like all content, or unseen where their policy is untrained."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from actors.prompt import Layout, instructions
from actors.small_judge_model import RATIONALE_CHARS
from assay.golden import GoldenItem
from assay.policy import Policy, load_policy
from authoring.golden_file import read_golden
from training.cases import CaseRow, PolicyRow
from training.contents import Content, key_of
from training.splits import Part, part_of
from training.wordings import SHIPPED, Shipped, ShippedRule

GOLDEN = SHIPPED.parent / "golden"
TRAINED = ("spam", "harassment", "violence", "prompt-injection")
"""Policies whose subject is trained on. The others, and the teen pack, are never seen before they are measured."""

TASK = "goldens"


def golden_cases() -> tuple[list[CaseRow], list[PolicyRow]]:
    """Every golden item with a label for the policy it was written for, and these policies."""
    cases: list[CaseRow] = []
    policies: list[PolicyRow] = []
    for path, policy in _policies():
        text = instructions(policy, Layout.TEXT, RATIONALE_CHARS)
        policies.append(PolicyRow(policy.hash, policy.id, TASK, "shipped", text, policy.text))
        for item in read_golden(path, policy_id=policy.id):
            cases += _cases(item, policy)
    return cases, policies


def golden_contents(part: Part) -> dict[str, list[Content]]:
    """The items of one part, by the id of the trained policy; `policy:rule` for each rule broken as their tags."""
    found: dict[str, list[Content]] = {name: [] for name in TRAINED}
    for path, policy in _policies():
        for item in read_golden(path, policy_id=policy.id) if policy.id in TRAINED else ():
            content = _content(item, policy.id)
            if part_of(content.group) is part and any(each.violation is not None for each in item.expected):
                found[policy.id].append(content)
    return found


def golden_policy(policy_id: str) -> Shipped:
    """A trained policy, each of its rules broken by the items that say so."""
    policy = load_policy(SHIPPED / f"{policy_id}.md")
    rules = tuple(ShippedRule(id=rule.id, tags=(f"{policy_id}:{rule.id}",), pattern="") for rule in policy.rules)
    return Shipped(file=f"{policy_id}.md", task=TASK, sources=(policy_id,), unclear=(), rules=rules)


def _content(item: GoldenItem, policy_id: str) -> Content:
    rules = [each.rule_ids for each in item.expected if each.policy_id == policy_id and each.violation]
    tags = tuple(f"{policy_id}:{rule_id}" for listed in rules for rule_id in listed)
    return Content("golden", item.kind, item.judged, tags, item.context)


def _policies() -> Iterator[tuple[Path, Policy]]:
    for path in sorted(GOLDEN.rglob("*.csv")):
        yield path, load_policy(SHIPPED / path.relative_to(GOLDEN).with_suffix(".md"))


def _cases(item: GoldenItem, policy: Policy) -> Iterator[CaseRow]:
    content = _content(item, policy.id)
    group, shown = content.group, content.shown
    part = part_of(group).value if policy.id in TRAINED else "unseen"
    about = (TASK, part, policy.id, policy.hash, key_of(shown), group, content.kind.value, shown)
    for expected in item.expected:
        if expected.policy_id == policy.id and expected.violation is not None:
            yield CaseRow(*about, expected.violation, [*expected.rule_ids])
