"""The layout of a published golden CSV, made out from what its cells hold: disclaimers, header, sections, columns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from authoring.importing_labels import as_cell, is_absent

_SHARE = 0.5
_PROMPT = re.compile(r"(?i)prompt|request|question|query|user|input")
_RESPONSE = re.compile(r"(?i)response|completion|answer|reply|assistant|output")
_ANSWERED = re.compile(r"(?i)classif|predict|model|gpt|actual|result")


@dataclass(frozen=True, slots=True)
class Line:
    """One record of the file: the number of its first line, from 1, and its cells."""

    number: int
    cells: tuple[str, ...]

    def cell(self, column: int) -> str:
        return self.cells[column] if column < len(self.cells) else ""

    @property
    def filled(self) -> tuple[int, ...]:
        """The columns that hold something."""
        return tuple(column for column, cell in enumerate(self.cells) if cell.strip())


@dataclass(frozen=True, slots=True)
class Sheet:
    """Columns of contents and of labels, in order; the header if there is one; the numbers of the section lines.

    `start` is the number of the first line of items.
    """

    contents: tuple[int, ...]
    labels: tuple[int, ...]
    header: Line | None
    sections: frozenset[int]
    start: int

    def heading(self, column: int) -> str:
        """What the header calls a column, or "" ."""
        return " ".join(self.header.cell(column).split()) if self.header else ""

    def labels_of(self, place: int) -> tuple[int, ...]:
        """The columns of labels of the `place`-th content: those between it and the next, or before it if they lead."""
        if len(self.contents) == 1:
            return self.labels
        edges = (-1, *self.contents) if self.labels and self.labels[0] < self.contents[0] else (*self.contents, 10**6)
        return tuple(column for column in self.labels if edges[place] < column < edges[place + 1])

    @property
    def answered(self) -> bool:
        """Whether the labels in the columns are a model's answers, with the true ones in the section lines."""
        return bool(self.sections) and any(_ANSWERED.search(self.heading(column)) for column in self.labels)


def sheet_of(lines: Sequence[Line]) -> Sheet | None:
    """The layout of a file; None if it has no content with a label or below a section line."""
    rows = [line for line in lines if len(line.filled) > 1]
    columns = range(max((len(line.cells) for line in rows), default=0))
    labels = tuple(column for column in columns if _is_label_column(rows, column))
    sections = frozenset(line.number for line in lines if _is_section(line, labels))
    labelled = [line for line in rows if any(_is_label(line.cell(column)) for column in labels)]
    after = min(sections, default=0)
    data = labelled or [line for line in lines if sections and line.number > after and line.number not in sections]
    named = _header(lines, data, sections, labels)
    contents = _contents(data, tuple(column for column in columns if column not in labels), labels, named)
    if not (contents and data):
        return None
    return Sheet(contents, labels, named, sections, data[0].number)


def _is_label(cell: str) -> bool:
    return bool(cell.strip()) and as_cell(cell) is not None


def _is_section(line: Line, labels: Sequence[int]) -> bool:
    """A line whose only cell begins with a label, outside of the columns of labels: it heads the rows below it."""
    return len(line.filled) == 1 and line.filled[0] not in labels and _is_label(line.cell(line.filled[0]))


def _is_label_column(rows: Sequence[Line], column: int) -> bool:
    filled = [line.cell(column) for line in rows if not is_absent(line.cell(column))]
    return bool(filled) and sum(map(_is_label, filled)) >= _SHARE * len(filled)


def _header(
    lines: Sequence[Line], data: Sequence[Line], sections: frozenset[int], labels: Sequence[int]
) -> Line | None:
    """The last line before the items that names a column of labels, or several columns."""
    before = [line for line in lines if data and line.number < data[0].number and line.number not in sections]
    return next((line for line in reversed(before) if len(line.filled) > 1 or {*line.filled} & {*labels}), None)


def _contents(
    data: Sequence[Line], columns: Sequence[int], labels: Sequence[int], header: Line | None
) -> tuple[int, ...]:
    """The columns of contents: between columns of labels the longest; without labels between, as the header has it."""
    texts = [column for column in columns if _is_text(data, column)]
    edges = (-1, *labels, 10**6)
    stretches = [[c for c in texts if low < c < high] for low, high in pairwise(edges)]
    found = [max(stretch, key=lambda column: _size(data, column)) for stretch in stretches if stretch]
    if len(found) == 1 and header:
        asked = [column for column in texts if _PROMPT.search(header.cell(column))]
        answers = [column for column in texts if _RESPONSE.search(header.cell(column)) and column not in asked[:1]]
        found = [asked[0], answers[0]] if asked and answers else found
    return tuple(found[:2])


def _is_text(data: Sequence[Line], column: int) -> bool:
    filled = [line.cell(column) for line in data if not is_absent(line.cell(column))]
    return not all(re.fullmatch(r"\s*[\d.,%]+\s*", cell) for cell in filled)


def _size(data: Sequence[Line], column: int) -> int:
    return sum(len(line.cell(column)) for line in data)
