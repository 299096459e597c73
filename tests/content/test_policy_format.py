"""A policy's front matter and prose: what each key comes to, and what is refused by name."""

from __future__ import annotations

import pytest

from assay.errors import InputError
from assay.policy import Policy, parse_policy
from assay.policy_examples import read_examples
from assay.records import Action, Confidence, ItemKind

HEAD = """---
id: a
version: 1
{keys}
rules:
  - {{id: X1, text: mild, severity: 1, action: warn}}
  - {{id: X2, text: grave, severity: 4, action: limit}}
  - {{id: X3, {third}}}
---

# Instruction

Look.

## X3: What is *not* said?

It stays.
"""
LOW, HIGH = Confidence.LOW, Confidence.HIGH


def made(keys: str = "", third: str = "text: plain") -> Policy:
    return parse_policy(HEAD.format(keys=keys, third=third), "a.md")


def test_what_a_rule_does_not_say_comes_from_the_defaults() -> None:
    assert (made().rules[2].severity, made().rules[2].action) == (2, Action.REVIEW)
    third = made("defaults: {severity: 3, action: block}").rules[2]
    assert (third.severity, third.action) == (3, Action.BLOCK)
    own = made("defaults: {severity: 3}", "severity: 0").rules[2]
    assert (own.severity, own.action) == (0, Action.REVIEW)


@pytest.mark.parametrize("heading", ["'X3: What is *not* said?'", "x3-what-is-not-said", "'x3: what is not said'"])
def test_a_rule_may_name_the_heading_that_explains_it(heading: str) -> None:
    assert made(third=f"heading: {heading}").rules[2].text == "What is *not* said?"


def test_the_gravest_of_each_decides_unless_there_is_a_precedence() -> None:
    assert made().consequence(["X1", "X2", "X3"]) == (4, Action.REVIEW)
    assert made("precedence: gravest").consequence(["X1", "X2"]) == (4, Action.LIMIT)
    listed = made("precedence: [X3, X1]")
    assert listed.consequence(["X2", "X1", "X3"]) == (2, Action.REVIEW)
    assert listed.consequence(["X2", "X1"]) == (1, Action.WARN)
    assert listed.consequence(["X2"]) == (4, Action.LIMIT)
    assert listed.consequence([]) == (0, Action.ALLOW)


@pytest.mark.parametrize(
    ("keys", "confidence", "score", "action"),
    [
        ("", LOW, 0.5, Action.WARN),
        ("escalate: {confidence: [low]}", LOW, None, Action.ESCALATE),
        ("escalate: {confidence: [low]}", HIGH, 0.5, Action.WARN),
        ("escalate: {score: [0.35, 0.65]}", HIGH, 0.35, Action.ESCALATE),
        ("escalate: {score: [0.35, 0.65]}", HIGH, 0.65, Action.ESCALATE),
        ("escalate: {score: [0.35, 0.65]}", HIGH, 0.66, Action.WARN),
        ("escalate: {score: [0.35, 0.65]}", LOW, None, Action.WARN),
        ("escalate: {confidence: [low], score: [0.35, 0.65]}", LOW, 0.9, Action.ESCALATE),
    ],
)
def test_an_unsure_verdict_is_escalated_and_keeps_its_severity(
    keys: str, confidence: Confidence, score: float | None, action: Action
) -> None:
    assert made(keys).decide(["X1"], confidence, score) == (1, action)


def test_an_unsure_verdict_of_no_violation_is_escalated_too() -> None:
    assert made("escalate: {confidence: [low]}").decide([], LOW, 0.1) == (0, Action.ESCALATE)


def test_the_kinds_that_a_policy_applies_to_are_all_unless_it_says() -> None:
    assert set(made().applies_to) == set(ItemKind)
    assert made("applies_to: [chat]").applies_to == (ItemKind.CHAT,)


def test_golden_items_are_a_file_or_written_inline() -> None:
    assert made().golden == ()
    assert made("golden: ../golden/a.csv").golden == "../golden/a.csv"
    inline = made("golden: [{text: hello, label: no}, {prompt: a, response: b, label: violates, rules: [X1, X2]}]")
    assert not isinstance(inline.golden, str)
    assert [(each.text or each.response, each.label.lower(), each.rules) for each in inline.golden] == [
        ("hello", "false", ""),
        ("b", "violates", "X1 X2"),
    ]


