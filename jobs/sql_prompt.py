"""The prompt of `assay sql`: history, completion, statements over several lines, and a few commands of its own."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import duckdb
from prompt_toolkit import PromptSession
from prompt_toolkit.application import get_app
from prompt_toolkit.filters import Condition
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.output.defaults import create_output

from assay.errors import AssayError, InputError
from jobs.sql_completion import NameCompleter
from jobs.sql_output import Look, printable
from jobs.sql_session import Name, SqlSession
from jobs.sql_table import Rows, plain

_HELP = """\
A query ends with ; and may take several lines.
Tab            completes names of views, macros and columns
^C             clears the line, or ends a query that takes too long
^D             ends
.views         the views and macros, and what each answers
.schema NAME   the columns of a view, or the parameters of a macro
.refresh       the outcomes as they stand now; until then they stand as at the start
.help          this
.quit          ends\
"""
_MOST_OF_AN_ERROR = 500
_WHERE_IN_SQL = re.compile(r"\n+LINE \d+:.*", re.DOTALL)


class Prompt:
    """Asks for statements and answers them on `out`, until ^D or `.quit`; all else it says on stderr."""

    def __init__(self, opened: SqlSession, look: Look, out: BinaryIO) -> None:
        self._opened = opened
        self._look = look
        self._out = out
        self._commands: Mapping[str, Callable[[str], None]] = {
            ".views": self._views,
            ".schema": self._schema,
            ".refresh": lambda _: opened.refresh(),
            ".help": lambda _: _say(_HELP),
        }

    def run(self) -> None:
        """Ask until the end. A mistake costs one line, and ^C the statement."""
        asking = self._asking()
        _say("a query ends with ; and .help says more")
        with _deaf_to_interrupts():
            while (text := _next(asking)) is not None and text.strip() != ".quit":
                self._react(text)

    def _asking(self) -> PromptSession[str]:
        return PromptSession(
            "assay> ",
            multiline=Condition(lambda: not is_complete(get_app().current_buffer.text)),
            prompt_continuation="  ...> ",
            history=open_history(),
            completer=NameCompleter(self._opened.names(), [*self._commands, ".quit"]),
            complete_while_typing=False,
            output=create_output(always_prefer_tty=True),
        )

    def _react(self, text: str) -> None:
        try:
            if text.strip().startswith("."):
                self._command(*text.split(maxsplit=1))
            else:
                self._opened.answer_all(self._opened.statements(text), self._look, self._out)
        except KeyboardInterrupt:
            _say("interrupted")
        except AssayError as error:
            _say(f"error: {one_line(error)}")

    def _command(self, command: str, rest: str = "") -> None:
        run = self._commands.get(command)
        if run is None:
            raise InputError(f"{command}: there is no such command; .help names them")
        run(rest.strip().rstrip(";"))

    def _views(self, _: str) -> None:
        names = [name for name in self._opened.names() if name.kind != "column"]
        _say_table(
            ["name", "kind", "answers"], [[name.name, name.kind.replace("_", " "), name.about] for name in names]
        )

    def _schema(self, wanted: str) -> None:
        names = self._opened.names()
        if columns := [name for name in names if name.of_view == wanted.lower() != ""]:
            _say_table(["column", "type"], [[name.name, name.about] for name in columns])
            return
        macros = [name for name in names if name.kind.endswith("macro") and name.name == wanted.lower()]
        if not macros:
            raise InputError(f".schema {wanted}: there is no such view or macro; .views names them")
        for macro in macros:
            _say(_signature(macro))


def _next(asking: PromptSession[str]) -> str | None:
    """What is entered next, nothing after ^C; None after ^D."""
    try:
        return asking.prompt(handle_sigint=False)
    except KeyboardInterrupt:
        return ""
    except EOFError:
        return None


@contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """While typing, ^C is a key, and a running query hears it; in the moments between, it must not end the prompt."""
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def is_complete(text: str) -> bool:
    """Whether Enter ends the input: after a `;` that is in no string or comment, a command, or nothing at all."""
    if not text.strip() or text.lstrip().startswith("."):
        return True
    try:
        tokens = [place for place, kind in duckdb.tokenize(text) if kind != duckdb.token_type.comment]
    except TypeError:  # half a surrogate pair: no SQL, whatever follows
        return True
    return bool(tokens) and text.encode()[tokens[-1] :].startswith(b";")


def one_line(error: AssayError) -> str:
    """What an error says, without the excerpt of the query that DuckDB adds, safe to show and not too long."""
    words = " ".join(_WHERE_IN_SQL.sub("", str(error)).split())
    return printable(words if len(words) <= _MOST_OF_AN_ERROR else f"{words[:_MOST_OF_AN_ERROR]}…")


def open_history() -> History:
    """What was asked before, from a file that its owner alone can read; nothing is kept where there can be none."""
    try:
        folder = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "assay"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = folder / "sql_history"
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        os.fchmod(descriptor, 0o600)
        os.close(descriptor)
    except (OSError, RuntimeError) as error:
        _say(f"no history is kept: {printable(str(error))}")
        return InMemoryHistory()
    return _KeptHistory(file)


class _KeptHistory(FileHistory):
    def store_string(self, string: str) -> None:
        """Keep what was asked, if it can be: neither a full disk nor a byte that is no UTF-8 ends the prompt."""
        with suppress(OSError):
            super().store_string(string.encode("utf-8", "replace").decode())


def _signature(macro: Name) -> str:
    rows = "rows: SELECT * FROM " if macro.kind == "table_macro" else "a value: SELECT "
    return f"{rows}{macro.name}({macro.parameters})"


def _say_table(heads: list[str], cells: list[list[str]]) -> None:
    shown = [[printable(cell) for cell in line] for line in cells]
    _say(plain(Rows(heads, shown, [False] * len(heads)), to_the_right=False).rstrip("\n"))


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
