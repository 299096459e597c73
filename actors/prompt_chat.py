"""Models with a chat template: instructions in the system message, content in the user message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jinja2 import TemplateError

from actors.prompt import ContentEncoder, Frame
from assay.errors import FatalError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_TEXT, _CONTENT = "AssayInstructionsGoHere", "AssayContentGoesHere"


class ChatFramer:
    """Frames cut out of the template's own rendering. Raises FatalError if the template can't be cut."""

    stop_ids: tuple[int, ...] = ()

    def __init__(self, tokenizer: PreTrainedTokenizerBase, encoder: ContentEncoder) -> None:
        self._encoder = encoder
        if not getattr(tokenizer, "chat_template", None):
            raise FatalError(f"{tokenizer.name_or_path} has no chat template: use an instruction-tuned model")
        rendered = self._render(tokenizer)
        head, found_text, rest = rendered.partition(_TEXT)
        middle, found_content, tail = rest.partition(_CONTENT)
        if not (found_text and found_content) or _TEXT in rest or _CONTENT in head + tail:
            raise FatalError(f"the chat template of {tokenizer.name_or_path} does not show each message once, in order")
        self._head, self._middle, self._tail = (
            tuple(tokenizer.encode(piece, add_special_tokens=False)) for piece in (head, middle, tail)
        )

    @staticmethod
    def _render(tokenizer: PreTrainedTokenizerBase) -> str:
        system, user = {"role": "system", "content": _TEXT}, {"role": "user", "content": _CONTENT}
        merged = {"role": "user", "content": f"{_TEXT}\n\n{_CONTENT}"}
        last = ""
        for messages in ([system, user], [merged]):  # some templates refuse a system message
            try:
                rendered = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
            except TemplateError as error:
                last = str(error)
                continue
            return str(rendered)
        raise FatalError(f"the chat template of {tokenizer.name_or_path} can't be rendered: {last}")

    def frame(self, text: str) -> Frame:
        prefix = (*self._head, *self._encoder.encode(text), *self._middle)
        return Frame(prefix, self._tail)
