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
docs/policies.md explains every key.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import Discriminator, Field, Tag, ValidationError, field_validator, model_validator

from assay.errors import InputError
from assay.golden import InlineItem
from assay.policy_examples import Example, read_examples
from assay.policy_parts import ID, Defaults, Escalate, Part, Rule
from assay.policy_prose import read_prose, slug, without_comments
from assay.records import Action, Confidence, ItemKind, Mode
from assay.yaml_text import read_yaml

__all__ = ["Consequence", "Policy", "Rule", "load_policy", "parse_policy"]

_FRONT_MATTER = re.compile(r"\A---\r?\n(.*?)\r?\n---\r?\n(.*)\Z", re.DOTALL)
_OURS = ("prose", "prose_line", "hash", "text", "mode")
_UNIONS = ("file", "items")

Golden = Annotated[
    Annotated[str, Tag("file"), Field(min_length=1)] | Annotated[tuple[InlineItem, ...], Tag("items")],
    Discriminator(lambda value: "file" if isinstance(value, str) else "items"),
]


class Consequence(NamedTuple):
    """What a verdict comes to: 0 (harmless) to 4 (gravest), and what is to be done."""

    severity: int
    action: Action


class Policy(Part):
    """A policy as loaded. `prose` is what the judge reads, `text` the whole file, `hash` its sha256 (hex).

    `prose_line` is the line of the file on which the prose begins, from 1. `precedence` is empty where the gravest
    rule decides. `golden` is the path of a golden file, relative to the policy's, or golden items. `mode` is how a
    job uses it: no part of the file, and of no weight in a verdict.
    """

    id: Annotated[str, Field(pattern=ID)]
    version: Annotated[str, Field(pattern=r"^[^\s\x00-\x1f]{1,64}$")]
    title: str = ""
    applies_to: Annotated[tuple[ItemKind, ...], Field(min_length=1)] = tuple(ItemKind)
    defaults: Defaults = Defaults()
    rules: Annotated[tuple[Rule, ...], Field(min_length=1)]
    precedence: tuple[str, ...] = ()
    escalate: Escalate | None = None
    golden: Golden = ()
    prose: Annotated[str, Field(min_length=1)]
    prose_line: int = 1
    hash: str
    text: Annotated[str, Field(repr=False)] = ""
    mode: Mode = Mode.LIVE

    @field_validator("version", mode="before")
    @classmethod
    def _version_is_text(cls, value: object) -> object:
        return str(value) if isinstance(value, int | float) else value

    @field_validator("rules")
    @classmethod
    def _rule_ids_differ(cls, rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
        if twice := _twice([rule.id for rule in rules]):
            raise ValueError(f"rule id {twice!r} is used twice")
        return rules

    @field_validator("precedence", mode="before")
    @classmethod
    def _gravest_is_no_list(cls, value: object) -> object:
        if isinstance(value, str) and value != "gravest":
            raise ValueError("write gravest, or a list of rule ids, the one that decides first")
        return () if value == "gravest" else value

    @model_validator(mode="after")
    def _precedence_names_rules(self) -> Policy:
        if unknown := next((each for each in self.precedence if each not in self.rule_ids), None):
            raise ValueError(f"precedence: {unknown!r} is no rule of this policy")
        if twice := _twice(self.precedence):
            raise ValueError(f"precedence: {twice!r} is named twice")
        return self

    @cached_property
    def terms_hash(self) -> str:
        """sha256 (hex) of all that can make a difference to a verdict: the prose, each rule with what it brings,
        precedence and escalation.

        Unlike `hash` it is the same after an edit of the title, the version, the golden items or a comment. The id is
        in it, so that two policies never share a verdict.
        """
        rules = [rule.model_dump(mode="json", exclude={"heading"}) for rule in self.rules]
        terms: list[object] = [self.id, self.prose, *rules]
        if self.precedence:
            terms.append({"precedence": self.precedence})
        if self.escalate:
            terms.append({"escalate": self.escalate.model_dump(mode="json")})
        return hashlib.sha256(json.dumps(terms, sort_keys=True).encode()).hexdigest()

    @property
    def name(self) -> str:
        """What it is called in a job, where a live and a shadow policy may have one id."""
        return self.id if self.mode is Mode.LIVE else f"{self.id} ({self.mode})"

    @cached_property
    def track(self) -> str:
        """What its tracks are called in the ledger: its `hash`, or of a shadow a sha256 (hex) of its own.

        So a text that is promoted from shadow to live begins anew, and finds its verdicts by their keys.
        """
        if self.mode is Mode.LIVE:
            return self.hash
        return hashlib.sha256(f"{self.mode} {self.hash}".encode()).hexdigest()

    @property
    def rule_ids(self) -> tuple[str, ...]:
        return tuple(rule.id for rule in self.rules)

    @cached_property
    def examples(self) -> tuple[Example, ...]:
        """Those of the prose, in order."""
        return read_examples(self.prose, self.rule_ids, self.prose_line)

    def consequence(self, rule_ids: Sequence[str]) -> Consequence:
        """What follows from the cited rules alone; (0, allow) for none.

        Of those in `precedence` the one named first decides both; if none of them is in it, the gravest of each.
        Raises KeyError for an id that the policy does not have.
        """
        by_id = {rule.id: rule for rule in self.rules}
        cited = [by_id[rule_id] for rule_id in rule_ids]
        if first := next((by_id[each] for each in self.precedence if each in rule_ids), None):
            return Consequence(first.severity, first.action)
        order = list(Action)
        return Consequence(
            max((rule.severity for rule in cited), default=0),
            max((rule.action for rule in cited), default=Action.ALLOW, key=order.index),
        )

    def decide(self, rule_ids: Sequence[str], confidence: Confidence, score: float | None) -> Consequence:
        """What a verdict comes to: that of its rules, with action `escalate` if it is unsure. Raises KeyError."""
        severity, action = self.consequence(rule_ids)
        unsure = self.escalate is not None and self.escalate.covers(confidence, score)
        return Consequence(severity, Action.ESCALATE if unsure else action)


def parse_policy(text: str, where: str) -> Policy:
    """Read a policy from its file's text. `where` names the file in errors.

    Raises InputError, naming the file and key.
    """
    match = _FRONT_MATTER.match(text)
    if not match:
        raise InputError(f"{where}: no front matter; a policy begins with '---', its id, version and rules, then '---'")
    head = _front_matter(match[1], where)
    below = without_comments(match[2])
    prose = below.strip()
    line = text.count("\n", 0, match.start(2)) + below[: len(below) - len(below.lstrip())].count("\n") + 1
    ours = {"prose": prose, "prose_line": line, "hash": hashlib.sha256(text.encode()).hexdigest(), "text": text}
    try:
        return Policy.model_validate({**_completed(head, prose, where), **ours})
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"] if part not in _UNIONS)
        message = first["msg"].removeprefix("Value error, ")
        raise InputError(f"{where}: {key}: {message}" if key else f"{where}: {message}") from error


def load_policy(path: Path) -> Policy:
    """Read one policy file. Raises InputError."""
    try:
        text = path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: can't be read as UTF-8 text: {error}") from error
    return parse_policy(text, str(path))


def _front_matter(text: str, where: str) -> Mapping[str, object]:
    try:
        head = read_yaml(text)
    except ValueError as error:
        raise InputError(f"{where}: the front matter is not YAML: {error}") from error
    if not isinstance(head, dict):
        raise InputError(f"{where}: the front matter must be keys and values")
    if taken := next((key for key in _OURS if key in head), None):
        raise InputError(f"{where}: {taken}: not a key of the front matter; remove it")
    return head


def _completed(head: Mapping[str, object], prose: str, where: str) -> Mapping[str, object]:
    """The rules with what the defaults and the prose say of them; what is no rule stays as it is, to be refused."""
    rules, defaults = head.get("rules"), head.get("defaults")
    if not isinstance(rules, list):
        return head
    known = defaults if isinstance(defaults, dict) else {}
    brought = {key: known[key] for key in Defaults.model_fields if key in known}
    whole = [{**brought, **rule, **_headed(rule, prose, where)} if isinstance(rule, dict) else rule for rule in rules]
    return {**head, "rules": whole}


def _headed(rule: Mapping[str, object], prose: str, where: str) -> Mapping[str, str]:
    """The text of a rule that names a heading: its words, without the id that they may begin with."""
    named, own = rule.get("heading"), rule.get("id")
    if not isinstance(named, str) or not isinstance(own, str) or not named:
        return {}
    place = f"{where}: rules: {own}: heading"
    if rule.get("text"):
        raise InputError(f"{place}: there is a text too; keep one of them")
    found = [each.title for each in read_prose(prose).headings if slug(each.title) == slug(named)]
    if len(found) != 1:
        raise InputError(f"{place}: {named!r} is {'no' if not found else 'more than one'} heading of the prose")
    return {"text": found[0].removeprefix(own).lstrip(" :.-\u2013\u2014") or found[0]}


def _twice(ids: Sequence[str]) -> str | None:
    return next((each for each, count in Counter(ids).items() if count > 1), None)
