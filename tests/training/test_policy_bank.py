"""Policies out of the bank: whatever their form and ids, what violates them is known."""

from __future__ import annotations

import random
import re

import pytest

from actors.prompt import Layout, instructions
from assay.policy import Policy
from training.attributes import attribute_policy, attributes, with_attributes
from training.composing import FORMS, inverted, renamed, worded
from training.contents import Content, text
from training.wordings import as_shipped, banks, shipped


def tagged(*tags: str) -> Content:
    return text("edos", "some words", tags)


@pytest.mark.parametrize("task", sorted(banks()))
def test_each_task_has_six_wordings_and_one_of_them_is_kept_back(task: str) -> None:
    bank = banks()[task]
    assert len(bank.wordings) >= 6
    assert any(wording.unseen for wording in bank.wordings)
    assert len({wording.instruction for wording in bank.wordings}) == len(bank.wordings)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("task", sorted(banks()))
def test_every_wording_can_be_composed_in_every_form(task: str, form: str) -> None:
    for wording in banks()[task].wordings:
        for seed in range(5):
            found = worded(banks()[task], wording, random.Random(seed), form)
            assert {each.rule_id for each in found.breaks} == set(found.policy.rule_ids)
            assert all(rule.text in instructions(found.policy, Layout.TEXT, 80) for rule in found.policy.rules)
            for rule in wording.rules:
                assert found.broken(tagged(*rule.tags))
            assert found.broken(tagged()) == ()


def test_ids_and_order_differ_from_draw_to_draw() -> None:
    bank = banks()["sexism"]
    drawn = [worded(bank, bank.wordings[0], random.Random(seed)).policy.rules for seed in range(40)]
    assert len({tuple(rule.id for rule in rules) for rules in drawn}) > 25
    assert len({tuple(rule.text for rule in rules) for rules in drawn}) > 10


def test_a_rule_is_cited_by_its_drawn_id() -> None:
    bank = banks()["sexism"]
    for seed in range(20):
        found = worded(bank, bank.wordings[0], random.Random(seed))
        (cited,) = found.broken(tagged("sexist", "threats"))
        assert next(rule for rule in found.policy.rules if rule.id == cited).label == "threats"


@pytest.mark.parametrize("task", sorted(banks()))
def test_an_inverted_policy_turns_every_label_round(task: str) -> None:
    bank = banks()[task]
    for seed in range(10):
        turned = inverted(bank, random.Random(seed))
        assert turned.broken(tagged()) == turned.policy.rule_ids
        for tag in {tag for wording in bank.wordings for rule in wording.rules for tag in rule.tags}:
            assert turned.broken(tagged(tag)) == ()


def test_a_policy_about_one_category_allows_the_others() -> None:
    bank = banks()["dialogue"]
    danger = next(wording for wording in bank.wordings if wording.name == "danger")
    found = worded(bank, danger, random.Random(0))
    assert found.broken(tagged("risk"))
    assert not found.broken(tagged("offending"))


@pytest.mark.parametrize("policy_id", sorted(shipped()))
def test_a_renamed_shipped_policy_says_the_same_with_other_ids(policy_id: str) -> None:
    each = shipped()[policy_id]
    for seed in range(15):
        found = renamed(each, random.Random(seed))
        ids = {rule.text: rule.id for rule in found.policy.rules}
        if not all(any(letter.isdigit() for letter in rule_id) for rule_id in found.policy.rule_ids):
            continue  # named after labels, whose words are in the prose as well
        back = _with_ids(found.policy, {ids[rule.text]: rule.id for rule in each.policy.rules})
        assert back == each.policy.prose
        for rule in each.rules:
            one = as_shipped(each, each.policy).broken(tagged(*rule.tags))
            other = found.broken(tagged(*rule.tags))
            texts = [[r.text for r in p.rules if r.id in ids] for p, ids in ((each.policy, one), (found.policy, other))]
            assert texts[0] == texts[1] != []


def _with_ids(policy: Policy, names: dict[str, str]) -> str:
    longest = sorted(names, key=len, reverse=True)
    return re.sub(
        "|".join(rf"(?<![\w.-]){re.escape(name)}(?![\w-])" for name in longest), lambda m: names[m[0]], policy.prose
    )


def test_what_is_unclear_under_a_policy_is_not_shown() -> None:
    found = as_shipped(shipped()["harassment"], shipped()["harassment"].policy)
    assert not found.fits(tagged("offensive"))
    assert found.fits(tagged("hate"))


ATTRIBUTES = {
    "see www.a.example": {"link"},
    "room 12": {"number"},
    "is it late?": {"question"},
    "it is LATE now": {"shouting"},
    "your bag": {"you"},
    "@anna hello": {"mention"},
    "#fun": {"hashtag"},
    "my sister": {"first", "family"},
    "never mind": {"negation"},
    "word " * 30: {"long"},
    "the youth of yore": set(),
}


@pytest.mark.parametrize(("words", "expected"), ATTRIBUTES.items())
def test_attributes_are_found_in_the_text(words: str, expected: set[str]) -> None:
    assert set(with_attributes(text("sms", words, ("spam",))).tags) - {"short"} == expected


def test_attribute_policies_follow_the_attributes() -> None:
    asking = with_attributes(text("sms", "Why?", ()))
    for seed in range(60):
        found = attribute_policy(random.Random(seed))
        names = found.policy.id.removeprefix("attribute-").removesuffix("-turned").split("-")
        has_one = not set(names).isdisjoint(asking.tags)
        assert bool(found.broken(asking)) is (has_one != found.inverted)


def test_unseen_attributes_are_kept_apart() -> None:
    kept = {each.name for each in attributes() if each.unseen}
    assert len(kept) >= 3
    drawn = {name for seed in range(300) for name in _names(attribute_policy(random.Random(seed)).policy.id)}
    assert kept.isdisjoint(drawn)
    assert {
        name for seed in range(50) for name in _names(attribute_policy(random.Random(seed), unseen=True).policy.id)
    } <= kept


def _names(policy_id: str) -> list[str]:
    return policy_id.removeprefix("attribute-").removesuffix("-turned").split("-")
