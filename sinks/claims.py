"""Who judges what at this moment: so that of several processes on a machine one judges a key and the others wait.

A claim saves work and decides nothing: whoever loses one, or ignores it, judges a case once more than needed. It lasts
until it is released, until its owner's process is gone (the lock on the owner's file is the system's, so it ends with
the process), or until that gave no sign of life for `PATIENCE_SECONDS`: one that sleeps holds up nobody for ever, and
one whose judge is slow keeps what it has.
"""

from __future__ import annotations

import fcntl
import secrets
import sqlite3
import time
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from sinks.signs_of_life import SignsOfLife, sleeps

_ASKED = 1_000


class Taken(NamedTuple):
    """Keys that are ours. `inherited`: some of them from owners who can't have said what they did last."""

    keys: set[bytes]
    inherited: bool


class Claims:
    """One owner's view. Used by one thread at a time. Raises sqlite3.Error and OSError throughout."""

    def __init__(self, folder: Path) -> None:
        self._owners = folder / "owners"
        self._owners.mkdir(parents=True, exist_ok=True)
        self._sql = _open(str(folder / "claims.sqlite"))
        self._owner = secrets.randbits(62)
        self._mark = self._owners / str(self._owner)
        self._lock = self._mark.open("wb")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self._signs = SignsOfLife(self._mark)

    def take(self, keys: Collection[bytes]) -> Taken:
        """Those of the keys that are ours now. Nobody else has them until we release them."""
        wanted, now, alive = sorted(keys), time.time(), dict[int, bool]()
        ours: set[bytes] = set()
        inherited = False
        self._sql.execute("begin immediate")
        try:
            for start in range(0, len(wanted), _ASKED):
                part = wanted[start : start + _ASKED]
                held = self._held(part)
                free = [key for key in part if key not in held or not self._holds(held[key], now, alive)]
                inherited = inherited or any(key in held and held[key] != self._owner for key in free)
                rows = [(key, self._owner, now) for key in free]
                self._sql.executemany("insert or replace into claims values (?, ?, ?)", rows)
                ours.update(free)
        except BaseException:
            if self._sql.in_transaction:  # a full disk has ended it already
                self._sql.execute("rollback")
            raise
        self._sql.execute("commit")
        return Taken(ours, inherited)

    def release(self, keys: Collection[bytes]) -> None:
        """These are nobody's, as far as they were ours."""
        self._sql.execute("begin immediate")
        self._sql.executemany("delete from claims where k = ? and owner = ?", [(key, self._owner) for key in keys])
        self._sql.execute("commit")

    def close(self) -> None:
        """Releases all that is ours."""
        try:
            self._sql.execute("delete from claims where owner = ?", (self._owner,))
        finally:
            self._signs.close()
            self._sql.close()
            self._lock.close()
            self._mark.unlink(missing_ok=True)

    def _held(self, keys: list[bytes]) -> dict[bytes, int]:
        marks = ",".join("?" * len(keys))
        return dict(self._sql.execute(f"select k, owner from claims where k in ({marks})", keys))

    def _holds(self, owner: int, now: float, alive: dict[int, bool]) -> bool:
        """Whether somebody else's claim still counts."""
        if owner == self._owner:
            return False
        if owner not in alive:
            alive[owner] = self._lives(owner, now)
        return alive[owner]

    def _lives(self, owner: int, now: float) -> bool:
        path = self._owners / str(owner)
        try:
            with path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            with suppress(FileNotFoundError):
                return not sleeps(path, now)
            return False
        path.unlink(missing_ok=True)
        return False


def _open(path: str) -> sqlite3.Connection:
    sql = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
    try:
        sql.execute("pragma journal_mode=wal")
        sql.execute("pragma synchronous=off")
        sql.execute("create table if not exists claims (k blob primary key, owner integer, since real) without rowid")
    except BaseException:
        sql.close()
        raise
    return sql
