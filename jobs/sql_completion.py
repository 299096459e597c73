"""What Tab offers at the prompt of `assay sql`: views, macros, columns, and the prompt's own commands."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from jobs.sql_output import printable
from jobs.sql_session import Name

_WORD = re.compile(r"(?:(\w+)\.)?(\w*)$")
_COMMAND = re.compile(r"\s*(\.\w*)$")
_COMMAND_NAME = re.compile(r"\s*\.\w+\s+(\w*)$")


class NameCompleter(Completer):
    """Completes the word before the cursor; after `verdicts.` only columns of that view."""

    def __init__(self, names: Sequence[Name], commands: Sequence[str]) -> None:
        self._names = names
        self._commands = commands
        self._views = {name.name for name in names if name.kind == "view"}

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:  # noqa: ARG002
        text = document.text_before_cursor
        if found := _COMMAND.match(text):
            return [_completion(command, found[1], "") for command in self._commands if command.startswith(found[1])]
        if found := _COMMAND_NAME.match(text):
            return _offered([name for name in self._names if name.kind != "column"], found[1])
        found = _WORD.search(text)
        view, word = (found[1], found[2]) if found else (None, "")
        return _offered(self._of(view) if view else self._names, word)

    def _of(self, view: str) -> list[Name]:
        """The columns of a view, or, as the word may be an alias, all columns."""
        columns = [name for name in self._names if name.kind == "column"]
        return [name for name in columns if name.of_view == view.lower() or view.lower() not in self._views]


def _offered(names: Sequence[Name], word: str) -> list[Completion]:
    """Each name once: views and macros first, then columns, by alphabet."""
    fitting = {name.name: name for name in names if name.name.lower().startswith(word.lower())}
    ordered = sorted(fitting.values(), key=lambda name: (name.kind == "column", name.name))
    return [_completion(name.name, word, _meta(name)) for name in ordered]


def _meta(name: Name) -> str:
    return name.about.lower() if name.kind == "column" else name.kind.replace("_", " ")


def _completion(text: str, word: str, meta: str) -> Completion:
    return Completion(text, start_position=-len(word), display=printable(text), display_meta=printable(meta))
