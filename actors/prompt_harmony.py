"""Harmony, the format of the gpt-oss models: effort in the system message, instructions in the developer message."""

from __future__ import annotations

from typing import Literal

from openai_harmony import (
    Conversation,
    DeveloperContent,
    HarmonyEncoding,
    HarmonyEncodingName,
    Message,
    ReasoningEffort,
    Role,
    SystemContent,
    load_harmony_encoding,
)

from actors.prompt import Frame

RETURN, CONSTRAIN, CHANNEL, START, END, MESSAGE, CALL = 200002, 200003, 200005, 200006, 200007, 200008, 200012
SPECIAL_IDS = range(199998, 200019)
"""The ids of Harmony's 21 special tokens."""

_EFFORT = {"low": ReasoningEffort.LOW, "medium": ReasoningEffort.MEDIUM, "high": ReasoningEffort.HIGH}


class HarmonyFramer:
    """Frames for gpt-oss. There is no date line: it would change the prefix every day."""

    stop_ids: tuple[int, ...] = (RETURN, CALL)

    def __init__(self, effort: Literal["low", "medium", "high"]) -> None:
        self._encoding: HarmonyEncoding = load_harmony_encoding(HarmonyEncodingName.HARMONY_GPT_OSS)
        self._system = SystemContent.new().with_reasoning_effort(_EFFORT[effort])

    def conversation(self, text: str, *content: str) -> Conversation:
        """System and developer message, and a user message for each `content`."""
        return Conversation.from_messages(
            [
                Message.from_role_and_content(Role.SYSTEM, self._system),
                Message.from_role_and_content(Role.DEVELOPER, DeveloperContent.new().with_instructions(text)),
                *(Message.from_role_and_content(Role.USER, shown) for shown in content),
            ]
        )

    def reference(self, text: str, content: str) -> list[int]:
        """The whole prompt as oss-harmony renders it: what prefix, content and suffix must add up to. Slow."""
        conversation = self.conversation(text, content)
        return list(self._encoding.render_conversation_for_completion(conversation, Role.ASSISTANT))

    def frame(self, text: str) -> Frame:
        head = self._encoding.render_conversation(self.conversation(text))
        user = self._encoding.encode("user")
        assistant = self._encoding.encode("assistant")
        return Frame((*head, START, *user, MESSAGE), (END, START, *assistant))
