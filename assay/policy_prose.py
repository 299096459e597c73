"""The structure of a policy's prose: its headings, its lists and which side they are on. CommonMark, by markdown-it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from markdown_it import MarkdownIt
from markdown_it.token import Token

_COMMENT = re.compile(r"[ \t]*<!--\s*assay:.*?-->", re.DOTALL)
_SIDES = {"violates": True, "does not violate": False}
_MARKS = re.compile(r"[^\w\s-]")


@dataclass(frozen=True, slots=True)
class Heading:
    """`line` is that of the prose, from 0."""

    title: str
    level: int
    line: int


@dataclass(frozen=True, slots=True)
class Bullet:
    """One entry of a list, nested ones included in its text, on line `line` of the prose, from 0.

    `section` is the top heading that it stands under, in lower case, `heading` the nearest one; `violates` is True
    below "Violates:", False below "Does not violate:", None if neither came before it.
    """

    text: str
    line: int
    section: str
    heading: str
    violates: bool | None


@dataclass(frozen=True, slots=True)
class Prose:
    """Headings and bullets in their order."""

    headings: tuple[Heading, ...]
    bullets: tuple[Bullet, ...]


def without_comments(text: str) -> str:
    """The prose without `<!-- assay: ... -->`, which the judge is not to read. Lines stay where they are."""
    return _COMMENT.sub(lambda found: "\n" * found[0].count("\n"), text)


def slug(title: str) -> str:
    """A heading as the end of a link to it: lower case, hyphens for spaces, no punctuation."""
    return re.sub(r"\s+", "-", _MARKS.sub("", title.lower()).strip())


def read_prose(prose: str) -> Prose:
    """Never raises: whatever is there is Markdown."""
    reader = _Reader()
    tokens = MarkdownIt("commonmark").parse(prose)
    for number, token in enumerate(tokens):
        reader.take(token, tokens, number)
    return Prose(tuple(reader.headings), tuple(reader.bullets))


@dataclass(slots=True)
class _Reader:
    headings: list[Heading] = field(default_factory=list)
    bullets: list[Bullet] = field(default_factory=list)
    section: str = ""
    heading: str = ""
    violates: bool | None = None

    def take(self, token: Token, tokens: Sequence[Token], number: int) -> None:
        if token.type == "heading_open" and token.level == 0:
            self._heading(tokens[number + 1], int(token.tag[1:]))
        elif token.type == "paragraph_open" and token.level == 0:
            self.violates = _side(tokens[number + 1].content)
        elif token.type == "list_item_open" and token.level == 1:
            text = _text_of_item(tokens, number)
            self.bullets.append(Bullet(text, _line(token), self.section, self.heading, self.violates))

    def _heading(self, inline: Token, level: int) -> None:
        title = inline.content
        self.headings.append(Heading(title, level, _line(inline)))
        self.violates = _side(title)
        if self.violates is not None:
            return
        self.heading = title
        if level <= min(each.level for each in self.headings):
            self.section = title.strip().lower()


def _side(text: str) -> bool | None:
    last = text.strip().splitlines()[-1] if text.strip() else ""
    return _SIDES.get(last.strip("*_: ").lower())


def _text_of_item(tokens: Sequence[Token], number: int) -> str:
    """All that is written in the list item that opens here, on one line."""
    texts, depth = [], tokens[number].level
    for token in tokens[number + 1 :]:
        if token.level <= depth and token.type == "list_item_close":
            break
        if token.type in ("inline", "code_block", "fence"):
            texts.append(token.content)
    return " ".join(" ".join(texts).split())


def _line(token: Token) -> int:
    return token.map[0] if token.map else 0
