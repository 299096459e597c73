"""Policies about what anybody can check in a text: a link, a question, a subject's words. Their labels are computed.

They teach to read the policy: the same text violates one of them and not the next.
"""

from __future__ import annotations

import random
import re
from dataclasses import replace
from functools import cache, cached_property

import yaml
from pydantic import BaseModel, ConfigDict

from training.composing import simple
from training.contents import Content
from training.wordings import BANK, BankRule, Breaks, Worded

SOURCES = ("davidson", "edos", "sms", "diasafety")
"""Where their contents come from: short texts, so that nothing of them is cut."""

_OPENINGS = (
    "Sort the content by what it contains. Its manners do not matter here.",
    "This is a policy about form. Look for what the rules name and for nothing else.",
    "Our archive must not hold such content, however harmless it is.",
    "A filter for one customer: only what is described counts, rude or not.",
    "Check the content against the list. Insults and advertising are allowed unless the list names them.",
)
_TURNED = (
    "Everything must have at least one of these properties: {said}. What has none of them violates.",
    "We only take content that {said}. All other content breaks the rule.",
    "Flag content unless it {said}.",
)
_ALLOWED = ("everything else", "insults, hate and spam without these properties", "whatever the rules do not name")


class Attribute(BaseModel):
    """A property of a text: it has it where `pattern` is found. `phrases` complete "content that ..."."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str
    pattern: str
    unseen: bool = False
    phrases: tuple[str, ...]

    @cached_property
    def regex(self) -> re.Pattern[str]:
        return re.compile(self.pattern, re.IGNORECASE)


@cache
def attributes() -> tuple[Attribute, ...]:
    listed = yaml.safe_load((BANK / "attributes.yaml").read_text(encoding="utf-8"))["attributes"]
    return tuple(Attribute.model_validate(each) for each in listed)


def with_attributes(content: Content) -> Content:
    """`content` with the names of the attributes that its judged part has as its tags."""
    words = content.words
    return replace(content, tags=tuple(each.name for each in attributes() if each.regex.search(words)))


def attribute_policy(rng: random.Random, unseen: bool = False, form: str | None = None) -> Worded:
    """A policy about one to three attributes, of the unseen ones or of the others; one in four is turned round."""
    chosen = rng.sample([each for each in attributes() if each.unseen is unseen], rng.choice((1, 1, 1, 2, 3)))
    phrases = {each.name: rng.choice(each.phrases) for each in chosen}
    name = f"attribute-{'-'.join(sorted(phrases))}"
    if rng.random() < 0.25:
        return _turned(name, phrases, rng, form)
    rules = [BankRule(key=key, label=key, text=said, tags=(key,)) for key, said in phrases.items()]
    policy, ids = simple(name, rng.choice(_OPENINGS), rules, (rng.choice(_ALLOWED),), rng, form)
    breaks = tuple(Breaks(ids[rule.key], frozenset(rule.tags)) for rule in rules)
    return Worded(policy, "attribute", "attribute", SOURCES, breaks)


def _turned(name: str, phrases: dict[str, str], rng: random.Random, form: str | None) -> Worded:
    said = " or ".join(phrases.values())
    rule = BankRule(key="none", label="lacks it", text=f"it is not so that the content {said}", tags=())
    opening = rng.choice(_TURNED).format(said=said)
    policy, ids = simple(f"{name}-turned", opening, [rule], (f"content that {said}",), rng, form)
    return Worded(policy, "attribute", "turned", SOURCES, (Breaks(ids["none"], frozenset(phrases)),), inverted=True)
