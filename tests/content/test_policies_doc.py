"""docs/policies.md names every key of a policy with its default, and everything that is looked for in one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel

from assay.golden import InlineItem
from assay.policy import Policy, parse_policy
from assay.policy_parts import Defaults, Escalate, Rule
from authoring.lint import LINTS

DOC = (Path(__file__).parents[2] / "docs" / "policies.md").read_text(encoding="utf-8")
SECTIONS: dict[str, type[BaseModel]] = {
    "Policy": Policy,
    "Defaults": Defaults,
    "Rule": Rule,
    "Escalate": Escalate,
    "Golden item": InlineItem,
}
OURS = {"prose", "prose_line", "hash", "text", "mode"}
WORDS = ("all three", "see Defaults", "gravest", "none", "that of `defaults`")
"""Defaults in words: tested by what they come to."""


def rows(section: str) -> list[list[str]]:
    body = re.split(rf"^##+ {re.escape(section)}$", DOC, flags=re.MULTILINE)[1]
    body = re.split(r"^#+ ", body, maxsplit=1, flags=re.MULTILINE)[0]
    return [line.strip("|").strip().split(" | ") for line in body.splitlines() if re.match(r"\| (`|P\d)", line)]


@pytest.mark.parametrize("section", SECTIONS)
def test_every_key_is_there_with_its_default(section: str) -> None:
    fields = {
        name: field for name, field in SECTIONS[section].model_fields.items() if section != "Policy" or name not in OURS
    }
    documented = {row[0].strip("`"): row[2] for row in rows(section)}
    assert list(documented) == list(fields)
    for name, default in documented.items():
        assert (default == "required") is fields[name].is_required(), name
        if default not in (*WORDS, "required") and default.strip("`") not in WORDS:
            assert yaml.safe_load(default.strip("`")) == fields[name].default, name


def test_every_lint_is_there() -> None:
    found = [tuple(row) for row in rows("What `assay check` looks for")]
    assert found == [(lint.code, lint.name, lint.severity.value, lint.way_out) for lint in LINTS]


def test_the_policy_that_is_shown_can_be_read() -> None:
    shown = DOC.split("```markdown\n")[1].split("```")[0]
    policy = parse_policy(shown, "docs/policies.md")
    assert set(yaml.safe_load(shown.split("---")[1])) == set(Policy.model_fields) - OURS
    assert [(each.violation, each.rule_ids) for each in policy.examples] == [(True, ("M1",)), (False, ())]
