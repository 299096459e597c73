"""Golden items: content with the outcome that its policies should come to. Their files are read by `authoring`.

    item_id  policy_id  label     rules  text
    g1       spam       violates  S2     You have won a phone, claim it here
    g1       privacy    allowed          You have won a phone, claim it here

The format is described in docs/golden.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator

from assay.chats import Judged, split, turn_of
from assay.errors import RecordError
from assay.records import ItemKind, Turn

_LABELS = {"violates": True, "1": True, "1.0": True, "true": True, "yes": True}
_LABELS |= {"allowed": False, "0": False, "0.0": False, "false": False, "no": False}


@dataclass(frozen=True, slots=True)
class Expected:
    """What one policy should come to. `violation` is None where nobody has said; that is never "allowed".

    `rule_ids` are the rules that a violation should cite, none if any rule is right.
    """

    policy_id: str
    violation: bool | None
    rule_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GoldenItem:
    """One labelled item. `context` and `judged` are those of `assay.records.Item`.

    `group` names what it shares with other items (an author, a conversation); by default its own id. `carried` are the
    file's further columns, where they are not empty.
    """

    id: str
    kind: ItemKind
    context: tuple[Turn, ...]
    judged: tuple[Turn, ...]
    expected: tuple[Expected, ...]
    group: str
    carried: tuple[tuple[str, str], ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class GoldenColumns:
    """Which column of a golden file holds what; "" for none.

    `labels` is for files with a column of labels for each policy: pairs of policy id and column. With it, `policy_id`,
    `label` and `rules` are not read.
    """

    item_id: str = "item_id"
    policy_id: str = "policy_id"
    label: str = "label"
    rules: str = "rules"
    text: str = "text"
    prompt: str = "prompt"
    response: str = "response"
    chat: str = "chat"
    group: str = "group"
    note: str = "note"
    labels: tuple[tuple[str, str], ...] = ()


GOLDEN_FIELDS = tuple(each.name for each in fields(GoldenColumns) if each.name != "labels")
"""What a golden file's columns can hold, in the order in which they are written."""


def as_violation(label: str) -> bool | None:
    """A label's word as an outcome: violates or allowed, 1 or 0, true or false, yes or no; None for "".

    Raises ValueError for any other word.
    """
    word = label.strip().lower()
    if not word:
        return None
    if word not in _LABELS:
        raise ValueError(f"the label {label.strip()!r:.60} is none of violates, allowed, 1, 0, true, false, yes, no")
    return _LABELS[word]


def as_rule_ids(cell: str) -> tuple[str, ...]:
    """The rule ids of a cell, with spaces, commas or semicolons between them; each once, in order."""
    return tuple(dict.fromkeys(cell.replace(",", " ").replace(";", " ").split()))


def content_of(
    text: str, prompt: str, response: str, chat: tuple[Turn, ...], judged: Judged = "last_assistant"
) -> tuple[ItemKind, tuple[Turn, ...], tuple[Turn, ...]]:
    """Kind, context and judged turns of what a golden item says; "" and () for what it doesn't.

    Raises ValueError unless it is either a text, or a response (with its prompt or without), or a chat.
    """
    given = [bool(text.strip()), bool(response.strip()), bool(chat)]
    if sum(given) != 1:
        fault = "more than one content" if any(given) else "no content"
        raise ValueError(f"{fault}; an item has a text, or a response with its prompt, or a chat")
    if prompt.strip() and not given[1]:
        raise ValueError("a prompt without its response; what stands alone is a text")
    if chat:
        try:
            return (ItemKind.CHAT, *split(chat, judged))
        except RecordError as error:
            raise ValueError(error.detail) from error
    if response:
        return ItemKind.COMPLETION, (Turn("user", prompt),) if prompt else (), (Turn("assistant", response),)
    return ItemKind.TEXT, (), (Turn("user", text),)


def turns_of(chat: object) -> tuple[Turn, ...]:
    """The turns of a list of {role, content}, as JSON or YAML gives it. Raises ValueError."""
    if not isinstance(chat, list | tuple):
        raise ValueError("the chat is not a list of {role, content}")
    try:
        return tuple(turn_of(turn, number) for number, turn in enumerate(chat, 1))
    except RecordError as error:
        raise ValueError(error.detail) from error


def expected_of(policy_id: str, label: str, rules: str) -> Expected:
    """What a golden file's row expects. Raises ValueError for an unknown label, or an allowed item with rules."""
    violation, rule_ids = as_violation(label), as_rule_ids(rules)
    if violation is False and rule_ids:
        raise ValueError(f"an allowed item breaks no rule, and this one has {' '.join(rule_ids)}")
    return Expected(policy_id, violation, rule_ids)


def _label_text(value: object) -> object:
    return str(value) if isinstance(value, bool | int) else "" if value is None else value


def _rules_text(value: object) -> object:
    """A list of ids as a cell has them. What is no id is not written out: aliases make a little YAML very long."""
    if not isinstance(value, list | tuple):
        return value
    if not all(isinstance(rule, str | int | float) for rule in value):
        raise ValueError("not a list of rule ids")
    return " ".join(str(rule) for rule in value)


class InlineItem(BaseModel):
    """A golden item in a policy's front matter: {text | prompt and response | chat, label, rules, note}."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    text: str = ""
    prompt: str = ""
    response: str = ""
    chat: Annotated[tuple[Turn, ...], BeforeValidator(turns_of)] = ()
    label: Annotated[str, BeforeValidator(_label_text)] = ""
    rules: Annotated[str, BeforeValidator(_rules_text)] = ""
    note: str = ""

    @model_validator(mode="after")
    def _makes_an_item(self) -> InlineItem:
        self.item("", 0)
        return self

    def item(self, policy_id: str, number: int) -> GoldenItem:
        """The golden item that this stands for as the `number`-th of its policy."""
        kind, context, judged = content_of(self.text, self.prompt, self.response, self.chat)
        expected = (expected_of(policy_id, self.label, self.rules),)
        name = f"{policy_id}-{number}"
        return GoldenItem(name, kind, context, judged, expected, name, note=self.note)


def inline_items(entries: Sequence[InlineItem], policy_id: str) -> tuple[GoldenItem, ...]:
    """The golden items of a policy's front matter: their ids are the policy's and a number from 1."""
    return tuple(entry.item(policy_id, number) for number, entry in enumerate(entries, 1))
