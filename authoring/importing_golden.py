"""The items of a published golden CSV. Codes become rule ids; a prompt and its response become two items."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from assay.golden import GOLDEN_FIELDS, Expected, GoldenItem
from assay.records import ItemKind, Turn
from authoring.golden_rows import csv_records
from authoring.importing_labels import Cell, Outcome, Scheme, as_cell, is_absent, outcome
from authoring.importing_records import Kind, LabelsFrom, Remark
from authoring.importing_sheet import Line, Sheet, sheet_of

_SHOWN = 100
_TAKEN = {*GOLDEN_FIELDS, "section", "published"}


@dataclass(frozen=True, slots=True)
class Labels:
    """What a policy's labels are, and which of them stand for content that violates nothing."""

    policy_id: str
    scheme: Scheme
    allowed: tuple[str, ...]
    source: LabelsFrom


@dataclass(frozen=True, slots=True)
class _Content:
    """One content of a line, with what is said of it: its cells of labels, the section line above, other columns.

    `name` is its item's id without the policy's, `group` that of its line; `prompt` is None for what is no response.
    """

    name: str
    group: str
    line: int
    prompt: str | None
    text: str
    cells: tuple[str, ...]
    section: str
    others: tuple[tuple[str, str], ...]

    def labels(self, source: LabelsFrom) -> tuple[str, ...]:
        """The texts that hold its labels."""
        by_section = self.section and (source is LabelsFrom.SECTION or not self.cells)
        return (self.section,) if by_section else self.cells


def read_published_golden(path: Path, labels: Labels) -> tuple[tuple[GoldenItem, ...], tuple[Remark, ...]]:
    """The items of a published CSV and what had to be guessed. Labels that can't be read are unknown, never "allowed".

    Raises InputError, naming file and line, for what is no CSV in UTF-8.
    """
    records = (Line(number, tuple(cells)) for number, cells in csv_records(path))
    lines = [line for line in records if line.filled]
    sheet = sheet_of(lines)
    if sheet is None:
        return (), (
            Remark(Kind.NOT_READ, str(path), "no column of labels such as X0 or INVALID, and no section lines"),
        )
    if labels.source is LabelsFrom.AUTO:
        by_section = sheet.sections and (sheet.answered or not sheet.labels)
        labels = replace(labels, source=LabelsFrom.SECTION if by_section else LabelsFrom.COLUMN)
    contents, others = _contents(lines, sheet)
    remarks = [*_layout(sheet, labels, path)]
    remarks += (Remark(Kind.NOT_READ, f"{path}:{line.number}", _shown(line)) for line in others)
    remarks += (remark for content in contents for remark in _doubts(content, labels, f"{path}:{content.line}"))
    return tuple(_item(content, labels) for content in contents), tuple(remarks)


def _contents(lines: Sequence[Line], sheet: Sheet) -> tuple[list[_Content], list[Line]]:
    """What the lines of items hold, and the lines that are neither items nor sections nor the header."""
    found: list[_Content] = []
    others: list[Line] = []
    section, count = "", 0
    for line in lines:
        if line.number in sheet.sections:
            section = line.cell(line.filled[0]).strip()
        elif line.number >= sheet.start and any(line.cell(column).strip() for column in sheet.contents):
            count += 1
            found += _of_line(line, str(count), section, sheet)
        elif line is not sheet.header:
            others.append(line)
    return found, others


def _of_line(line: Line, number: str, section: str, sheet: Sheet) -> Iterator[_Content]:
    """A text; or of a prompt and its response each that is there, and a prompt only if it has labels of its own."""
    texts = [line.cell(column) for column in sheet.contents]
    others = _others(line, sheet)
    if len(texts) == 1:
        yield _Content(number, number, line.number, None, texts[0], _cells(line, 0, sheet), section, others)
        return
    prompt, response = texts
    if prompt.strip() and sheet.labels_of(0):
        name = f"{number}-prompt"
        yield _Content(name, number, line.number, None, prompt, _cells(line, 0, sheet), section, others)
    if not is_absent(response):
        name = f"{number}-response"
        yield _Content(name, number, line.number, prompt, response, _cells(line, 1, sheet), section, others)


