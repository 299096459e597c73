"""Statements answered one after another over one snapshot of the outcomes, each of which ^C can end."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from types import FrameType
from typing import BinaryIO

import duckdb

from assay.config import Labels
from assay.errors import InputError
from jobs.sql import answer, opened, stored
from jobs.sql_output import Look, write
from jobs.sql_params import Value

_PAUSE = 0.05


@dataclass(frozen=True, slots=True)
class Name:
    """What a query may name. `kind`: view, column, macro or table_macro; `of_view`: the view that a column is of.

    `about`: what a view or macro answers, the type of a column; `parameters`: those of a macro.
    """

    kind: str
    name: str
    of_view: str
    about: str
    parameters: str


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a text, and the names of its parameters in lower case."""

    sql: str
    parameters: frozenset[str]


class SqlSession:
    """Answers statements over the sink at `path` and the labels, as both stood at the beginning or the last refresh.

    `params`: values by name in lower case; a statement is given those that it names. To be closed. Raises InputError if
    nothing has been audited yet.
    """

    def __init__(self, path: str, params: Mapping[str, Value], labels: Labels | None = None) -> None:
        self._path = path
        self._labels = labels
        self._params = params
        self._stack = ExitStack()
        self._connection = self._stack.enter_context(opened(path, labels))

    def refresh(self) -> None:
        """Go over to the latest snapshot; if that can't be opened, the session stays as it is."""
        with ExitStack() as stack:
            connection = stack.enter_context(opened(self._path, self._labels))
            self.close()
            self._connection, self._stack = connection, stack.pop_all()

    def close(self) -> None:
        self._stack.close()

    def names(self) -> tuple[Name, ...]:
        """Views, their columns, and macros."""
        return tuple(Name(*row[:5]) for row in self._connection.execute(stored("sql_names")).fetchall())

    def statements(self, text: str) -> Sequence[Statement]:
        """The statements of a text. Raises InputError if it is no SQL."""
        try:
            found = self._connection.extract_statements(text)
        except (duckdb.Error, ValueError, TypeError) as error:
            raise InputError(f"this is no SQL: {error}") from error
        return [Statement(each.query, frozenset(map(str.lower, each.named_parameters))) for each in found]

    def answer_all(self, statements: Sequence[Statement], look: Look, out: BinaryIO) -> None:
        """Write the rows of each statement, up to the first that fails; tables and csv are parted by an empty line.

        Raises what `jobs.sql.query` and `write` do, and KeyboardInterrupt after ^C.
        """
        for number, statement in enumerate(statements):
            if number and look.format in ("table", "csv"):
                out.write(b"\n")
            _interruptible(partial(self._write, statement, look, out), self._connection.interrupt)
            out.flush()

    def _write(self, statement: Statement, look: Look, out: BinaryIO) -> None:
        params = {name: value for name, value in self._params.items() if name in statement.parameters}
        with answer(self._connection, self._path, statement.sql, params or None) as reader:
            write(reader, look, out)


def _interruptible(work: Callable[[], None], interrupt: Callable[[], None]) -> None:
    """Run work in a thread, so that ^C, which Python hears in the main one only, can call `interrupt` meanwhile."""
    came: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        came.append(number)

    before = signal.signal(signal.SIGINT, note)
    try:
        with ThreadPoolExecutor(1) as threads:
            working = threads.submit(work)
            while wait([working], _PAUSE).not_done:
                if came:
                    interrupt()
    finally:
        signal.signal(signal.SIGINT, before)
    if came:
        raise KeyboardInterrupt
    working.result()
