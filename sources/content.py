"""What a row or record is, and the turns it makes: the same for every source."""

from __future__ import annotations

from assay.chats import Judged, split
from assay.config import Columns
from assay.errors import RecordError
from assay.records import ItemKind, Reason, Turn
from sources.chats import Chat, JsonChat, ListChat, ParsedChat
from sources.values import Text, as_text, check_size

_NO_TURNS: tuple[Turn, ...] = ()


def kind_of(columns: Columns, chat: object, response: object) -> ItemKind:
    """A chat if there is one, else a completion, else a text where the config names a column of texts."""
    if chat is not None:
        return ItemKind.CHAT
    if response is not None:
        return ItemKind.COMPLETION
    if columns.text:
        return ItemKind.TEXT
    return ItemKind.COMPLETION if columns.response else ItemKind.CHAT


def turns_of(
    kind: ItemKind, content: Text | Chat | ParsedChat, prompt: Text, judged: Judged, cap: int
) -> tuple[tuple[Turn, ...], tuple[Turn, ...]]:
    """Context and judged turns. `content` is the chat, the response or the text, `prompt` a completion's context.

    Raises RecordError (empty, bad_chat, invalid_utf8, surrogate, too_long above `cap` bytes).
    """
    if isinstance(content, JsonChat | ListChat | ParsedChat):
        context, shown = split(content.turns(cap), judged)
    elif kind is ItemKind.COMPLETION:
        context = (Turn("user", _checked(prompt, "prompt", cap)),) if prompt else _NO_TURNS
        shown = (Turn("assistant", _checked(content, "response", cap)),)
    else:
        context, shown = _NO_TURNS, (Turn("user", _checked(content, "content", cap)),)
    if all(not turn.content or turn.content.isspace() for turn in shown):
        raise RecordError(Reason.EMPTY, "the content is empty or only white space")
    return context, shown


def _checked(value: Text, what: str, cap: int) -> str:
    if value is None:
        raise RecordError(Reason.EMPTY, f"the {what} is null")
    check_size([value], what, cap)
    return as_text(value, f"the {what}")
