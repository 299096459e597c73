"""What several commands share: options, and how they are stopped."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from assay.errors import FatalError

ConfigPath = Annotated[Path, typer.Argument(metavar="CONFIG", help="The job's YAML file.")]
Policies = Annotated[str, typer.Option(help="Only the policies with these ids: a,b,c.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on stdout instead of a table.")]


class ReportFormat(StrEnum):
    TEXT = "text"
    JSON = "json"
    MD = "md"
    HTML = "html"


Formats = Annotated[ReportFormat, typer.Option(help="How to show the report.")]
Out = Annotated[Path | None, typer.Option(help="Write the report to this file, replacing it, instead of stdout.")]


def show_report(text: str, out: Path | None) -> None:
    """To this file; to stdout without one, or for `-`. Raises FatalError if the file can't be written."""
    if out is None or str(out) == "-":
        sys.stdout.write(text)
        return
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise FatalError(f"--out {out}: can't be written: {error}") from error


STOPPING = "stopping: finishing what is in flight (once more to end at once)"


@contextmanager
def stop_signals(told: str = STOPPING) -> Iterator[Callable[[], bool]]:
    """Whether SIGINT or SIGTERM came; `told` is printed then, if anything. A second one ends the process at once."""
    came: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        came.append(number)
        if told:
            print(told, file=sys.stderr, flush=True)
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, signal.SIG_DFL)

    before = {each: signal.signal(each, note) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(came)
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
