"""Policies out of the bank, no two alike: other form, order, ids and titles each time, some parts left out."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import yaml

from assay.policy import Policy, parse_policy
from training.wordings import BankRule, Breaks, Shipped, TaskBank, Worded, Wording, as_shipped

FORMS = ("sections", "bullets", "paragraph", "rules", "questions")
_HEADS = {
    "instruction": ("Instruction", "Task", "What to decide", "Purpose", "Policy"),
    "definitions": ("Definitions", "Terms", "Words used here"),
    "criteria": ("Criteria", "Rules", "What counts", "Decision"),
    "examples": ("Examples", "Cases", "For comparison"),
}
_VIOLATES = ("Violates:", "Not allowed:", "Breaks this policy:", "Violation (1):", "Flag:")
_ALLOWED = ("Does not violate:", "Allowed:", "Fine:", "No violation (0):", "Leave:")
_ALONE = ("Apply the rules below.", "Use only the listed rules.", "See the rules.", "The rules say it all.")
_PREFIXES = ("S", "R", "R-", "X", "A", "P", "SP", "C.", "K", "Rule-", "T", "")
_INVERTED = (
    "This policy is the other way round: {noun} is welcome here and everything else is not.",
    "Keep only {noun}. Whatever is not {noun} breaks this policy.",
    "We collect examples of {noun}. Flag every item that is no such example, and let the examples pass.",
    "Ordinary content has no place in this archive of {noun}; it violates. {Noun} does not violate.",
)
_OTHERWISE = ("not {noun}", "anything but {noun}", "content that is free of {noun}", "something other than {noun}")


@dataclass(frozen=True, slots=True)
class _Text:
    """What a policy's prose is made of. `rules` are pairs of id and text."""

    instruction: str
    definitions: Sequence[str]
    rules: Sequence[tuple[str, str]]
    allowed: Sequence[str]
    note: str = ""
    bad: Sequence[str] = ()
    good: Sequence[str] = ()


def worded(bank: TaskBank, wording: Wording, rng: random.Random, form: str | None = None) -> Worded:
    """A policy in this wording: rules shuffled and renamed, parts dropped, in `form` or a drawn one."""
    rules = rng.sample(wording.rules, len(wording.rules))
    ids = dict(zip((rule.key for rule in rules), _ids(rng, [rule.key for rule in rules]), strict=True))
    text = _Text(
        wording.instruction,
        _some(rng, wording.definitions),
        [(ids[rule.key], rule.text) for rule in rules],
        rng.sample(wording.allowed, len(wording.allowed)),
        wording.note,
        _some(rng, wording.examples_violating),
        _some(rng, wording.examples_allowed),
    )
    policy = _policy(f"{bank.task}-{wording.name}", wording.title, _named(rules, ids), _prose(text, rng, form))
    breaks = tuple(Breaks(ids[rule.key], frozenset(rule.tags)) for rule in rules)
    return Worded(policy, bank.task, wording.name, bank.sources, breaks)


def inverted(bank: TaskBank, rng: random.Random, form: str | None = None) -> Worded:
    """The task's policy the other way round: what it allows violates, and what it forbids is allowed."""
    noun, tags = bank.noun, frozenset(tag for wording in bank.wordings for rule in wording.rules for tag in rule.tags)
    said = rng.choice(_OTHERWISE).format(noun=noun)
    rule = BankRule(key="other", label="something else", text=said, tags=())
    ids = {"other": _ids(rng, ["other"])[0]}
    opening = rng.choice(_INVERTED).format(noun=noun, Noun=noun[0].upper() + noun[1:])
    allowed = [noun, *(each.text for each in rng.choice(bank.seen).rules)]
    text = _Text(opening, (), [(ids["other"], said)], allowed)
    policy = _policy(f"{bank.task}-inverted", f"Other than {noun}", _named([rule], ids), _prose(text, rng, form))
    return Worded(policy, bank.task, "inverted", bank.sources, (Breaks(ids["other"], tags),), inverted=True)


def renamed(each: Shipped, rng: random.Random) -> Worded:
    """A shipped policy with its rules shuffled and renamed, in the front matter and in the prose."""
    policy = each.policy
    rules = rng.sample(policy.rules, len(policy.rules))
    ids = dict(
        zip((rule.id for rule in rules), _ids(rng, [rule.label.replace(" ", "-") for rule in rules]), strict=True)
    )
    pattern = re.compile(rf"\b({'|'.join(policy.rule_ids)})\b")
    prose = pattern.sub(lambda found: ids[found[1]], policy.prose)
    named = [(ids[rule.id], rule.label, rule.text) for rule in rules]
    return replace(as_shipped(each, _policy(policy.id, policy.title, named, prose), ids), style="shipped-renamed")


