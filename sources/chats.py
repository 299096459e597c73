"""Chats: from Arrow lists of role and content, or from JSON text, to turns."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from assay.chats import role_of, turn_of
from assay.errors import RecordError
from assay.records import Reason, Turn
from sources.columns import is_text
from sources.values import Text, as_text, check_size, texts

_RAW_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True)
class JsonChat:
    """A chat as JSON text: a list of objects with role and content."""

    text: str | bytes

    def turns(self, cap: int) -> tuple[Turn, ...]:
        """Raises RecordError (bad_chat, invalid_utf8, surrogate, too_long above `cap` bytes)."""
        check_size([self.text], "chat", cap)
        try:
            parsed = json.loads(as_text(self.text, "the chat"))
        except (ValueError, RecursionError) as error:
            raise RecordError(Reason.BAD_CHAT, f"the chat is not JSON: {error}") from None
        if not isinstance(parsed, list):
            raise RecordError(Reason.BAD_CHAT, "the chat is not a list")
        return ParsedChat(parsed).turns(cap)

    def raw(self) -> bytes:
        return self.text if isinstance(self.text, bytes) else self.text.encode()


@dataclass(frozen=True, slots=True)
class ParsedChat:
    """A chat as a list that came with its record: objects with role and content, if all is well."""

    parsed: Sequence[object]

    def turns(self, cap: int) -> tuple[Turn, ...]:  # noqa: ARG002 - its size was checked before it was parsed
        """Raises RecordError (bad_chat, surrogate)."""
        return tuple(turn_of(turn, number) for number, turn in enumerate(self.parsed, 1))


@dataclass(frozen=True, slots=True)
class ListChat:
    """A chat as a list of role and content. A turn that is null has neither."""

    roles: Sequence[Text]
    contents: Sequence[Text]

    def turns(self, cap: int) -> tuple[Turn, ...]:
        """Raises RecordError (bad_chat, invalid_utf8, surrogate, too_long above `cap` bytes)."""
        check_size(self.contents, "chat", cap)
        return tuple(
            Turn(role_of(role, number), "" if content is None else as_text(content, f"turn {number}"))
            for number, (role, content) in enumerate(zip(self.roles, self.contents, strict=True), 1)
        )

    def raw(self) -> bytes:
        """The turns as JSON, with the bytes of each text as they were read; whole turns up to 64 MiB."""
        kept: list[dict[str, str | None]] = []
        size = 0
        for role, content in zip(self.roles, self.contents, strict=True):
            size += len(content or "")
            if kept and size > _RAW_BYTES:
                break
            kept.append({"role": _escaped(role), "content": _escaped(content)})
        return json.dumps(kept, ensure_ascii=False).encode("utf-8", "surrogateescape")


Chat = JsonChat | ListChat


def chats(column: pa.Array) -> Sequence[Chat | None]:
    """The chats of a column, unparsed."""
    if is_text(column.type):
        return [None if text is None else JsonChat(text) for text in texts(column)]
    offsets = column.offsets.to_pylist()
    first = offsets[0] if offsets else 0
    turns = column.values.slice(first, (offsets[-1] if offsets else 0) - first)
    roles, contents = texts(turns.field("role")), texts(turns.field("content"))
    spans = zip(offsets, offsets[1:], column.is_valid().to_pylist(), strict=False)
    return [
        ListChat(roles[start - first : stop - first], contents[start - first : stop - first]) if valid else None
        for start, stop, valid in spans
    ]


def _escaped(value: Text) -> str | None:
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value