def _cells(line: Line, place: int, sheet: Sheet) -> tuple[str, ...]:
    cells = (line.cell(column) for column in sheet.labels_of(place))
    return tuple(cell.strip() for cell in cells if not is_absent(cell))


def _others(line: Line, sheet: Sheet) -> tuple[tuple[str, str], ...]:
    """The columns that the header names and that are neither contents nor labels."""
    named = (
        (sheet.heading(each), line.cell(each)) for each in line.filled if each not in sheet.contents + sheet.labels
    )
    return tuple((f"published {name}" if name in _TAKEN else name, cell) for name, cell in named if name)


def _item(content: _Content, labels: Labels) -> GoldenItem:
    result = _outcome(content, labels)
    rules = result.rules if result.violation else ()
    response = content.prompt is not None
    said = (("section", content.section), ("published", ", ".join(content.cells)))
    return GoldenItem(
        id=f"{labels.policy_id}-{content.name}",
        kind=ItemKind.COMPLETION if response else ItemKind.TEXT,
        context=(Turn("user", content.prompt),) if content.prompt else (),
        judged=(Turn("assistant" if response else "user", content.text),),
        expected=(Expected(labels.policy_id, result.violation, rules),),
        group=f"{labels.policy_id}-{content.group}",
        carried=tuple((name, cell) for name, cell in (*said, *content.others) if cell),
    )


def _outcome(content: _Content, labels: Labels) -> Outcome:
    read = [cell for cell in map(as_cell, content.labels(labels.source)) if cell]
    codes = tuple(dict.fromkeys(code for cell in read for code in cell.codes))
    words = {cell.violation for cell in read if cell.violation is not None}
    return outcome(Cell(codes, words.pop() if len(words) == 1 else None), labels.scheme, labels.allowed)


def _layout(sheet: Sheet, labels: Labels, path: Path) -> Iterator[Remark]:
    """What the columns were taken for."""
    if sheet.sections:
        why = "the column looks like a model's answers" if sheet.answered else "no column has one, or it was asked for"
        text = (
            f"its section line ({why})" if labels.source is LabelsFrom.SECTION else "its column, not its section line"
        )
        yield Remark(Kind.GUESSED, str(path), f"what decides a row's label: {text}; --labels chooses")
    for place, column in enumerate(sheet.contents):
        what = "content" if len(sheet.contents) == 1 else ("prompt", "response")[place]
        its = ", ".join(_named(label, sheet) for label in sheet.labels_of(place)) or "none"
        yield Remark(Kind.GUESSED, str(path), f"{what}: column {_named(column, sheet)}; its labels: column {its}")


def _named(column: int, sheet: Sheet) -> str:
    heading = sheet.heading(column)
    return f"{column + 1} ({heading})" if heading else str(column + 1)


def _doubts(content: _Content, labels: Labels, where: str) -> Iterator[Remark]:
    """What of a content's labels could be read in another way, or in none."""
    result = _outcome(content, labels)
    cells = ", ".join(content.cells)
    if result.violation is None:
        yield Remark(Kind.GUESSED, where, f"{content.name}: no label can be read from {cells!r:.60}: unknown")
    if result.violation is False and result.rules:
        rules = ", ".join(result.rules)
        yield Remark(Kind.GUESSED, where, f"{content.name}: allowed by its word, and {rules} is a rule: allowed")
    if result.unknown:
        codes = ", ".join(result.unknown)
        yield Remark(Kind.NOT_READ, where, f"{content.name}: codes that the policy doesn't have: {codes}")
    above, own = as_cell(content.section), as_cell(cells)
    if above and own and above.codes and own.codes and not {*above.codes} & {*own.codes}:
        yield Remark(Kind.GUESSED, where, f"{content.section} by its section line, {cells} by its column")


def _shown(line: Line) -> str:
    return " ".join(" ".join(line.cell(column) for column in line.filled).split())[:_SHOWN]
