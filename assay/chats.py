"""Turns of a chat, from what JSON gives to the part that is judged."""

from __future__ import annotations

from typing import Literal

from assay.errors import RecordError
from assay.records import Reason, Turn

Judged = Literal["last_assistant", "last_user", "whole"]

_ROLES = {role: role for role in ("user", "assistant", "system", "tool")} | {"developer": "system", "function": "tool"}


def turn_of(turn: object, number: int) -> Turn:
    """An object with role and content, as JSON gives it. Raises RecordError (bad_chat, surrogate)."""
    if not isinstance(turn, dict):
        raise RecordError(Reason.BAD_CHAT, f"turn {number} is not an object")
    role, content = turn.get("role"), turn.get("content")
    if content is not None and not isinstance(content, str):
        raise RecordError(Reason.BAD_CHAT, f"the content of turn {number} is not text")
    text = content or ""
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise RecordError(Reason.SURROGATE, f"turn {number} holds half of a surrogate pair") from None
    return Turn(role_of(role, number), text)


def role_of(role: object, number: int) -> str:
    """One of our four roles, for any name that is in use for it. Raises RecordError (bad_chat)."""
    known = _ROLES.get(role) if isinstance(role, str) else None
    if known is None:
        raise RecordError(Reason.BAD_CHAT, f"turn {number} has the role {role!r:.50}; there are: {', '.join(_ROLES)}")
    return known


def split(turns: tuple[Turn, ...], judged: Judged) -> tuple[tuple[Turn, ...], tuple[Turn, ...]]:
    """Context and judged turns: all that comes before the judged turn is context. Raises RecordError (bad_chat)."""
    if not turns:
        raise RecordError(Reason.EMPTY, "the chat has no turns")
    if judged == "whole":
        return (), turns
    role = judged.removeprefix("last_")
    for index in range(len(turns) - 1, -1, -1):
        if turns[index].role == role:
            return turns[:index], turns[index : index + 1]
    raise RecordError(Reason.BAD_CHAT, f"the chat has no turn of role {role!r} to judge")