def simple(
    name: str, opening: str, rules: Sequence[BankRule], allowed: Sequence[str], rng: random.Random, form: str | None
) -> tuple[Policy, Mapping[str, str]]:
    """A policy of an opening sentence, rules and what is allowed; with the id of each rule's key."""
    ids = dict(zip((rule.key for rule in rules), _ids(rng, [rule.key for rule in rules]), strict=True))
    text = _Text(opening, (), [(ids[rule.key], rule.text) for rule in rules], allowed)
    return _policy(name, opening[:40], _named(rules, ids), _prose(text, rng, form)), ids


def _named(rules: Sequence[BankRule], ids: Mapping[str, str]) -> list[tuple[str, str, str]]:
    return [(ids[rule.key], rule.label, rule.text) for rule in rules]


def _policy(name: str, title: str, rules: Sequence[tuple[str, str, str]], prose: str) -> Policy:
    listed = [{"id": rule_id, "label": label, "text": text} for rule_id, label, text in rules]
    head = {"id": name, "version": "1", "title": title, "rules": listed}
    return parse_policy(f"---\n{yaml.safe_dump(head, allow_unicode=True, sort_keys=False)}---\n{prose}\n", name)


def _ids(rng: random.Random, keys: Sequence[str]) -> list[str]:
    """One id for each key: the key itself, or a letter and a number that begins at 0, 1 or anywhere."""
    if rng.random() < 0.15:
        return list(keys)
    prefix, start = rng.choice(_PREFIXES), rng.choice((0, 1, 1, 1, rng.randrange(2, 40)))
    numbers = list(range(start, start + len(keys)))
    if rng.random() < 0.3:
        rng.shuffle(numbers)
    return [f"{prefix}{number}" for number in numbers]


def _some(rng: random.Random, lines: Sequence[str]) -> Sequence[str]:
    return () if rng.random() < 0.35 else rng.sample(lines, len(lines))


def _prose(text: _Text, rng: random.Random, form: str | None) -> str:
    form = form or rng.choice(FORMS)
    if form == "rules":
        return rng.choice(_ALONE) if rng.random() < 0.4 else text.instruction
    if form == "paragraph":
        return _paragraph(text, rng)
    if form == "questions":
        return _questions(text)
    return _sections(text, rng, "# {}" if form == "sections" else rng.choice(("**{}**", "{}:", "## {}")))


def _paragraph(text: _Text, rng: random.Random) -> str:
    bad = "; ".join(said for _, said in text.rules)
    good = f" {rng.choice(_ALLOWED)} {'; '.join(text.allowed)}." if text.allowed else ""
    return f"{text.instruction} {rng.choice(_VIOLATES)} {bad}.{good} {text.note}".strip()


def _questions(text: _Text) -> str:
    asked = [f"- {rule_id}: is this so? {said[0].upper()}{said[1:]}." for rule_id, said in text.rules]
    closing = f"\nOne yes is a violation. Not counted: {'; '.join(text.allowed)}." if text.allowed else ""
    return "\n".join([text.instruction, "", *asked]) + closing


def _sections(text: _Text, rng: random.Random, head: str) -> str:
    parts = [f"{_head(rng, head, 'instruction')}\n{text.instruction}"]
    if text.definitions:
        parts.append("\n".join([_head(rng, head, "definitions"), *_bullets(text.definitions)]))
    criteria = [_head(rng, head, "criteria"), rng.choice(_VIOLATES)]
    criteria += _bullets([f"{rule_id}: {said}" for rule_id, said in text.rules])
    if text.allowed:
        criteria += [rng.choice(_ALLOWED), *_bullets(text.allowed)]
    parts.append("\n".join([*criteria, *([text.note] if text.note else [])]))
    if text.bad or text.good:
        parts.append("\n".join([_head(rng, head, "examples"), *_examples(text, rng)]))
    return "\n\n".join(parts)


def _examples(text: _Text, rng: random.Random) -> list[str]:
    bad = [rng.choice(_VIOLATES), *_bullets([f'"{each}"' for each in text.bad])] if text.bad else []
    good = [rng.choice(_ALLOWED), *_bullets([f'"{each}"' for each in text.good])] if text.good else []
    return bad + good


def _head(rng: random.Random, head: str, part: str) -> str:
    return head.format(rng.choice(_HEADS[part]))


def _bullets(lines: Sequence[str]) -> list[str]:
    return [f"- {line}" for line in lines]
