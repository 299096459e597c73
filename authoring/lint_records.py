"""What `assay check` finds in a policy, and what it looks for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from authoring.lint_page import Page


class Severity(StrEnum):
    """How bad a finding is: an error makes verdicts or figures wrong, a warning worse; a note is for consideration."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Hit(NamedTuple):
    """A place in the policy's file, its line from 1, and what is wrong there."""

    line: int
    message: str


@dataclass(frozen=True, slots=True)
class Lint:
    """One thing to look for. `name` is two or three words; `why` and `way_out` are sentences."""

    code: str
    name: str
    severity: Severity
    why: str
    way_out: str
    find: Callable[[Page], Iterator[Hit]]


@dataclass(frozen=True, slots=True)
class Finding:
    """One hit. `silenced` is the reason that the file gives for not minding it, "" if it does."""

    lint: Lint
    path: str
    line: int
    message: str
    silenced: str = ""

    @property
    def code(self) -> str:
        return self.lint.code

    @property
    def severity(self) -> Severity:
        return self.lint.severity


def lint(
    code: str, name: str, severity: Severity, *, why: str, way_out: str
) -> Callable[[Callable[[Page], Iterator[Hit]]], Lint]:
    """Makes a Lint of the function that finds its hits in one policy."""
    return lambda find: Lint(code, name, severity, why, way_out, find)
