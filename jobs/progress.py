"""Progress on stderr: a bar on a terminal, one line a minute elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from actors.board import Status
from assay.contracts import Tally
from jobs.sql_output import printable_lines

if TYPE_CHECKING:
    from jobs.lag import Lag  # brings the Kafka client, of which a backfill needs nothing

_LINE_SECONDS = 60.0


class Reporter:
    """Shows a run's status as it comes in."""

    def __init__(self, bar: Progress | None) -> None:
        self._bar = bar
        self._task: TaskID | None = bar.add_task("judging", total=None, facts="starting") if bar else None
        self._began = self._shown = time.monotonic()

    def show(self, status: Status, total: int) -> None:
        """`total`: cases that this run has to settle."""
        now = time.monotonic()
        done = status.tally.settled
        facts = _facts(status.tally, now - self._began)
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=done, total=total, facts=facts)
        elif now - self._shown >= _LINE_SECONDS:
            self._shown = now
            left = (total - done) * (now - self._began) / done if done else None
            eta = "unknown" if left is None else f"{left / 60:.0f} min"
            print(f"{done:,} of {total:,} cases, {facts}, {eta} left", file=sys.stderr, flush=True)


def _facts(tally: Tally, seconds: float) -> str:
    done = tally.settled
    # Of what begins alike more can be cached than the policy's part.
    cached = f"{min(1.0, tally.cached_tokens / tally.cacheable_tokens):.0%}" if tally.cacheable_tokens else "-"
    tokens = (tally.prompt_tokens + tally.output_tokens) / seconds if seconds else 0
    return (
        f"{done / seconds if seconds else 0:,.1f}/s, {tally.flagged:,} flagged, "
        f"{sum(tally.rejected.values()):,} rejected, {tokens:,.0f} tokens/s, {cached} of prefixes cached"
    )


@contextmanager
def progress() -> Iterator[Reporter]:
    """A reporter for one run."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield Reporter(None)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[facts]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        yield Reporter(bar)


class StreamReporter:
    """Shows a stream's status: what came in since it was last shown, and what was said."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._every = _LINE_SECONDS / 30 if console.is_terminal else _LINE_SECONDS
        self._shown = time.monotonic()
        self._before = Tally()

    def say(self, text: str) -> None:
        print(printable_lines(text), file=sys.stderr, flush=True)

    def show(self, status: Status, lag: Lag | None) -> None:
        now, tally = time.monotonic(), status.tally
        if now - self._shown < self._every:
            return
        rate = (tally.items - self._before.items) / (now - self._shown)
        p50, p99 = tally.wait(0.5), tally.wait(0.99)
        wait = "" if p50 is None or p99 is None else f", {p50:.2f} s from item to table (p99 {p99:.2f} s)"
        self._shown, self._before = now, tally
        behind = "" if lag is None else f", {lag.text()}"
        rejected = sum(tally.rejected.values())
        self.say(f"{rate:,.1f} records/s, {tally.flagged:,} flagged, {rejected:,} rejected{wait}{behind}")


@contextmanager
def stream_progress() -> Iterator[StreamReporter]:
    """A reporter for one run of a stream."""
    yield StreamReporter(Console(stderr=True))
