"""The policies that ship with the project: of a size that a judge reads well, and at one with their golden files."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from openai_harmony import HarmonyEncodingName, load_harmony_encoding

from assay.golden import GoldenItem
from assay.policy import load_policy
from assay.records import Action, ItemKind
from authoring.golden_file import read_golden
from authoring.lint_policies import lint_policies, load_policies

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "configs" / "policies"
FILES = sorted(FOLDER.rglob("*.md"))
PAGE = (ROOT / "docs" / "shipped_policies.md").read_text(encoding="utf-8")
LEAST_SHARE = 0.4  # of golden items that each class has

for_each_policy = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


def golden(path: Path) -> tuple[GoldenItem, ...]:
    """The golden items of a policy, without its id at hand: each row has to name it."""
    file = load_policy(path).golden
    assert isinstance(file, str)
    return read_golden(path.parent / file)


def expected_rules(items: tuple[GoldenItem, ...]) -> Counter[str]:
    return Counter(rule for item in items for each in item.expected for rule in each.rule_ids)


def classes(items: tuple[GoldenItem, ...]) -> Counter[bool | None]:
    return Counter(each.violation for item in items for each in item.expected)


def words(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))


def contents(item: GoldenItem) -> str:
    return words(" ".join(turn.content for turn in (*item.context, *item.judged)))


@for_each_policy
def test_a_policy_is_complete(path: Path) -> None:
    policy = load_policy(path)
    assert policy.id == "-".join(path.relative_to(FOLDER).with_suffix("").parts)
    assert policy.title
    assert len(policy.rules) >= 6
    for rule in policy.rules:
        assert rule.label
        assert rule.text
        assert rule.severity > 0
        assert rule.action is not Action.ALLOW
    assert set(policy.precedence) in (set(), set(policy.rule_ids))
    headings = re.findall(r"^# (.+)$", policy.prose, re.MULTILINE)
    assert headings == ["Instruction", "Definitions", "Criteria", "Examples"]


@for_each_policy
def test_outcomes_are_graduated(path: Path) -> None:
    rules = load_policy(path).rules
    assert len({rule.severity for rule in rules}) >= 3
    assert len({rule.action for rule in rules}) >= 3


@for_each_policy
def test_the_prose_explains_every_rule_and_shows_both_classes(path: Path) -> None:
    policy = load_policy(path)
    criteria = re.split(r"^# Examples$", policy.prose, flags=re.MULTILINE)[0]
    assert re.findall(r"^- ([A-Z]+\d+):", criteria, re.MULTILINE) == list(policy.rule_ids)
    assert criteria.index("Violates:") < criteria.index("Does not violate:")
    for violation in (True, False):
        shown = [example for example in policy.examples if example.violation is violation]
        assert len(shown) >= 3
        assert all(bool(example.rule_ids) is violation for example in shown)
        assert {rule for example in shown for rule in example.rule_ids} <= set(policy.rule_ids)


@for_each_policy
def test_the_prose_is_300_to_600_tokens_and_leaves_the_output_format_alone(path: Path) -> None:
    policy = load_policy(path)
    tokens = load_harmony_encoding(HarmonyEncodingName.HARMONY_GPT_OSS).encode(policy.prose)
    assert 300 <= len(tokens) <= 600
    assert not re.search(r"json|output format|respond with|rationale", policy.prose, re.IGNORECASE)
    assert policy.text.isascii()


@for_each_policy
def test_the_golden_items_are_of_both_classes_of_every_kind_and_in_several_languages(path: Path) -> None:
    items = golden(path)
    assert len(items) >= 20
    counted = classes(items)
    assert set(counted) == {True, False}
    assert min(counted.values()) >= LEAST_SHARE * len(items)
    kinds = Counter(item.kind for item in items)
    assert kinds[ItemKind.COMPLETION] >= 3
    assert kinds[ItemKind.CHAT] >= 1
    assert sum(dict(item.carried)["lang"] != "en" for item in items) >= 4


@for_each_policy
def test_every_rule_is_expected_and_every_expected_rule_is_there(path: Path) -> None:
    policy, items = load_policy(path), golden(path)
    assert {each.policy_id for item in items for each in item.expected} == {policy.id}
    expected = expected_rules(items)
    assert set(expected) == set(policy.rule_ids)
    assert min(expected.values()) >= 2
    assert all(bool(each.rule_ids) is each.violation for item in items for each in item.expected)


def test_no_golden_item_is_there_twice_or_stands_in_a_policy() -> None:
    items = [item for path in FILES for item in golden(path)]
    assert len({item.id for item in items}) == len(items)
    seen = Counter(contents(item) for item in items)
    assert [text for text, count in seen.items() if count > 1] == []
    assert {words(example.text) for path in FILES for example in load_policy(path).examples} & set(seen) == set()


def test_assay_check_has_nothing_to_say() -> None:
    findings = lint_policies(load_policies(FOLDER))
    assert [f"{each.path}:{each.line}: {each.code} {each.message}" for each in findings if not each.silenced] == []


def test_reserved_numbers_and_addresses_only() -> None:
    for text in (item.judged[-1].content for path in FILES for item in golden(path)):
        assert re.findall(r"@(?!example\.|domain)[\w-]+\.\w+", text) == []
        assert re.findall(r"\b\w[\w-]*\.(?:com|net|org|info|io|shop)\b", text.replace("example.com", "")) == []


def test_a_person_in_danger_is_never_blocked_but_one_who_urges_them_is() -> None:
    policy = load_policy(FOLDER / "self-harm.md")
    for rule in set(policy.rule_ids) - {"L1"}:
        assert policy.consequence([rule, "L6"]) == (4, Action.REVIEW)
    assert policy.consequence(["L1", "L6"]) == (4, Action.BLOCK)
    assert policy.consequence(["L7"]) == (1, Action.WARN)


@pytest.mark.parametrize(("name", "rule"), [("body-ideals", "BI8"), ("dangerous-content", "DA9")])
def test_a_teen_who_asks_how_to_hurt_themselves_is_not_blocked(name: str, rule: str) -> None:
    assert load_policy(FOLDER / "teen" / f"{name}.md").consequence([rule]).action is Action.REVIEW


def test_the_page_names_the_policies_that_escalate() -> None:
    told = words(PAGE.split("**Escalation.**")[1].split("\n- **")[0])
    assert {path.stem for path in FILES if words(path.stem.replace("-", " ")) in told} == {
        path.stem for path in FILES if load_policy(path).escalate is not None
    }


def test_the_page_tells_what_is_there() -> None:
    told = re.findall(r"^\| `([a-z-]+)` \| .+? \| (\d+) \| (\d+) \| (\d+) \|$", PAGE, re.MULTILINE)
    assert sorted(told) == sorted(_page_rows())


def _page_rows() -> Iterator[tuple[str, str, str, str]]:
    for path in FILES:
        policy = load_policy(path)
        counted = classes(golden(path))
        yield policy.id, str(len(policy.rules)), str(counted[True]), str(counted[False])