@pytest.mark.parametrize(
    ("keys", "third", "says"),
    [
        ("defaults: {severity: 5}", "", "a.md: defaults.severity: "),
        ("defaults: {label: x}", "", "a.md: defaults.label: "),
        ("defaults: {action: escalate}", "", "a.md: defaults.action: a rule can't ask for it; key `escalate`"),
        ("", "action: escalate", "a.md: rules.2.action: a rule can't ask for it"),
        ("", "heading: Nowhere", "a.md: rules: X3: heading: 'Nowhere' is no heading of the prose"),
        ("", "text: a, heading: Instruction", "a.md: rules: X3: heading: there is a text too"),
        ("applies_to: [image]", "", "a.md: applies_to.0: "),
        ("applies_to: []", "", "a.md: applies_to: "),
        ("precedence: mildest", "", "a.md: precedence: write gravest, or a list of rule ids"),
        ("precedence: [X1, X9]", "", "a.md: precedence: 'X9' is no rule"),
        ("precedence: [X1, X1]", "", "a.md: precedence: 'X1' is named twice"),
        ("escalate: {}", "", "a.md: escalate: give confidence"),
        ("escalate: {confidence: [none]}", "", "a.md: escalate.confidence.0: "),
        ("escalate: {score: [0.6, 0.4]}", "", "a.md: escalate: score: from 0.6 to 0.4 is no band"),
        ("escalate: {score: [0.6, 1.4]}", "", "a.md: escalate.score.1: "),
        ("golden: [{label: violates}]", "", "a.md: golden.0: no content"),
        ("golden: ''", "", "a.md: golden: "),
        ("prose_line: 3", "", "a.md: prose_line: not a key of the front matter"),
        ("title: !!int ''", "", "a.md: the front matter is not YAML: "),
        ("title: !!bool maybe", "", "a.md: the front matter is not YAML: "),
        ("title: !!timestamp x", "", "a.md: the front matter is not YAML: "),
        ("escalate: {confidence: [high], 1: 2}", "", "a.md: escalate.1: "),
        ('title: "\\ud800"', "", "a.md: title: not valid Unicode"),
        ("", 'text: "\\udc00"', "a.md: rules.2.text: not valid Unicode"),
    ],
)
def test_what_is_wrong_is_refused_by_name(keys: str, third: str, says: str) -> None:
    with pytest.raises(InputError) as caught:
        made(keys, third or "text: plain")
    assert str(caught.value).startswith(says)


BOMB = "&a [x, x, x, x, x, x, x, x, x, x]"
for _name, _of in zip("bcdefghijkl", "abcdefghijk", strict=True):
    BOMB = f"&{_name} [{BOMB}{f', *{_of}' * 9}]"


@pytest.mark.parametrize(
    ("keys", "third", "says"),
    [
        (
            f"golden: [{{text: x, label: yes, rules: {BOMB}}}]",
            "text: a",
            "a.md: golden.0.rules: not a list of rule ids",
        ),
        (f"title: {BOMB}", "text: a", "a.md: title: "),
        (f"x: {BOMB}", "heading: Instruction, id: *l", "a.md: rules.2.id: "),
    ],
)
def test_a_little_yaml_that_stands_for_a_billion_words_is_not_written_out(keys: str, third: str, says: str) -> None:
    with pytest.raises(InputError) as caught:
        made(keys, third)
    assert str(caught.value).startswith(says)


def test_two_headings_of_one_name_are_no_anchor() -> None:
    text = HEAD.format(keys="", third="heading: look") + "\n# Look\n\nHere.\n\n# Look!\n\nThere.\n"
    with pytest.raises(InputError, match="'look' is more than one heading"):
        parse_policy(text, "a.md")


EXAMPLES = """
# Criteria

Violates:

- X1: "not an example" (X1)

# Examples

- "on no side"

**Violates:**

- "plain" (X1)
- "two, \u201cquoted\u201d (inside)" (X1, X3): a remark with "quotes"
- \u201ctypographic\u201d (X2 and X1)
- "he said "now" and left" (X2)
- "over two
  lines" (X9)
- no marks at all (X1), but a remark

Some words end the list.

- "on no side either"

## Does not violate

* "an aside (of two)"
* "a remark" (between friends)
* "a dash" \u2013 and why
"""


def test_examples_are_read_with_their_side_rules_and_lines() -> None:
    found = read_examples(EXAMPLES, ("X1", "X2", "X3"), first_line=10)
    lines = EXAMPLES.splitlines()
    assert [(each.text, each.violation, each.rule_ids) for each in found] == [
        ("plain", True, ("X1",)),
        ("two, \u201cquoted\u201d (inside)", True, ("X1", "X3")),
        ("typographic", True, ("X2", "X1")),
        ('he said "now" and left', True, ("X2",)),
        ("over two lines", True, ("X9",)),
        ("no marks at all", True, ("X1",)),
        ("an aside (of two)", False, ()),
        ("a remark", False, ()),
        ("a dash", False, ()),
    ]
    assert all(each.text.split()[0] in lines[each.line - 10] for each in found)


def test_an_example_s_line_is_that_of_the_file() -> None:
    text = HEAD.format(keys="", third="text: plain") + EXAMPLES
    first = parse_policy(text, "a.md").examples[0]
    assert text.splitlines()[first.line - 1] == '- "plain" (X1)'
    windows = parse_policy(text.replace("\n", "\r\n"), "a.md").examples[0]
    assert windows == first
