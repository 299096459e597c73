"""A live view as plain lines, or drawn on a terminal. What the table says can't act on either.

All text is made printable here (`jobs.sql_output.printable`): control characters, escape sequences and reordering marks
are shown as escapes.
"""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.text import Text

from jobs.sql_output import printable
from jobs.sql_table import Rows, boxed, plain
from jobs.watch_view import Fact, Heading, Note, Part

_NAME_WIDTH = 11


def as_text(parts: Iterable[Part]) -> str:
    """Lines without any control sequence, as wide as they need to be."""
    return "".join(_lines(part) for part in parts)


def as_drawn(parts: Iterable[Part]) -> RenderableType:
    """The same for rich, as wide as the terminal is now."""
    return Group(*map(_drawn, parts))


def _lines(part: Part) -> str:
    return f"\n{plain(_safe(part), to_the_right=True)}" if isinstance(part, Rows) else f"{_line(part)}\n"


def _drawn(part: Part) -> Text:
    if isinstance(part, Rows):
        return Text.from_ansi(boxed(_safe(part)).rstrip(), no_wrap=True)
    style = "" if isinstance(part, Fact) else "bold" if isinstance(part, Heading) else "bold yellow"
    return Text(_line(part), style=style, overflow="fold")


def _line(part: Heading | Fact | Note) -> str:
    if isinstance(part, Fact):
        return printable(f"{part.name:<{_NAME_WIDTH}}{part.text}")
    return printable(part.text if isinstance(part, Heading) else f"! {part.text}")


def _safe(rows: Rows) -> Rows:
    cells = [[printable(cell) for cell in line] for line in rows.cells]
    return Rows([printable(head) for head in rows.heads], cells, rows.numeric)
