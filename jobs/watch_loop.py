"""`assay watch`: reads the table again and again, and shows how the job's latest run stands.

It asks neither the source nor the judge nor the replicas, so it serves wherever the table can be read; what is read is
in `jobs.watch_reading`. At most a tenth of the time is spent on reading: a view that took a second stands for ten.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from rich.console import Console
from rich.live import Live

from assay.config import Config
from assay.errors import AssayError, TransientError
from jobs.eval_words import excerpt
from jobs.watch_reading import read_now
from jobs.watch_record import Watched
from jobs.watch_shown import as_drawn, as_text
from jobs.watch_view import Note, Part, age, view

READING_SHARE = 0.1
_LOOK_SECONDS = 0.05
_SLOW = 1.5
_PROBLEM_CHARS = 300

Stopping = Callable[[], bool]


def print_once(config: Config) -> None:
    """One view on stdout: drawn on a terminal, else plain lines. Raises what `read_now` does."""
    parts = view(read_now(config, datetime.now(UTC)), config.sink.path)
    if sys.stdout.isatty():
        Console().print(as_drawn(parts))
    else:
        _write(as_text(parts))


def print_on(config: Config, every: float, stopping: Stopping) -> None:
    """Plain views on stdout with an empty line between them, until `stopping`."""
    for number, parts in enumerate(_views(config, every, stopping)):
        _write("\n" * bool(number) + as_text(parts))


def draw_on(config: Config, every: float, stopping: Stopping) -> None:
    """One view on the terminal, drawn over and over until `stopping`; the last one stays there."""
    with Live(console=Console(), auto_refresh=False) as live:
        for parts in _views(config, every, stopping):
            live.update(as_drawn(parts), refresh=True)


def _write(text: str) -> None:
    sys.stdout.buffer.write(text.encode())
    sys.stdout.buffer.flush()


@dataclass(slots=True)
class Watch:
    """Looks at one job's table, and keeps what it saw last for when the table can't be read."""

    config: Config
    last: Watched | None = field(default=None, init=False)

    def look(self) -> Sequence[Part]:
        """The view as it is now; or the last good one and why there is no newer.

        Raises what `read_now` does while there is no good one, but for TransientError.
        """
        path = self.config.sink.path
        try:
            self.last = read_now(self.config, datetime.now(UTC))
        except AssayError as error:
            why = f"The table can't be read now: {excerpt(str(error), _PROBLEM_CHARS)}"
            if self.last is not None:
                stood = age(self.last.read_at, datetime.now(UTC))
                return [Note(f"{why}; this is how it stood {stood} ago"), *view(self.last, path)]
            if isinstance(error, TransientError):
                return [Note(why)]
            raise
        return [*view(self.last, path)]


def _views(config: Config, every: float, stopping: Stopping) -> Iterator[Sequence[Part]]:
    """A view now and after each pause, until `stopping`."""
    watch = Watch(config)
    while not stopping():
        began = time.monotonic()
        parts = watch.look()
        took = time.monotonic() - began
        pause = pause_after(took, every)
        yield parts if pause < _SLOW * every else [*parts, _slow(took, pause)]
        _sleep(pause, stopping)


def pause_after(took: float, every: float) -> float:
    """Seconds to wait after a reading that took so many, so that views come `every` so often or reading stays rare."""
    return max(every - took, took / READING_SHARE - took)


def _slow(took: float, pause: float) -> Note:
    return Note(f"reading takes {took:,.1f} s, so this view is renewed every {took + pause:,.0f} s")


def _sleep(seconds: float, stopping: Stopping) -> None:
    """Sleep so long, but look now and then whether to stop: a signal does not end `time.sleep`."""
    end = time.monotonic() + seconds
    while not stopping() and (left := end - time.monotonic()) > 0:
        time.sleep(min(left, _LOOK_SECONDS))
