"""What a text says once its disguises are taken off. Pure, and the same for the same text wherever it runs.

The result is a reading aid beside the original, never in its place: a wrong guess costs tokens and hides nothing.
docs/adversarial.md lists what is undone and what is not.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from assay.codepoints import plain_letters, spelled_out, unadorned, visible
from assay.encodings import from_base64, from_rot13, from_url
from assay.lookalikes import fold
from assay.spelling import joined, unleeted

NORMALISE_FORMAT = "1"
"""Changes with whatever `decoded_view` makes of a text. Part of the settings hash of a judge that is shown views."""

DEPTH = 2
"""How many encodings, one inside the other, are undone."""

_PARAGRAPH = re.compile(r"\n[ \t\r]*\n")
_FORMS: tuple[Callable[[str], str], ...] = (visible, plain_letters, unadorned, fold)
"""Only for text that is not ASCII."""
_READINGS: tuple[Callable[[str], str], ...] = (from_url, from_base64, joined, unleeted, from_rot13)


def decoded_view(text: str) -> str | None:
    """What the text says without its disguises: those paragraphs that have some, None if there are none.

    At most twice as long as the text. What was encoded is marked: `[base64: ...]`, `[rot13: ...]`, `[url: ...]`, and
    `[hidden: ...]` for what was written in invisible characters. Where NFKC only spells punctuation, ligatures or
    figures otherwise there is no disguise.
    """
    views = [view for part in _PARAGRAPH.split(text) if (view := _paragraph(part)) is not None]
    return "\n\n".join(views) if views else None


def _paragraph(text: str) -> str | None:
    view = plain = text if text.isascii() else spelled_out(text)
    for _ in range(DEPTH):
        before = view
        for reading in _READINGS if view.isascii() else (*_FORMS, *_READINGS):
            view = reading(view)
        if view == before:
            break
    return view if view != plain else None
