"""The policy bank: policies in many wordings as data files, and how one of them becomes a policy to train on.

What a content's label is under a policy is decided by tags: each rule names the tags of contents that break it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict

from assay.policy import Policy, load_policy
from training.contents import Content, Tags

BANK = Path(__file__).with_name("policy_bank")
SHIPPED = Path(__file__).parents[1] / "configs" / "policies"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class BankRule(_Frozen):
    """A rule of the bank: `key` stands for its id, `tags` are those of the contents that break it."""

    key: str
    label: str
    text: str
    tags: Tags


class Wording(_Frozen):
    """One way to word a task's policy. An `unseen` one is never trained on."""

    name: str
    unseen: bool = False
    title: str
    instruction: str
    definitions: tuple[str, ...] = ()
    rules: tuple[BankRule, ...]
    allowed: tuple[str, ...]
    note: str = ""
    examples_violating: tuple[str, ...] = ()
    examples_allowed: tuple[str, ...] = ()


class TaskBank(_Frozen):
    """A task: the sources of its contents, what its violation is called, and its wordings."""

    task: str
    sources: tuple[str, ...]
    noun: str
    wordings: tuple[Wording, ...]

    @property
    def seen(self) -> tuple[Wording, ...]:
        return tuple(wording for wording in self.wordings if not wording.unseen)


class ShippedRule(_Frozen):
    id: str
    tags: Tags
    pattern: str


class Shipped(_Frozen):
    """A policy that assay ships, and what of the data breaks which of its rules."""

    file: str
    task: str
    sources: tuple[str, ...]
    unclear: Tags
    rules: tuple[ShippedRule, ...]

    @property
    def policy(self) -> Policy:
        return load_policy(SHIPPED / self.file)


@dataclass(frozen=True, slots=True)
class Breaks:
    """Contents with one of `tags` break rule `rule_id`, if `pattern` is found in them."""

    rule_id: str
    tags: frozenset[str]
    pattern: re.Pattern[str] | None = None

    def meets(self, content: Content) -> bool:
        return not self.tags.isdisjoint(content.tags) and (not self.pattern or bool(self.pattern.search(content.words)))


@dataclass(frozen=True, slots=True)
class Worded:
    """A policy as it is trained on. `breaks` decides what violates it; where `inverted`, all that breaks nothing does.

    `only_first` says that of several rules the first that fits is cited.
    """

    policy: Policy
    task: str
    style: str
    sources: tuple[str, ...]
    breaks: tuple[Breaks, ...]
    unclear: frozenset[str] = frozenset()
    inverted: bool = False
    only_first: bool = False

    def broken(self, content: Content) -> tuple[str, ...]:
        """The ids of the rules that `content` breaks, none if it is allowed."""
        met = tuple(dict.fromkeys(each.rule_id for each in self.breaks if each.meets(content)))
        if self.inverted:
            return () if met else (self.policy.rule_ids[0],)
        return met[:1] if self.only_first else met

    def fits(self, content: Content) -> bool:
        """Whether it is known what the policy says about `content`."""
        return self.unclear.isdisjoint(content.tags)


@cache
def banks() -> Mapping[str, TaskBank]:
    """The bank of each task, by its name."""
    names = ("hate", "offensive", "dialogue", "sexism", "jailbreak", "spam", "injection")
    return {name: TaskBank.model_validate(yaml.safe_load(_read(f"{name}.yaml"))) for name in names}


@cache
def shipped() -> Mapping[str, Shipped]:
    """The shipped policies with data, by the policy's id."""
    listed = yaml.safe_load(_read("shipped.yaml"))["shipped"]
    return {each.policy.id: each for each in (Shipped.model_validate(entry) for entry in listed)}


def as_shipped(each: Shipped, policy: Policy, ids: Mapping[str, str] | None = None) -> Worded:
    """`policy` is the shipped one, or the same with its rule ids replaced by `ids`."""
    breaks = tuple(
        Breaks(
            ids[rule.id] if ids else rule.id,
            frozenset(rule.tags),
            re.compile(rule.pattern, re.IGNORECASE) if rule.pattern else None,
        )
        for rule in each.rules
    )
    return Worded(policy, each.task, "shipped", each.sources, breaks, frozenset(each.unclear), only_first=True)


def _read(name: str) -> str:
    return (BANK / name).read_text(encoding="utf-8")
