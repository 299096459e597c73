"""docs/pay_once.md says what changes the key of a case and what does not: a test for each of its lines."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

import actors.identity
from actors.identity import identify
from assay.config import VllmConfig
from assay.keys import Keys
from assay.policy import parse_policy
from assay.records import Item, ItemKind, JudgeIdentity, Place, Turn

DOC = (Path(__file__).parents[2] / "docs" / "pay_once.md").read_text(encoding="utf-8")
FIRST = "  - {id: S1, text: No promotion, label: promotion, severity: 2, action: limit}"
SECOND = "  - {id: S2, text: No scams, severity: 4, action: block}"
THIRD = "  - {id: S3, text: No chain letters}"
POLICY = f"""---
id: spam
version: "1"
title: Spam
applies_to: [text, completion, chat]
defaults: {{severity: 1, action: warn}}
precedence: [S2, S1]
escalate: {{confidence: [low], score: [0.4, 0.6]}}
golden: spam.csv
rules:
{FIRST}
{SECOND}
{THIRD}
---
Decide whether this is spam. <!-- assay: ignore[P101] for a while -->
Example: BUY NOW is spam.
"""
ITEM = Item(
    "1", ItemKind.COMPLETION, (Turn("assistant", "answer"),), Place("file", "0-10", 3), (Turn("user", "question"),)
)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"model_type": "llama"}))
    (folder / "model.safetensors").write_bytes(bytes(1_000_000))
    return folder


def key(model: Path, policy: str = POLICY, item: Item = ITEM, **settings: object) -> str:
    judge = identify(VllmConfig.model_validate({"kind": "vllm", "model": str(model), **settings}))
    return Keys(judge).case(item, parse_policy(policy, "spam.md")).key


POLICY_EDITS = {
    "a comment in the policy's front matter": [("version:", "# last seen in spring\nversion:")],
    "the policy's title": [("title: Spam", "title: Spam and scams")],
    "the policy's version": [('version: "1"', 'version: "2"')],
    "the policy's id": [("id: spam", "id: scam")],
    "an example in the policy's prose": [("BUY NOW", "CHEAP PILLS")],
    "a rule's text or label": [("No promotion", "No advertising"), ("label: promotion", "label: advert")],
    "a rule's severity or action": [("severity: 2", "severity: 3"), ("action: limit", "action: warn")],
    "the policy's `defaults`": [("{severity: 1", "{severity: 2"), ("action: warn}", "action: review}")],
    "the policy's `precedence`": [("[S2, S1]", "[S1, S2]"), ("[S2, S1]", "gravest")],
    "the policy's `escalate`": [("[low]", "[low, medium]"), ("0.4", "0.3"), ("confidence: [low], ", "")],
    "the policy's `golden` items": [("spam.csv", "others.csv"), ("golden: spam.csv", "golden: [{text: hi}]")],
    "the kinds that it `applies_to`": [("[text, completion, chat]", "[completion]")],
    "a comment for `assay check` in the prose": [("for a while", "for good")],
    "the order of the rules": [(f"{FIRST}\n{SECOND}", f"{SECOND}\n{FIRST}")],
}
SETTINGS: dict[str, list[dict[str, object]]] = {
    "`judge.effort`": [{"effort": "high"}],
    "`judge.temperature`, `top_p`, `seed`": [{"temperature": 0.5}, {"top_p": 0.9}, {"seed": 1}],
    "`judge.max_output_tokens`, `retry_output_tokens`": [{"max_output_tokens": 99}, {"retry_output_tokens": 99}],
    "`judge.max_rationale_chars`": [{"max_rationale_chars": 99}],
    "`judge.normalise`": [{"normalise": True}],
    "`judge.max_model_len`": [{"max_model_len": 999}],
    "`judge.dtype`, `kv_cache_dtype`": [{"dtype": "float32"}, {"kv_cache_dtype": "fp8"}],
    "`judge.window`, `max_num_seqs`, `max_num_batched_tokens`": [
        {"window": 7},
        {"max_num_seqs": 7},
        {"max_num_batched_tokens": 99},
    ],
    "`judge.gpu_memory_utilization`, `tensor_parallel_size`, `prefix_caching`": [
        {"gpu_memory_utilization": 0.5},
        {"tensor_parallel_size": 2},
        {"prefix_caching": False},
    ],
    "`judge.keep_reasoning`": [{"keep_reasoning": False}],
}
ITEM_EDITS = {
    "the item's id, its time, its carried columns": [
        replace(ITEM, id="2"),
        replace(ITEM, time=datetime(2026, 1, 1, tzinfo=UTC)),
        replace(ITEM, carried=(("market", "no"),)),
        replace(ITEM, place=Place("other", "0-10", 4)),
    ],
    "the content, a role, what is context and what is judged": [
        replace(ITEM, judged=(Turn("assistant", "another"),)),
        replace(ITEM, judged=(Turn("user", "answer"),)),
        replace(ITEM, context=(), judged=(*ITEM.context, *ITEM.judged)),
        replace(ITEM, kind=ItemKind.CHAT),
    ],
}
OTHERS = {
    "the path of the model's folder",
    "the model's revision, or its files",
    "the prompt format (a new version of assay)",
}


def lines() -> dict[str, bool]:
    return {name: answer == "yes" for name, answer in re.findall(r"^\| (.+?) \| (yes|no) \|", DOC, re.MULTILINE)}


def test_every_line_has_a_test() -> None:
    assert set(lines()) == {*POLICY_EDITS, *SETTINGS, *ITEM_EDITS, *OTHERS}


@pytest.mark.parametrize("line", POLICY_EDITS)
def test_an_edit_of_the_policy(model: Path, line: str) -> None:
    for old, new in POLICY_EDITS[line]:
        edited = POLICY.replace(old, new)
        assert edited != POLICY
        assert (key(model, edited) != key(model)) is lines()[line]


@pytest.mark.parametrize("line", SETTINGS)
def test_a_setting_of_the_judge(model: Path, line: str) -> None:
    for settings in SETTINGS[line]:
        assert (key(model, **settings) != key(model)) is lines()[line], settings


@pytest.mark.parametrize("line", ITEM_EDITS)
def test_an_edit_of_the_item(model: Path, line: str) -> None:
    for edited in ITEM_EDITS[line]:
        assert (key(model, item=edited) != key(model)) is lines()[line], edited


def test_the_path_of_the_model_is_not_the_model(model: Path, tmp_path: Path) -> None:
    moved = shutil.copytree(model, tmp_path / "elsewhere")
    assert (key(moved) != key(model)) is lines()["the path of the model's folder"] is False
    (moved / "model.safetensors").write_bytes(b"\1" + bytes(999_999))
    assert (key(moved) != key(model)) is lines()["the model's revision, or its files"] is True
    hub = [key(Path("org/name"), revision=digit * 40) for digit in "ab"]
    assert hub[0] != hub[1]


def test_the_prompt_format(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = key(model)
    monkeypatch.setattr(actors.identity, "PROMPT_FORMAT", "another")
    assert (key(model) != before) is lines()["the prompt format (a new version of assay)"]


texts = st.text(st.characters(codec="utf-8"), max_size=40)
judges = st.builds(
    JudgeIdentity, st.sampled_from(["a", "b"]), st.sampled_from(["r1", "r2"]), st.sampled_from(["s1", "s2"])
)
turns = st.builds(Turn, st.sampled_from(["user", "assistant"]), texts)
contents = st.tuples(st.sampled_from(ItemKind), st.lists(turns, max_size=3), st.lists(turns, min_size=1, max_size=2))
policies = st.tuples(st.sampled_from(["spam", "scam"]), st.sampled_from(["No.", "No!", "N\u043e."]), st.integers(0, 4))


@hypothesis_settings(deadline=None)
@given(st.lists(st.tuples(contents, policies, judges), min_size=2, max_size=2), st.integers(0, 3))
def test_keys_are_equal_only_if_all_that_decides_is(pair: list[Any], shared: int) -> None:
    """Half of the time the two are made alike in some parts, since random ones hardly ever are."""
    one, other = pair
    other = tuple(
        mine if shared & (1 << number) else theirs for number, (mine, theirs) in enumerate(zip(one, other, strict=True))
    )
    same = (one[0], one[1], one[2].revision, one[2].settings_hash) == (
        other[0],
        other[1],
        other[2].revision,
        other[2].settings_hash,
    )
    assert (made(*one) == made(*other)) is same


@hypothesis_settings(deadline=None)
@given(texts, st.integers(0, 100), st.characters(codec="utf-8"))
def test_one_code_point_makes_another_key(text: str, at: int, letter: str) -> None:
    at %= len(text) + 1
    for near in (text[:at] + letter + text[at:], text[:at] + letter + text[at + 1 :], text[:at] + text[at + 1 :]):
        contents = [(ItemKind.TEXT, [], [Turn("user", each)]) for each in (text, near)]
        first, second = (made(content, ("spam", "No.", 1), JudgeIdentity("a", "r", "s")) for content in contents)
        assert (first == second) is (text == near)


def made(content: Any, rules: Any, judge: JudgeIdentity) -> str:
    kind, context, judged = content
    name, prose, severity = rules
    text = f"---\nid: {name}\nversion: 1\nrules:\n  - {{id: S1, severity: {severity}}}\n---\n{prose}\n"
    item = Item("1", kind, tuple(judged), Place("file", "0-10", 3), tuple(context))
    return Keys(judge).case(item, parse_policy(text, "policy")).key


ONE, TWO = (("repeat", "1"), ("lang", "en")), (("repeat", "2"),)


def test_items_that_a_run_keeps_apart_have_keys_of_their_own() -> None:
    keys, policy = Keys(JudgeIdentity("a", "r", "s"), "repeat"), parse_policy(POLICY, "spam.md")
    made = [keys.case(replace(ITEM, carried=carried), policy).key for carried in ((), ONE, TWO)]
    assert made[0] == Keys(JudgeIdentity("a", "r", "s")).case(ITEM, policy).key
    assert len(set(made)) == 3
