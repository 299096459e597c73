"""The policies that ship with the project: readable by the program and of a size that a judge reads well."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from openai_harmony import HarmonyEncodingName, load_harmony_encoding

from assay.policy import load_policy
from assay.records import Action

FILES = sorted((Path(__file__).parents[2] / "configs" / "policies").glob("*.md"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_policy_is_complete(path: Path) -> None:
    policy = load_policy(path)
    assert policy.id == path.stem
    assert len(policy.rules) >= 6
    for rule in policy.rules:
        assert rule.label
        assert rule.text
        assert rule.severity > 0
        assert rule.action is not Action.ALLOW
    assert re.findall(r"^# (.+)$", policy.prose, re.MULTILINE) == [
        "Instruction",
        "Definitions",
        "Criteria",
        "Examples",
    ]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_prose_explains_every_rule_and_shows_both_classes(path: Path) -> None:
    policy = load_policy(path)
    criteria, examples = re.split(r"^# Examples$", policy.prose, flags=re.MULTILINE)
    assert set(re.findall(r"^- ([A-Z]\d+):", criteria, re.MULTILINE)) == set(policy.rule_ids)
    assert set(re.findall(r"\b[A-Z]\d+\b", examples)) <= set(policy.rule_ids)
    for part in (criteria, examples):
        assert part.index("Violates:") < part.index("Does not violate:")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_prose_is_300_to_600_tokens_and_leaves_the_output_format_alone(path: Path) -> None:
    prose = load_policy(path).prose
    tokens = load_harmony_encoding(HarmonyEncodingName.HARMONY_GPT_OSS).encode(prose)
    assert 300 <= len(tokens) <= 600
    assert not re.search(r"json|output format|respond with|rationale", prose, re.IGNORECASE)


def test_there_are_at_least_three_policies_with_ids_of_their_own() -> None:
    ids = [load_policy(path).id for path in FILES]
    assert len(set(ids)) == len(ids) >= 3
