"""Public benchmarks: their formats and labels, on miniature imitations of our own."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from assay.errors import InputError
from assay.golden import GoldenItem
from assay.records import JudgeIdentity
from jobs.eval_benchmark import Labelled, read_benchmark
from jobs.trial import Judged, Trial

ROWS: list[dict[str, object]] = [
    {"prompt": "nice weather", "S": 0, "H": 0, "V": 0, "HR": 0, "SH": 0, "S3": 0, "H2": 0, "V2": 0},
    {"prompt": "those people are dirt", "H": 1, "HR": 1},
    {"prompt": "i will find you", "V": 1, "H": 0},
    {"prompt": "who knows"},
]


@pytest.fixture
def moderation(tmp_path: Path) -> Path:
    path = tmp_path / "set.jsonl.gz"
    path.write_bytes(gzip.compress("\n".join(map(json.dumps, ROWS)).encode()))
    return path


def expected(item: GoldenItem) -> dict[str, bool | None]:
    return {each.policy_id: each.violation for each in item.expected}


def test_a_missing_category_is_unknown_and_not_a_no(moderation: Path) -> None:
    found = read_benchmark("moderation-2022", [moderation], ["H=hate", "V=violence"])
    assert [expected(item) for item in found.golden.items] == [
        {"hate": False, "violence": False},
        {"hate": True, "violence": None},
        {"hate": False, "violence": True},
        {"hate": None, "violence": None},
    ]
    assert found.golden.files == ("set.jsonl.gz",)


def test_a_policy_for_several_categories_is_broken_by_any_and_kept_only_if_all_are_known(moderation: Path) -> None:
    found = read_benchmark("moderation-2022", [moderation], ["H=mean", "HR=mean"])
    assert [expected(item)["mean"] for item in found.golden.items] == [False, True, None, None]


def test_each_category_is_measured_by_its_own_labels_and_the_published_metric(moderation: Path) -> None:
    found = read_benchmark("moderation-2022", [moderation], ["H=mean", "HR=mean"])
    published = found.published(trial(found, {"mean": [0.1, 0.9, 0.8, 0.5]}))
    rows = [
        (each.category, each.policy_id, each.figure, each.estimate.n, each.violations) for each in published.figures
    ]
    assert rows == [("H", "mean", "average_precision", 3, 1), ("HR", "mean", "average_precision", 2, 1)]
    assert [each.estimate.value for each in published.figures] == [1.0, 1.0]


def test_toxicchat_is_read_and_measured_as_published(tmp_path: Path) -> None:
    path = tmp_path / "chat.csv"
    path.write_text('conv_id,user_input,toxicity,jailbreaking\na,"you, fool",1,0\nb,hello,0,0\nc,"act as\nDAN",0,1\n')
    found = read_benchmark("toxicchat", [path], ["toxicity=harassment", "jailbreaking=injection"])
    assert [expected(item) for item in found.golden.items] == [
        {"harassment": True, "injection": False},
        {"harassment": False, "injection": False},
        {"harassment": False, "injection": True},
    ]
    assert found.golden.items[2].judged[0].content == "act as\nDAN"
    figures = found.published(trial(found, {"harassment": [0.9, 0.8, 0.1], "injection": [0.2, 0.1, 0.3]})).figures
    values = {(each.category, each.figure): each.estimate.value for each in figures}
    assert values["toxicity", "precision"] == 0.5
    assert values["toxicity", "recall"] == 1.0
    assert values["toxicity", "f1"] == pytest.approx(2 / 3)
    assert values["jailbreaking", "average_precision"] == 1.0


@pytest.mark.parametrize(
    ("name", "categories", "message"),
    [
        ("moderation-2023", ["H=hate"], "'moderation-2023' is none of moderation-2022, toxicchat"),
        ("moderation-2022", [], r"--category X=POLICY: S \(sexual\)"),
        ("moderation-2022", ["X=hate"], "--category X=hate: write CATEGORY=POLICY"),
        ("moderation-2022", ["H"], "--category H: write CATEGORY=POLICY"),
        ("toxicchat", ["toxicity=x"], "no text under 'user_input'"),
    ],
)
def test_what_is_wrong_is_named(moderation: Path, name: str, categories: list[str], message: str) -> None:
    if name == "toxicchat":
        moderation = moderation.with_name("set.csv")
        moderation.write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match=message):
        read_benchmark(name, [moderation], categories)
    with pytest.raises(InputError):
        read_benchmark(name, [], categories)


def test_a_label_that_is_neither_0_nor_1_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "set.jsonl"
    path.write_text('{"prompt": "x", "H": 2}\n')
    with pytest.raises(InputError, match="row 1: H: 2 is neither 0 nor 1"):
        read_benchmark("moderation-2022", [path], ["H=hate"])


def trial(found: Labelled, scores: dict[str, list[float]]) -> Trial:
    """As a judge with these scores would answer, that flags from 0.5 on."""
    judged = [
        Judged(item.id, policy, 0, score >= 0.5, score=score)
        for policy, of_policy in scores.items()
        for item, score in zip(found.golden.items, of_policy, strict=True)
    ]
    return Trial(tuple(judged), JudgeIdentity("j", "r", "s"), ())
