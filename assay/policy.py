"""A policy: one Markdown file with front matter. Its sha256 is its identity.

    ---
    id: spam
    version: "1.2"
    title: Spam and scams
    rules:
      - {id: S1, text: Unsolicited bulk promotion, severity: 2, action: limit}
    ---
    # Instruction
    ...

The front matter is for machines (rules, severities, actions); the prose below it is what the judge reads.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from assay.errors import InputError
from assay.records import Action

_FRONT_MATTER = re.compile(r"\A---\r?\n(.*?)\r?\n---\r?\n(.*)\Z", re.DOTALL)
_OURS = ("prose", "hash", "text")
_ID = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"


class Rule(BaseModel):
    """One rule that a verdict may cite. `severity` is 0 (harmless) to 4 (gravest)."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    id: Annotated[str, Field(pattern=_ID)]
    text: str = ""
    label: str = ""
    severity: Annotated[int, Field(ge=0, le=4)] = 2
    action: Action = Action.REVIEW


class Policy(BaseModel):
    """A policy as loaded. `prose` is what the judge reads, `text` the whole file, `hash` its sha256 (hex)."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    id: Annotated[str, Field(pattern=_ID)]
    version: Annotated[str, Field(pattern=r"^[^\s\x00-\x1f]{1,64}$")]
    title: str = ""
    rules: Annotated[tuple[Rule, ...], Field(min_length=1)]
    prose: Annotated[str, Field(min_length=1)]
    hash: str
    text: Annotated[str, Field(repr=False)] = ""

    @field_validator("version", mode="before")
    @classmethod
    def _version_is_text(cls, value: object) -> object:
        return str(value) if isinstance(value, int | float) else value

    @field_validator("rules")
    @classmethod
    def _rule_ids_differ(cls, rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
        seen: set[str] = set()
        for rule in rules:
            if rule.id in seen:
                raise ValueError(f"rule id {rule.id!r} is used twice")
            seen.add(rule.id)
        return rules

    @cached_property
    def terms_hash(self) -> str:
        """sha256 (hex) of all that can make a difference to a verdict: the prose, and each rule with what it brings.

        Unlike `hash` it is the same after an edit of the title, the version or a comment. The id is in it, so that two
        policies never share a verdict.
        """
        terms = [self.id, self.prose, *(rule.model_dump(mode="json") for rule in self.rules)]
        return hashlib.sha256(json.dumps(terms, sort_keys=True).encode()).hexdigest()

    @property
    def rule_ids(self) -> tuple[str, ...]:
        return tuple(rule.id for rule in self.rules)

    def consequence(self, rule_ids: Sequence[str]) -> tuple[int, Action]:
        """Severity and action of a verdict that cites `rule_ids`: the gravest of each. (0, allow) for none.

        Raises KeyError for an id that the policy does not have.
        """
        by_id = {rule.id: rule for rule in self.rules}
        cited = [by_id[rule_id] for rule_id in rule_ids]
        order = list(Action)
        return (
            max((rule.severity for rule in cited), default=0),
            max((rule.action for rule in cited), default=Action.ALLOW, key=order.index),
        )


def parse_policy(text: str, where: str) -> Policy:
    """Read a policy from its file's text. `where` names the file in errors.

    Raises InputError, naming the file and key.
    """
    match = _FRONT_MATTER.match(text)
    if not match:
        raise InputError(f"{where}: no front matter; a policy begins with '---', its id, version and rules, then '---'")
    try:
        head = yaml.safe_load(match[1])
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InputError(f"{where}: the front matter is not YAML: {error}") from error
    if not isinstance(head, dict):
        raise InputError(f"{where}: the front matter must be keys and values")
    if taken := next((key for key in _OURS if key in head), None):
        raise InputError(f"{where}: {taken}: not a key of the front matter; remove it")
    ours = {"prose": match[2].strip(), "hash": hashlib.sha256(text.encode()).hexdigest(), "text": text}
    try:
        return Policy.model_validate({**head, **ours})
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{where}: {key}: {first['msg']}") from error


def load_policy(path: Path) -> Policy:
    """Read one policy file. Raises InputError."""
    try:
        text = path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: can't be read as UTF-8 text: {error}") from error
    return parse_policy(text, str(path))
