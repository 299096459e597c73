"""Lints of a policy's rules: front matter and prose must speak of the same ones, and each must be able to matter."""

from __future__ import annotations

import re
from collections.abc import Iterator

from assay.policy_parts import Rule
from assay.policy_prose import slug
from assay.records import Action, Confidence
from authoring.lint_page import Page
from authoring.lint_records import Hit, Severity, lint

_NUMBERED = re.compile(r"([A-Za-z]+)\d[A-Za-z0-9.]*")
_BEGINS = re.compile(r"\W*(?P<id>[A-Za-z0-9][A-Za-z0-9._-]*?)\W{0,2}:")
_SEVERITY = re.compile(r"\bseverity\s+(?:of\s+|level\s+)?([0-9])\b", re.IGNORECASE)


@lint(
    "P020",
    "criterion without rule",
    Severity.ERROR,
    why="A judge can only cite rules: what breaks a criterion without an id is found allowed, or cited wrongly.",
    way_out="Begin the line with the id of its rule and a colon, and give the rule in the front matter.",
)
def criterion_without_rule(page: Page) -> Iterator[Hit]:
    headed = {slug(rule.text) for rule in page.policy.rules if rule.heading}
    for bullet in page.bullets("criteria", violates=True):
        begins = _BEGINS.match(bullet.text)
        under_rule = any(name and name in slug(bullet.heading) for name in headed)
        if not under_rule and not (begins and begins["id"] in page.policy.rule_ids):
            yield Hit(page.at(bullet.line), f"{bullet.text[:40]!r} belongs to no rule")


@lint(
    "P021",
    "rule not in prose",
    Severity.ERROR,
    why="The judge is told that it can cite the rule, and nothing of when.",
    way_out="Write a criterion that begins with its id, or remove the rule.",
)
def rule_not_in_prose(page: Page) -> Iterator[Hit]:
    for rule in page.policy.rules:
        if not rule.heading and not any(_names(rule.id, line) for _, line in page.said):
            yield Hit(page.rule_line(rule.id), f"the prose never says when {rule.id} is broken")


@lint(
    "P022",
    "undefined label",
    Severity.ERROR,
    why="The judge may cite what it reads, and an answer that cites a rule which the policy lacks is rejected.",
    way_out="Correct the id, or give the rule in the front matter.",
)
def undefined_label(page: Page) -> Iterator[Hit]:
    for example in page.policy.examples:
        for rule_id in example.rule_ids:
            if rule_id not in page.policy.rule_ids:
                yield Hit(example.line, f"the example cites {rule_id}, which is no rule of this policy")
    for number, line in page.said:
        for label in dict.fromkeys(_labels(page, line)):
            yield Hit(number, f"{label} is no rule of this policy")


@lint(
    "P023",
    "rule without words",
    Severity.WARNING,
    why="The list of rules that the judge may cite has only its id, and so have reports.",
    way_out="Give it a text of some words, or a label, or the heading that explains it.",
)
def rule_without_words(page: Page) -> Iterator[Hit]:
    for rule in page.policy.rules:
        if not (rule.text or rule.label):
            yield Hit(page.rule_line(rule.id), f"{rule.id} has neither text nor label")


@lint(
    "P024",
    "unreachable severity",
    Severity.WARNING,
    why="Somebody counts on a severity or action that no verdict can have.",
    way_out="Give it to a rule, or remove it.",
)
def unreachable_severity(page: Page) -> Iterator[Hit]:
    rules, policy = page.policy.rules, page.policy
    for number, line in page.said:
        for found in _SEVERITY.finditer(line):
            if int(found[1]) not in {0, *(rule.severity for rule in rules)}:
                yield Hit(number, f"no rule has severity {found[1]}")
    for key in ("severity", "action"):
        if page.is_set("defaults", key) and all(page.is_set("rules", at, key) for at in range(len(rules))):
            yield Hit(page.key_line("defaults", key), f"every rule has its own {key}: this one is nobody's")
    if policy.escalate and (set(policy.escalate.confidence) == set(Confidence) or policy.escalate.score == (0, 1)):
        yield Hit(page.key_line("escalate"), "every verdict is escalated: no rule's action is ever taken")


@lint(
    "P025",
    "graver rule hidden",
    Severity.NOTE,
    why="Where both are cited the milder rule decides, so that a graver violation has a milder outcome.",
    way_out="Name the graver one first, or write `precedence: gravest`; leave it if that is the purpose.",
)
def graver_rule_hidden(page: Page) -> Iterator[Hit]:
    by_id = {rule.id: rule for rule in page.policy.rules}
    named = [by_id[each] for each in page.policy.precedence]
    unnamed = [rule for rule in page.policy.rules if rule not in named]
    for at, first in enumerate(named):
        graver = [other.id for other in (*named[at + 1 :], *unnamed) if _weight(first) < _weight(other)]
        if graver:
            yield Hit(page.key_line("precedence"), f"{first.id} decides before what is graver: {', '.join(graver)}")


@lint(
    "P026",
    "severity and action at odds",
    Severity.WARNING,
    why="What is harmless needs no action, and what is not is passed over if its action is to allow it.",
    way_out="Give the rule both: severity 0 with allow, or 1 to 4 with warn, limit, review or block.",
)
def severity_and_action_at_odds(page: Page) -> Iterator[Hit]:
    for rule in page.policy.rules:
        if (rule.severity == 0) != (rule.action is Action.ALLOW):
            message = f"{rule.id} has severity {rule.severity} and action {rule.action.value}"
            yield Hit(page.rule_line(rule.id), message)


def _weight(rule: Rule) -> tuple[int, int]:
    return rule.severity, list(Action).index(rule.action)


def _names(rule_id: str, line: str) -> bool:
    return re.search(rf"(?<![\w.-]){re.escape(rule_id)}(?![\w-])", line) is not None


def _labels(page: Page, line: str) -> Iterator[str]:
    """Words of a line that look like the policy's rule ids and are none of them."""
    prefixes = {found[1] for rule_id in page.policy.rule_ids if (found := _NUMBERED.fullmatch(rule_id))}
    for word in re.findall(r"(?<![\w-])[A-Za-z]+\d[\w.]*", line):
        found = _NUMBERED.fullmatch(word.rstrip("."))
        if found and found[1] in prefixes and found[0] not in page.policy.rule_ids:
            yield found[0]


LINTS = (
    criterion_without_rule,
    rule_not_in_prose,
    undefined_label,
    rule_without_words,
    unreachable_severity,
    graver_rule_hidden,
    severity_and_action_at_odds,
)
