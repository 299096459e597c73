"""Rows as a table that people read: boxed on a terminal, one record below the other where columns don't fit.

Cells come as text that is safe to show (`jobs.sql_output.printable`).
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from shutil import get_terminal_size

from rich.cells import cell_len
from rich.console import Console
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

_READABLE = 12
"""Columns of a terminal below which a column of text is no longer readable."""
_FRAME = 3
"""A border and a space on either side."""
_MOST_PADDING = 120
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefe\U00010800-\U00010fff\U0001e800-\U0001efff]")
_LEFT_TO_RIGHT_MARK = "\u200e"


@dataclass(frozen=True, slots=True)
class Rows:
    """Heads and cells to show; `numeric` has a flag for each column."""

    heads: Sequence[str]
    cells: Sequence[Sequence[str]]
    numeric: Sequence[bool]


def plain(rows: Rows, *, to_the_right: bool) -> str:
    """Columns padded with spaces, a line for each row, uncut. `to_the_right`: numbers stand there."""
    lines = (rows.heads, *rows.cells)
    right = rows.numeric if to_the_right else [False] * len(rows.heads)
    widths = [min(max(cell_len(line[at]) for line in lines), _MOST_PADDING) for at in range(len(rows.heads))]
    return "".join(_padded(line, widths, right) for line in lines)


def boxed(rows: Rows) -> str:
    """A table as wide as the terminal, numbers to the right, or records if some column would not be readable."""
    width = get_terminal_size().columns
    fits = sum(least + _FRAME for least in _least(rows)) < width
    return _rendered(_table(rows) if fits else _records(rows), width)


def _padded(line: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    between = f"{_LEFT_TO_RIGHT_MARK}  " if _RIGHT_TO_LEFT.search("".join(line)) else "  "
    cells = []
    for cell, width, to_the_right in zip(line, widths, right, strict=True):
        padding = " " * (width - cell_len(cell))
        cells.append(padding + cell if to_the_right else cell + padding)
    return f"{between.join(cells).rstrip()}\n"


def _least(rows: Rows) -> list[int]:
    """The columns of a terminal that each column takes at least to be readable. A number is never broken."""
    lines, least = (rows.heads, *rows.cells), []
    for at, numeric in enumerate(rows.numeric):
        longest = max(cell_len(line[at]) for line in lines)
        number = max((cell_len(line[at]) for line in rows.cells), default=0) if numeric else 0
        least.append(max(number, min(longest, _READABLE)))
    return least


def _table(rows: Rows) -> Table:
    table = Table()
    for head, numeric, least in zip(rows.heads, rows.numeric, _least(rows), strict=True):
        table.add_column(Text(head, overflow="fold"), justify="right" if numeric else "left", min_width=least)
    for line in rows.cells:
        table.add_row(*(Text(cell, overflow="fold") for cell in line))
    return table


def _records(rows: Rows) -> Table:
    records = Table.grid()
    for number, line in enumerate(rows.cells, 1):
        records.add_row(Rule(f"row {number}", align="left", style="dim"))
        record = Table.grid()
        record.add_column(max_width=30, overflow="fold")
        record.add_column()
        record.add_column(overflow="fold", ratio=1)
        for head, cell in zip(rows.heads, line, strict=True):
            record.add_row(Text(head), " │ ", Text(cell))
        records.add_row(record)
    return records


def _rendered(table: Table, width: int) -> str:
    console = Console(file=io.StringIO(), force_terminal=True, emoji=False, markup=False, highlight=False, width=width)
    with console.capture() as capture:
        console.print(table)
    return "".join(map(_in_order, capture.get().splitlines(keepends=True)))


def _in_order(line: str) -> str:
    """The line with its cells kept in their order on terminals that turn round text from right to left."""
    if not _RIGHT_TO_LEFT.search(line):
        return line
    return re.sub("[│┃]", lambda border: f"{_LEFT_TO_RIGHT_MARK}{border[0]}{_LEFT_TO_RIGHT_MARK}", line)
