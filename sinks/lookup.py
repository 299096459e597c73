"""The table's verdicts by key: a local file that follows the table's log, and is built anew when in doubt.

The table is the truth; the file can be deleted at any time. It stands for one version of the table and moves on commit
by commit: what a commit adds is put in, what it removes (`assay forget`) is dropped. If the log has a gap, if the table
went back, or if the file is damaged or another table's, another one is built beside it and takes its place.
"""

from __future__ import annotations

import os
import re
import sqlite3
import time
from collections.abc import Collection, Iterator, Set
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import unquote

from assay.errors import AssayError, FatalError, TransientError
from assay.records import Action, Confidence, Known, Origin, Reason, Rejection, Verdict
from sinks.claims import Claims
from sinks.delta_log import Changes, DeltaLog, LogGap
from sinks.delta_table import FOREIGN, add_actions, locate, open_table, translate
from sinks.known_folder import folder_beside
from sinks.known_rows import Judged, judged_rows, rows_of, short
from sinks.known_store import KnownStore, Value
from sinks.signs_of_life import alone

_FORMAT = 1
_EVERY_SECONDS = 1.0
_STEP_VERSIONS = 200
_BUILT = re.compile(r"known-(?P<number>\d+)\.sqlite")
_OURS = re.compile(r"(draft|known-\d+)\.sqlite(-\w+)?")
_HOPELESS = {
    sqlite3.SQLITE_FULL: "the disk is full; free some space and run again",
    sqlite3.SQLITE_READONLY: "permission denied; let this user write there",
}
_MICROSECOND = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class _Damaged(FatalError):
    """The file is not what was written."""


