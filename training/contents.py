"""Labelled content as the readers of data sets give it: what is shown, and tags that say what is known about it."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from actors.prompt import Layout, layout_of, show
from assay.records import Item, ItemKind, Place, Turn

Tags = tuple[str, ...]

_LINK = re.compile(r"https?://\S+|www\.\S+")
_MENTION = re.compile(r"@\w+|\[user\]")
_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Content:
    """One text, completion or chat of the data set `source`.

    `tags` are what its labels say ("hate", "spam"); none means that it was labelled as harmless. `context` and `judged`
    are those of `assay.records.Item`.
    """

    source: str
    kind: ItemKind
    judged: tuple[Turn, ...]
    tags: Tags
    context: tuple[Turn, ...] = ()

    @property
    def shown(self) -> str:
        """The content as the judge sees it."""
        return show(as_item(self))

    @property
    def layout(self) -> Layout:
        return layout_of(self.kind)

    @property
    def words(self) -> str:
        """All that is said in the judged part, as plain text."""
        return "\n".join(turn.content for turn in self.judged)

    @property
    def group(self) -> str:
        """sha256 (hex) of what decides the part of a split: the first thing said, folded and masked.

        Texts that differ only in case, white space, digits, links or mentions share it, and so do all answers to the
        same context.
        """
        return hashlib.sha256(masked((*self.context, *self.judged)[0].content).encode()).hexdigest()


def key_of(shown: str) -> str:
    """sha256 (hex) of the content as shown."""
    return hashlib.sha256(shown.encode()).hexdigest()


def masked(text: str) -> str:
    """`text` without case, extra white space, digits, links and mentions."""
    folded = " ".join(text.casefold().split())
    for pattern, mask in ((_LINK, "<link>"), (_MENTION, "<user>"), (_NUMBER, "0")):
        folded = pattern.sub(mask, folded)
    return folded


def as_item(content: Content) -> Item:
    return Item("content", content.kind, content.judged, Place(content.source, "", 0), content.context)


def text(source: str, words: str, tags: Tags) -> Content:
    return Content(source, ItemKind.TEXT, (Turn("user", words),), tags)


def completion(source: str, prompt: str, response: str, tags: Tags) -> Content:
    """A response of an assistant, with the prompt that it answers or without ("")."""
    context = (Turn("user", prompt),) if prompt else ()
    return Content(source, ItemKind.COMPLETION, (Turn("assistant", response),), tags, context)


def as_chat(content: Content, role: str) -> Content:
    """A text as the only turn of a chat, by `role`."""
    return Content(content.source, ItemKind.CHAT, (Turn(role, content.words),), content.tags)
