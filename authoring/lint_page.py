"""A policy as the lints see it: with its file, its lines, its golden items and the policies beside it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import yaml

from assay.golden import Expected, GoldenItem
from assay.policy import Policy
from assay.policy_prose import Bullet, Prose, read_prose

_QUOTED = re.compile(r"[\"\u201c\u201e](?:(?!\n\s*\n)[^\"\u201c\u201d]){1,400}[\"\u201c\u201d]")
_WORDS = re.compile(r"\w+")
_HEAD = re.compile(r"\A---\r?\n(.*?)\r?\n---\r?\n", re.DOTALL)

Key = tuple[str | int, ...]
Content = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Page:
    """`path` is as findings name it. `golden` are all items at hand, whichever policy they are for; `beside` are the
    other policies that are checked together. `golden_fault` says why the policy's golden file can't be read.
    """

    policy: Policy
    path: str
    golden: tuple[GoldenItem, ...] = ()
    beside: tuple[Policy, ...] = ()
    golden_fault: str = ""

    @cached_property
    def prose(self) -> Prose:
        return read_prose(self.policy.prose)

    @cached_property
    def said(self) -> tuple[tuple[int, str], ...]:
        """Lines of the prose in the author's own words, with their numbers: no examples, quotations blanked."""
        lines = _QUOTED.sub(_blank, self.policy.prose).split("\n")
        return tuple(
            (self.at(number), line) for number, line in enumerate(lines) if self._section(number) != "examples"
        )

    @property
    def lines(self) -> list[str]:
        """The whole file; the first is line 1."""
        return self.policy.text.split("\n")

    def at(self, prose_line: int) -> int:
        """The line of the file for one of the prose, from 0."""
        return self.policy.prose_line + prose_line

    def bullets(self, section: str, *, violates: bool) -> Iterator[Bullet]:
        """Those of a section, given in lower case, on one side."""
        return (each for each in self.prose.bullets if each.section == section and each.violates is violates)

    def key_line(self, *key: str | int) -> int:
        """The line of a key in the front matter, such as "rules", 2; of the key around it if there is none."""
        while key:
            if key in self._keys:
                return self._keys[key]
            key = key[:-1]
        return 1

    def is_set(self, *key: str | int) -> bool:
        """Whether the front matter has this key."""
        return key in self._keys

    def rule_line(self, rule_id: str) -> int:
        return self.key_line("rules", self.policy.rule_ids.index(rule_id))

    def labelled(self) -> Iterator[tuple[GoldenItem, Expected]]:
        """The golden items that somebody has labelled under this policy."""
        for item in self.golden:
            for expected in item.expected:
                if expected.policy_id == self.policy.id and expected.violation is not None:
                    yield item, expected

    def like(self, item: GoldenItem) -> Iterator[tuple[GoldenItem, Expected]]:
        """Every label, under whichever policy, of the items with the same content, itself included."""
        yield from self._by_content[_content(item)]

    @cached_property
    def _by_content(self) -> Mapping[Content, Sequence[tuple[GoldenItem, Expected]]]:
        found: dict[Content, list[tuple[GoldenItem, Expected]]] = defaultdict(list)
        for item in self.golden:
            found[_content(item)] += [(item, expected) for expected in item.expected]
        return found

    @cached_property
    def _keys(self) -> Mapping[Key, int]:
        head = _HEAD.match(self.policy.text)
        return dict(_places(yaml.compose(head[1], yaml.SafeLoader), ())) if head else {}

    @cached_property
    def _tops(self) -> tuple[tuple[int, str], ...]:
        headings = self.prose.headings
        top = min((each.level for each in headings), default=1)
        return tuple((each.line, each.title.strip().lower()) for each in headings if each.level == top)

    def _section(self, prose_line: int) -> str:
        return next((title for line, title in reversed(self._tops) if line <= prose_line), "")


def _content(item: GoldenItem) -> Content:
    return tuple((turn.role, alike(turn.content)) for turn in (*item.context, *item.judged))


def _blank(found: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", found[0])


def _places(node: yaml.Node | None, key: Key) -> Iterator[tuple[Key, int]]:
    """Every key with its line in the file; the front matter begins on line 2."""
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            yield (*key, name.value), name.start_mark.line + 2
            yield from _places(value, (*key, name.value))
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            yield (*key, number), value.start_mark.line + 2
            yield from _places(value, (*key, number))


def alike(text: str) -> str:
    """The same for texts that differ only in case, spaces and punctuation."""
    return " ".join(_WORDS.findall(text.casefold()))