class TableLookup:
    """Implements `Lookup` over the table `verdicts` under `path`, which must be there.

    Nothing that was judged before `since` is found, nor what is older than `max_age` (None: however old). Any number of
    processes of a machine share one file; one at a time brings it up to date.
    """

    def __init__(
        self,
        path: str,
        max_age: timedelta | None = None,
        since: datetime | None = None,
        folder: Path | None = None,
    ) -> None:
        self._path, self._at = path, locate(path, "verdicts")
        table = open_table(self._at)
        if table is None:
            raise FatalError(f"{self._at.uri}: the table is gone")
        self._table = table
        self._log = DeltaLog(self._at.filesystem, self._at.root)
        self._max_age, self._since = max_age, since or _EPOCH
        self._folder = (folder or folder_beside(self._at)) / f"{table.metadata().id}-{_FORMAT}"
        self._store: KnownStore | None = None
        self._claims: Claims | None = None
        self._number = -1
        self._looked = float("-inf")
        self._missed_in = (-1, -1)
        self._missed: Set[bytes] = frozenset()
        self._checked = (-1, -1)

    def find(self, keys: Collection[str]) -> dict[str, Known]:
        if time.monotonic() - self._looked >= _EVERY_SECONDS:
            self.catch_up(wait=False)
        oldest = self._since if self._max_age is None else max(self._since, datetime.now(UTC) - self._max_age)
        since = (oldest - _EPOCH) // _MICROSECOND
        by_key = {short(key): key for key in keys}
        try:
            found = self._ask(by_key.keys(), since)
        except _Damaged:
            self.rebuild()
            found = self._ask(by_key.keys(), since)
        return {by_key[key]: _known(value) for key, value in found.items()}

    def _ask(self, keys: Set[bytes], since: int) -> dict[bytes, Value]:
        """What was missing a moment ago is missing still, unless the file has moved on."""
        with self._translated():
            store = self._open()
            if store is None:
                return {}
            state = (self._number, store.version)
            if state == self._missed_in and self._missed >= keys:
                return {}
            found = store.find(keys, since)
            self._missed_in, self._missed = state, keys - found.keys()
            return found

    def claim(self, keys: Collection[str]) -> set[str]:
        by_key = {short(key): key for key in keys}
        with self._translated():
            try:
                taken = self._claiming().take(by_key)
            except sqlite3.DatabaseError as error:
                if isinstance(error, sqlite3.OperationalError):
                    raise
                self._discard_claims()
                taken = self._claiming().take(by_key)
        if taken.inherited:
            self.catch_up()
        return {by_key[key] for key in taken.keys}

    def release(self, keys: Collection[str]) -> None:
        self.catch_up()
        with self._translated():
            if self._claims is None:
                return
            try:
                self._claims.release([short(key) for key in keys])
            except sqlite3.DatabaseError as error:
                if isinstance(error, sqlite3.OperationalError):
                    raise
                self._discard_claims()

    def _claiming(self) -> Claims:
        if self._claims is None:
            self._claims = Claims(self._folder)
        return self._claims

    def _discard_claims(self) -> None:
        """The file is damaged. Claims decide nothing: it goes, with all that anybody has claimed."""
        if self._claims is not None:
            with suppress(sqlite3.Error):
                self._claims.close()
        self._claims = None
        for leftover in self._folder.glob("claims.sqlite*"):
            leftover.unlink(missing_ok=True)

    def catch_up(self, *, wait: bool = True) -> None:
        """Stand for the table as it is now. Leaves it if another process is at it: without `wait`, or if that sleeps.

        Raises TransientError, FatalError.
        """
        with self._translated(), alone(self._lock(), wait=wait) as ours:
            if ours:
                self._table.update_incremental()
                try:
                    self._follow()
                except sqlite3.OperationalError:
                    raise
                except (LogGap, FileNotFoundError, sqlite3.DatabaseError):
                    self._build()
            self._looked = time.monotonic()

    def rebuild(self) -> int:
        """Build the file from the table, whatever there is; how many keys it has."""
        with self._translated(), self._by_ourselves():
            self._table.update_incremental()
            self._build()
            store = self._open()
            return len(store) if store is not None else 0

    def tidy(self) -> None:
        """Leave nothing on the disk of what was forgotten, nor files that a process left when it was killed."""
        with self._translated(), self._by_ourselves():
            self._sweep()
            if (store := self._open()) is not None:
                store.tidy()

    def close(self) -> None:
        if self._claims is not None:
            with suppress(AssayError):
                self.catch_up()
            with suppress(sqlite3.Error):
                self._claims.close()
        self._claims = None
        self._shut()

    def _shut(self) -> None:
        if self._store is not None:
            self._store.close()
        self._store, self._number = None, -1

    def _follow(self) -> None:
        """Raises LogGap if the file can't be brought to the table's version step by step."""
        store, last = self._open(), self._table.version()
        if store is None or not 0 <= store.version <= last:
            raise LogGap("there is no file that the log could bring up to date")
        if (self._number, store.version) != self._checked and store.stamp != self._log.stamp(store.version):
            raise LogGap("the file does not come from this table as it is")
        while (version := store.version) < last:
            top = min(last, version + _STEP_VERSIONS)
            with store.step(top, self._log.stamp(top)):
                for each in range(version + 1, top + 1):
                    self._apply(store, self._log.changes(each))
        self._checked = (self._number, last)

    def _apply(self, store: KnownStore, changes: Changes) -> None:
        """A key whose last judgement was removed, and not added again as it was, is what the table still has of it."""
        before: dict[bytes, tuple[int, int]] = {}
        after: dict[bytes, tuple[int, int]] = {}
        for path in changes.removed:
            for rows in self._rows(path):
                _keep_last(before, rows)
        for path in changes.added:
            for rows in self._rows(path):
                _keep_last(after, {key: value for key, value in rows.items() if key in before})
                store.put({key: value for key, value in rows.items() if key not in before})
        if gone := {key for key, last in before.items() if after.get(key) != last}:
            store.drop(gone)
            store.put(rows_of(self._path, gone))

    def _rows(self, path: str) -> Iterator[Judged]:
        return judged_rows(self._at.filesystem, f"{self._at.root}/{path}")

    def _build(self) -> None:
        """Build the next file and take it in use. Nobody sees it before it is whole."""
        self._sweep()
        draft, version = self._folder / "draft.sqlite", self._table.version()
        store = KnownStore(str(draft))
        try:
            for path in add_actions(self._table)["path"].to_pylist():
                for rows in self._rows(unquote(path)):
                    with store.step(-1):
                        store.put(rows)
            with store.step(version, self._log.stamp(version)):
                pass
        finally:
            store.close()
        os.rename(draft, self._folder / f"known-{self._newest() + 1}.sqlite")
        self._shut()
        self._sweep()

    def _sweep(self) -> None:
        """Delete drafts, and all files but the newest. Who has an old one open can still read it."""
        newest = f"known-{self._newest()}.sqlite"
        for name in os.listdir(self._folder):
            if _OURS.fullmatch(name) and not name.startswith(newest):
                (self._folder / name).unlink()

    def _newest(self) -> int:
        found = [_BUILT.fullmatch(name) for name in os.listdir(self._folder)]
        return max((int(match["number"]) for match in found if match), default=0)

    def _open(self) -> KnownStore | None:
        """The newest file; None if there is none yet."""
        number = self._newest() if self._folder.is_dir() else 0
        if number != self._number:
            self._shut()
            if number:
                self._store, self._number = KnownStore(str(self._folder / f"known-{number}.sqlite")), number
        return self._store

    def _lock(self) -> Path:
        self._folder.mkdir(parents=True, exist_ok=True)
        return self._folder / "lock"

    @contextmanager
    def _by_ourselves(self) -> Iterator[None]:
        with alone(self._lock(), wait=True) as ours:
            if not ours:
                raise TransientError(f"{self._folder}: the process that holds its lock sleeps; wake or end it")
            yield

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except AssayError:
            raise
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode in _HOPELESS:
                raise FatalError(f"{self._folder}: {_HOPELESS[error.sqlite_errorcode]}") from error
            raise TransientError(f"{self._folder}: {error}") from error
        except sqlite3.Error as error:
            raise _Damaged(f"{self._folder}: {error}; delete this folder, it is built again") from error
        except FOREIGN as error:
            raise translate(error, self._at.uri) from error


def _keep_last(found: dict[bytes, tuple[int, int]], rows: Judged) -> None:
    """Note of each key which judgement of it was the last."""
    for key, value in rows.items():
        found[key] = max(found.get(key, (value.judged, hash(value))), (value.judged, hash(value)))


def _known(value: Value) -> Known:
    judged_at = _EPOCH + value.judged * _MICROSECOND
    origin = Origin(value.run_id, value.item_id, judged_at, value.prompt_tokens, value.output_tokens)
    if value.reason is not None:
        return Known(Rejection(Reason(value.reason), value.detail), origin)
    verdict = Verdict(
        value.violation,
        value.rule_ids,
        value.severity,
        Action(value.action),
        Confidence(value.confidence),
        value.rationale,
        value.score,
    )
    return Known(verdict, origin)
