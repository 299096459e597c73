"""What goes into the import of a published policy and comes out of it: files, a policy, golden items, remarks."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from assay.golden import GoldenItem
from assay.policy import Policy


class Kind(StrEnum):
    """What a remark is about."""

    GUESSED = "guessed"
    TAKEN_OUT = "taken out"
    LEFT_IN = "left in"
    NOT_READ = "not read"


@dataclass(frozen=True, slots=True)
class Remark:
    """Something that whoever imports a policy should look at. `where` is `file:line`, or the file alone."""

    kind: Kind
    where: str
    text: str


class LabelsFrom(StrEnum):
    """What decides a golden row's label where both are there: the column, or the line that heads its section."""

    AUTO = "auto"
    COLUMN = "column"
    SECTION = "section"


@dataclass(frozen=True, slots=True)
class Published:
    """The files of one published policy, and the id that it gets. `remarks` say how they were found."""

    id: str
    policy: Path
    golden: Path | None
    remarks: tuple[Remark, ...] = ()


@dataclass(frozen=True, slots=True)
class Imported:
    """A policy of ours and the text of its file, its golden items (none without a file of them), and the remarks."""

    policy: Policy
    items: tuple[GoldenItem, ...]
    remarks: tuple[Remark, ...]
