"""Sinks that fail on demand, and processes that commit, for the tests of the Delta sink."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from deltalake.transaction import AddAction

from assay.config import DeltaConfig
from assay.contracts import Move
from assay.errors import Refused
from sinks.delta import DeltaSink
from tests.sinks.outcomes import verdict

TRACK = "track/shared"


class Crash(BaseException):
    """The process is gone: nothing may catch this."""


class FaultySink(DeltaSink):
    """Before or after the real log entry, raises what `before` and `after` hold, in order.

    `just_before` is called once the ledger has been checked, `meanwhile` between a real entry and the error after it.
    """

    def __init__(self, path: str, *, patience: float = 5.0) -> None:
        super().__init__(DeltaConfig(kind="delta", path=path), path, patience=patience)
        self.before: list[BaseException] = []
        self.after: list[BaseException] = []
        self.just_before: Callable[[], None] | None = None
        self.meanwhile: Callable[[], None] | None = None

    def _enter(self, files: list[AddAction], moves: Mapping[str, Move], commit_id: str) -> None:
        if self.before:
            raise self.before.pop(0)
        if self.just_before:
            self.just_before()
        super()._enter(files, moves, commit_id)
        if self.meanwhile:
            self.meanwhile()
        if self.after:
            raise self.after.pop(0)


def open_sink(path: str) -> DeltaSink:
    return DeltaSink(DeltaConfig(kind="delta", path=path), path)


def compete(path: str, until: int) -> None:
    """Move the shared track one item at a time, against others who do the same, until it reaches `until`."""
    sink = open_sink(path)
    while (at := sink.ledger([TRACK]).get(TRACK)) is None or at < until:
        position = at or 0
        try:
            sink.commit([verdict(position)], {TRACK: Move(at, position + 1)})
        except Refused:
            continue


def commit_own(path: str, name: str, commits: int) -> None:
    """Commit two items at a time to a track of one's own."""
    sink = open_sink(path)
    for number in range(commits):
        outcomes = [verdict(2 * number + extra, id=f"{name}-{2 * number + extra}") for extra in (0, 1)]
        sink.commit(outcomes, {f"track/{name}": Move(2 * number or None, 2 * number + 2)})
