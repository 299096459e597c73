"""The examples in a policy's prose, under the heading Examples:

Violates:

- "You have won! Click here" (S2)
- "Pay the fee, then the parcel comes" (S4, S6): two rules at once

Does not violate:

- "Is this text from the post office real?"
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from assay.policy_prose import Bullet, read_prose

_OPENS = re.compile(r"[\"\u201c\u201e]")
_CLOSES = re.compile(r"[\"\u201c\u201d](?=\s*$|\s*[.;,]\s*$|\s*[(:;\u2013\u2014]|\s+-)")
_IDS = re.compile(r"\s*\((?P<ids>[A-Za-z0-9._,; -]+)\)")
_LIKE_AN_ID = re.compile(r"[A-Z]{1,4}[0-9][A-Za-z0-9.-]*")
_ALL_IDS = re.compile(r"[\s,;]+(?:and\s+)?")


@dataclass(frozen=True, slots=True)
class Example:
    """One example of a policy: `text` without its quotation marks, the rules that it breaks, its line in the file.

    `rule_ids` is as written: it may name rules that the policy does not have, which `assay check` reports.
    """

    text: str
    violation: bool
    rule_ids: tuple[str, ...]
    line: int


def read_examples(prose: str, rule_ids: Collection[str], first_line: int = 1) -> tuple[Example, ...]:
    """The examples in order. `rule_ids` are the policy's; `first_line` is the prose's first line in its file."""
    return tuple(_examples(prose, rule_ids, first_line))


def _examples(prose: str, rule_ids: Collection[str], first_line: int) -> Iterator[Example]:
    for bullet in read_prose(prose).bullets:
        if bullet.section == "examples" and bullet.violates is not None:
            yield _example(bullet, bullet.violates, rule_ids, first_line)


def _example(bullet: Bullet, violation: bool, known: Collection[str], first_line: int) -> Example:
    """The text ends at a quotation mark that rule ids follow, else at the first that may be the last one."""
    text, line = bullet.text, first_line + bullet.line
    if not _OPENS.match(text):
        return _unquoted(text, violation, known, line)
    ends = [found.start() for found in _CLOSES.finditer(text, 2)]
    for end in ends:
        if ids := _ids(_IDS.match(text, end + 1), known):
            return Example(text[1:end], violation, ids, line)
    return Example(text[1 : ends[0]] if ends else text[1:], violation, (), line)


def _unquoted(text: str, violation: bool, known: Collection[str], line: int) -> Example:
    """All of it, up to the ids if there are some."""
    for found in _IDS.finditer(text):
        if ids := _ids(found, known):
            return Example(text[: found.start()], violation, ids, line)
    return Example(text, violation, (), line)


def _ids(found: re.Match[str] | None, known: Collection[str]) -> tuple[str, ...]:
    """What stands in the brackets, if each word of it is an id, or looks like one."""
    words = [word for word in _ALL_IDS.split(found["ids"]) if word] if found else []
    if all(word in known or _LIKE_AN_ID.fullmatch(word) for word in words):
        return tuple(words)
    return ()
