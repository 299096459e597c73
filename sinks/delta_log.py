"""Reading transaction actions (`txn`) straight from a Delta log: all of them at once, then entry by entry.

`DeltaTable.transaction_version` answers for one key and replays the log each time; a ledger has thousands of keys.
Follows the Delta protocol: the newest complete checkpoint at or below a version (classic in one or many parts, or v2,
whose top-level file holds the transactions), then the JSON entries after it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import unquote

import pyarrow.parquet as pq
from pyarrow import fs

COMMIT_ID = "assayCommit"
_CHECKPOINT = re.compile(
    r"(?P<version>\d{20})\.checkpoint(?:\.(?P<part>\d{10})\.(?P<parts>\d{10})|\.[0-9a-fA-F-]{36})?\.(?:parquet|json)"
)


class LogGap(Exception):
    """An entry of the log that should be there is not: cleaned up, or the log was replaced."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What one log entry says about transactions. `commit_id` is ours (None: written by somebody else).

    `at`: when it was written, by its writer's clock; None if it does not say.
    """

    txns: dict[str, int]
    commit_id: str | None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Changes:
    """Files (paths inside the table) whose rows an entry adds and removes. Those that it merely joins are left out."""

    added: list[str]
    removed: list[str]


class DeltaLog:
    """The log of the table at `root` on `filesystem`."""

    def __init__(self, filesystem: fs.FileSystem, root: str) -> None:
        self._fs = filesystem
        self._dir = f"{root}/_delta_log"

    def path(self, version: int) -> str:
        """Where the entry of a version is."""
        return f"{self._dir}/{version:020d}.json"

    def entry(self, version: int) -> Entry:
        """One entry. Raises LogGap if it is not there, OSError if it can't be read."""
        return _parse(self._lines(version))

    def changes(self, version: int) -> Changes:
        """What one entry does to the rows. Raises LogGap if it is not there, OSError if it can't be read."""
        found: dict[str, list[str]] = {"add": [], "remove": []}
        for line in self._lines(version):
            if b'"add"' in line or b'"remove"' in line:
                for kind, action in json.loads(line).items():
                    if kind in found and action.get("dataChange", True):
                        found[kind].append(unquote(action["path"]))
        return Changes(found["add"], found["remove"])

    def stamp(self, version: int) -> int:
        """A number that tells this entry from any other, in this table or another. Raises as `entry`."""
        return int.from_bytes(hashlib.sha256(b"\n".join(self._lines(version))).digest()[:8], "big", signed=True)

    def txns(self, version: int) -> dict[str, int]:
        """Every transaction's number as of `version`. Raises LogGap if the log doesn't reach back far enough."""
        start, files = self._checkpoint(version)
        values: dict[str, int] = {}
        for path in files:
            values.update(self._checkpointed(path))
        for later in range(start + 1, version + 1):
            values.update(self.entry(later).txns)
        return values

    def checkpoint(self, version: int) -> int:
        """The version of the newest checkpoint not above this one; -1 if there is none."""
        return self._checkpoint(version)[0]

    def _lines(self, version: int) -> list[bytes]:
        try:
            with self._fs.open_input_stream(self.path(version)) as stream:
                return list(stream.read().splitlines())
        except FileNotFoundError as error:
            raise LogGap(f"log entry {version} is missing") from error

    def _checkpoint(self, version: int) -> tuple[int, list[str]]:
        """Version and files of the newest complete checkpoint not above `version`; (-1, []) if there is none."""
        sets: dict[tuple[int, int], list[str]] = defaultdict(list)
        whole: dict[int, str] = {}
        for info in self._fs.get_file_info(fs.FileSelector(self._dir)):
            match = _CHECKPOINT.fullmatch(info.base_name)
            if not match or int(match["version"]) > version:
                continue
            if match["parts"]:
                sets[int(match["version"]), int(match["parts"])].append(info.path)
            else:
                whole[int(match["version"])] = info.path
        found = {v: paths for (v, parts), paths in sets.items() if len(paths) == parts}
        found |= {v: [path] for v, path in whole.items()}
        return max(found.items(), default=(-1, []))

    def _checkpointed(self, path: str) -> dict[str, int]:
        if path.endswith(".json"):
            with self._fs.open_input_stream(path) as stream:
                return _parse(stream.read().splitlines()).txns
        column = pq.read_table(path, columns=["txn"], filesystem=self._fs)
        if "txn" not in column.column_names:
            return {}
        found = column["txn"].drop_null().combine_chunks()
        return dict(zip(found.field("appId").to_pylist(), found.field("version").to_pylist(), strict=True))


def _parse(lines: Iterable[bytes]) -> Entry:
    txns: dict[str, int] = {}
    commit_id: str | None = None
    at: datetime | None = None
    for line in lines:
        if b'"txn"' not in line and b'"commitInfo"' not in line:
            continue
        action = json.loads(line)
        if "txn" in action:
            txns[action["txn"]["appId"]] = action["txn"]["version"]
        elif "commitInfo" in action:
            commit_id = action["commitInfo"].get(COMMIT_ID)
            if (milliseconds := action["commitInfo"].get("timestamp")) is not None:
                at = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return Entry(txns, commit_id, at)
