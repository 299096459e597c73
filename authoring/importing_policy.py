"""The text of a published policy as a policy file of ours: its labels become rules, its prose stays word for word."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import yaml

from assay.policy import Rule
from authoring.importing_contract import form_lines, form_sections, mentions_form
from authoring.importing_labels import Scheme, scheme_of
from authoring.importing_records import Kind, Remark
from authoring.importing_rules import WHOLE_POLICY, is_allowed, part_of, places_of, plain, rules_of

_VERSION = "1.0"


@dataclass(frozen=True, slots=True)
class Draft:
    """A policy file's parts. `allowed` are the labels that stand for content which violates nothing."""

    title: str
    rules: tuple[Rule, ...]
    allowed: tuple[str, ...]
    scheme: Scheme
    prose: str
    remarks: tuple[Remark, ...]


def read_published(text: str, file: str) -> Draft:
    """Make out title, labels and rules of a published policy, and take out what it says about the answer's form."""
    lines = [line.rstrip("\r") for line in text.split("\n")]
    scheme = scheme_of(text)
    sections = form_sections(lines)
    places = places_of(lines, scheme, sections)
    out = {number for section in sections if not set(section) & set(places.values()) for number in section}
    out |= form_lines(lines) - set(places.values())
    parts = {label: part_of(lines, start, places.values()) for label, start in places.items()}
    allowed = tuple(label for label in scheme.labels if is_allowed(label, parts.get(label, "")))
    rules, guesses = rules_of(scheme, allowed, parts, places, file)
    title = _title(lines)
    remarks = [
        Remark(Kind.GUESSED, file, f"title: {title}; version: {_VERSION}"),
        *guesses,
        *_removed(lines, out, file),
    ]
    remarks += (
        Remark(Kind.LEFT_IN, f"{file}:{number + 1}", line.strip())
        for number, line in enumerate(lines)
        if number not in out and mentions_form(line)
    )
    prose = "\n".join(line for number, line in enumerate(lines) if number not in out).strip("\n")
    return Draft(title, rules, allowed, scheme, prose, tuple(remarks))


def policy_file(policy_id: str, draft: Draft, golden: str | None) -> str:
    """The text of the policy file. `golden` names its golden file."""
    head: dict[str, object] = {"id": policy_id, "version": _VERSION, "title": draft.title}
    head["rules"] = [rule.model_dump(mode="json", exclude_defaults=True) | _graded(rule) for rule in draft.rules]
    if golden:
        head["golden"] = golden
    front = yaml.safe_dump(head, sort_keys=False, allow_unicode=True, width=110)
    if draft.allowed:
        front += f"# assay: ignore[P022] as published: {', '.join(draft.allowed)} is no rule but means allowed\n"
    return f"---\n{front}---\n# Instruction\n\n{_instruction(draft)}\n\n# Criteria\n\n{draft.prose}\n"


def _graded(rule: Rule) -> dict[str, object]:
    return {"severity": rule.severity, "action": rule.action.value}


def _instruction(draft: Draft) -> str:
    """What the published labels mean here. It is all of the prose that is not theirs."""
    if WHOLE_POLICY in draft.rules:
        return f"Decide whether the content violates the policy below. If it does, cite {WHOLE_POLICY.id}."
    rules = ", ".join(rule.id for rule in draft.rules)
    said = [f"Decide whether the content violates the policy below. Its labels {rules} are the rules to cite."]
    said += [f"Content that the policy labels {' or '.join(draft.allowed)} does not violate."] * bool(draft.allowed)
    if re.search(r"\bINVALID\b", draft.prose):
        said.append("INVALID means that the content violates, VALID that it does not.")
    return " ".join(said)


def _title(lines: Sequence[str]) -> str:
    """The first line that says anything."""
    said = (plain(re.sub(r"<!--.*?-->|^title:", "", line)) for line in lines)
    return next((line for line in said if line), "Imported policy")[:120]


def _removed(lines: Sequence[str], out: Collection[int], file: str) -> list[Remark]:
    return [
        Remark(Kind.TAKEN_OUT, f"{file}:{number + 1}", lines[number].strip())
        for number in sorted(out)
        if lines[number].strip()
    ]
