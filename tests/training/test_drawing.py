"""What a step is shown follows from seed, step and place; labels are balanced; only what is safe to say is said."""

from __future__ import annotations

import json
import random
from collections import Counter

import pytest

from actors.grammar import contract_grammar
from actors.prompt import Layout
from assay.errors import InputError
from tests.training.mini_data import write_data
from training.answers import answer
from training.composing import worded
from training.contents import Content
from training.drawing import ALLOWED_UNDER, FIRST, FIRST_SHARE, MODES, Drawer, shorten
from training.sources import contents_of, read_all
from training.splits import Part
from training.wordings import banks


@pytest.fixture(scope="module")
def contents(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Content]]:
    return contents_of(read_all(write_data(tmp_path_factory.mktemp("data"))), Part.TRAIN)


def test_a_pack_follows_from_seed_step_and_place(contents: dict[str, list[Content]]) -> None:
    one, same, other = Drawer(contents, Part.TRAIN, 1), Drawer(contents, Part.TRAIN, 1), Drawer(contents, Part.TRAIN, 2)
    drawn = [one.draw(step, 0) for step in range(12)]
    assert drawn == [same.draw(step, 0) for step in range(12)]
    assert drawn != [other.draw(step, 0) for step in range(12)]
    assert one.draw(3, 0) != one.draw(3, 1)


def test_labels_are_balanced_and_cited_rules_are_the_policys(contents: dict[str, list[Content]]) -> None:
    drawer = Drawer(contents, Part.TRAIN, 0)
    drawn = [drawer.draw(step, 0) for step in range(150)]
    assert {each.mode for each in drawn} == set(MODES)
    for each in drawn:
        labels = Counter(bool(shot.broken) for shot in each.shots)
        assert labels[True] == labels[False] > 0
        assert all(set(shot.broken) <= set(each.worded.policy.rule_ids) for shot in each.shots)


def test_a_run_begins_with_policies_that_do_not_contradict_each_other(contents: dict[str, list[Content]]) -> None:
    drawer = Drawer(contents, Part.TRAIN, 0)
    early = {drawer.draw(step, 0, done=FIRST_SHARE / 2).mode for step in range(150)}
    late = {drawer.draw(step, 0, done=FIRST_SHARE).mode for step in range(150)}
    assert early == FIRST.keys()
    assert late == MODES.keys()


def test_no_unseen_wording_is_trained_on(contents: dict[str, list[Content]]) -> None:
    drawer = Drawer(contents, Part.TRAIN, 0)
    styles = {(each.worded.task, each.worded.style) for each in (drawer.draw(step, 0) for step in range(150))}
    kept = {(task, wording.name) for task, bank in banks().items() for wording in bank.wordings if wording.unseen}
    assert kept.isdisjoint(styles)
    assert drawer.drawn("real", "hate", random.Random(0), unseen=True).worded.style == "club"


def test_swapped_content_is_allowed_whatever_its_own_labels_say(contents: dict[str, list[Content]]) -> None:
    drawer = Drawer(contents, Part.TRAIN, 0)
    known = {each.group: each for source in ALLOWED_UNDER["spam"] for each in contents[source]}
    seen = Counter[bool]()
    for seed in range(30):
        drawn = drawer.drawn("swapped", "spam", random.Random(seed))
        foreign = [known.get(shot.group) for shot in drawn.shots if not shot.broken]
        assert foreign
        assert all(foreign)
        seen.update(bool(each and each.tags) for each in foreign)
    assert seen[True]
    assert seen[False]


def test_content_of_a_pack_has_one_layout(contents: dict[str, list[Content]]) -> None:
    drawer = Drawer(contents, Part.TRAIN, 0)
    for step in range(80):
        drawn = drawer.draw(step, 0)
        as_turns = [shot.shown.startswith('{"part":') for shot in drawn.shots]
        assert all(as_turns) if drawn.layout is Layout.TURNS else not any(as_turns)


def test_a_policy_for_texts_and_chats_is_shown_with_texts_alone_and_with_chats(
    contents: dict[str, list[Content]],
) -> None:
    drawer = Drawer(contents, Part.TRAIN, 0)
    for mode, task in (("real", "injection"), ("swapped", "injection"), ("swapped", "spam")):
        layouts = Counter(drawer.drawn(mode, task, random.Random(seed)).layout for seed in range(40))
        assert min(layouts[Layout.TEXT], layouts[Layout.TURNS]) > 5, (mode, task, layouts)


def test_a_source_without_contents_is_named(contents: dict[str, list[Content]]) -> None:
    with pytest.raises(InputError, match="no contents to train on from sms"):
        Drawer(contents | {"sms": []}, Part.TRAIN, 0)


def test_the_middle_of_a_long_turn_is_left_out() -> None:
    assert shorten("short", 100) == "short"
    assert shorten("a" * 300 + "b" * 300, 100) == "a" * 60 + " ... " + "b" * 40


def test_answers_keep_the_contract() -> None:
    bank = banks()["injection"]
    for seed in range(100):
        rng = random.Random(seed)
        policy = worded(bank, rng.choice(bank.wordings), rng).policy
        broken = policy.rule_ids[: rng.randrange(3)]
        said = answer(policy, broken, True, 80, rng)
        found = json.loads(said)
        assert list(found) == ["violation", "rule_ids", "confidence", "rationale"]
        assert (found["violation"], found["rule_ids"]) == (int(bool(broken)), list(broken))
        assert 0 < len(found["rationale"]) <= 80
        assert "\\" not in said
        assert all(rule_id in contract_grammar(policy, 80) for rule_id in broken)
