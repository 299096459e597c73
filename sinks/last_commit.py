"""When something was last committed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sinks.delta import VERDICTS
from sinks.delta_log import DeltaLog, LogGap
from sinks.delta_table import FOREIGN, locate, open_table, translate

_LOOK_BACK = 20
"""Upkeep writes at most a few entries in a row."""


@dataclass(frozen=True, slots=True)
class LastCommit:
    """The table's version, and when rows or positions were last committed: None if no commit is among the newest
    entries of the log."""

    version: int
    at: datetime | None


def last_commit(path: str) -> LastCommit | None:
    """That of table `verdicts` under `path`; None if there is no table. What joins or deletes files does not count.

    Reads the newest entries of the log, up to the first that a sink wrote, and no data. The time is its writer's.
    Raises InputError for a table that can't be read as Delta, TransientError and FatalError if the storage fails.
    """
    at = locate(path, VERDICTS)
    table = open_table(at)
    if table is None:
        return None
    latest, log = table.version(), DeltaLog(at.filesystem, at.root)
    try:
        for version in range(latest, max(latest - _LOOK_BACK, -1), -1):
            entry = log.entry(version)
            if entry.commit_id is not None:
                return LastCommit(latest, entry.at)
    except LogGap:  # cleaned up meanwhile
        return LastCommit(latest, None)
    except FOREIGN as error:
        raise translate(error, at.uri) from error
    return LastCommit(latest, None)
