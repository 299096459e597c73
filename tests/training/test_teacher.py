"""The teacher: its opinions come from other contents, and become chances under any policy, half of what is shown."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from assay.errors import InputError
from tests.training.mini_data import write_data
from training.composing import inverted
from training.contents import Content, key_of, text
from training.drawing import TEACHER_WEIGHT, Drawer
from training.sources import Labelled, contents_of, read_all
from training.splits import Part
from training.teacher import NOBODY, Opinion, Teacher, main, opinions, read_teacher
from training.wordings import Worded, as_shipped, banks, shipped

SPAM = ("spam",)


def listed(words: str, spam: bool) -> Labelled:
    content = text("sms", words, SPAM if spam else ())
    return Labelled(content, content.shown, key_of(content.shown), content.group, Part.TRAIN)


def told(said: list[Opinion], contents: list[Labelled]) -> tuple[list[bool], list[float]]:
    chances = {each.key: each.chance for each in said if each.tags == list(SPAM)}
    return [bool(each.content.tags) for each in contents], [chances[each.key] for each in contents]


def test_an_opinion_is_learned_from_others_alone() -> None:
    """Words that occur once tell nothing about other contents; learned from themselves they would tell everything."""
    rng = random.Random(0)
    contents = [listed(f"word{'abcdefghij'[n % 10]}{'klmnopqrst'[n // 10]}", rng.random() < 0.5) for n in range(80)]
    assert 0.2 < roc_auc_score(*told(opinions("sms", contents), contents)) < 0.8


def test_it_learns_what_words_say() -> None:
    contents = [
        listed(f"{'prize' if n % 3 else 'lunch'} number {chr(97 + n % 26)}{n // 26}", n % 3 > 0) for n in range(90)
    ]
    assert roc_auc_score(*told(opinions("sms", contents), contents)) > 0.99


def a_teacher(*chances: float) -> tuple[Teacher, list[Content]]:
    contents = [text("sms", f"message {chr(97 + n)}", ()) for n in range(len(chances))]
    said = [
        Opinion("sms", key_of(each.shown), list(tags), chance)
        for each, spam in zip(contents, chances, strict=True)
        for tags, chance in ((SPAM, spam), ((), 1 - spam))
    ]
    return Teacher(said), contents


def the_policy() -> Worded:
    each = shipped()["spam"]
    return as_shipped(
        each.model_copy(update={"sources": ("sms",), "rules": each.rules[:1], "unclear": ()}), each.policy
    )


def test_what_is_as_likely_as_usual_is_even() -> None:
    teacher, contents = a_teacher(0.1, 0.2, 0.3)
    under = banks()["spam"]
    policy = inverted(under.model_copy(update={"sources": ("sms",)}), random.Random(0))
    found = [teacher.chance(policy, each) for each in contents]
    assert found[1] == pytest.approx(0.5)
    assert found[0] == pytest.approx(
        1 - (0.1 / 0.9) / (0.1 / 0.9 + 0.2 / 0.8)
    )  # turned round: less spam, more violation
    assert found[2] < 0.5 < found[0]


def test_it_has_no_opinion_of_what_it_does_not_know() -> None:
    teacher, _ = a_teacher(0.1, 0.9)
    assert teacher.chance(the_policy(), text("sms", "something else", ())) is None
    assert NOBODY.chance(the_policy(), text("sms", "message a", ())) is None


def test_targets_lie_between_label_and_opinion(tmp_path: Path) -> None:
    data = write_data(tmp_path / "data")
    main(data, tmp_path)
    contents = contents_of(read_all(data), Part.TRAIN)
    soft, hard = (Drawer(contents, Part.TRAIN, 0, each) for each in (read_teacher(tmp_path), NOBODY))
    moved = []
    for step in range(30):
        one, other = soft.draw(step, 0), hard.draw(step, 0)
        assert [shot.shown for shot in one.shots] == [shot.shown for shot in other.shots]
        labels = np.array([shot.target for shot in other.shots])
        assert set(labels) <= {0.0, 1.0}
        away = abs(np.array([shot.target for shot in one.shots]) - labels)
        assert (away <= TEACHER_WEIGHT).all()
        moved.append((one.mode, bool(away.any())))
    assert {mode for mode, any_moved in moved if any_moved} == {"real", "inverted"}


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"training\.teacher"):
        read_teacher(tmp_path)
