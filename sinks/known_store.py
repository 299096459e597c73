"""What is known by key, in one SQLite file: derived from the table, and made anew from it whenever in doubt.

    k  key (the first 16 bytes of a case's key), when it was judged, and in which slot of which block its value is
    b  blocks of up to 32 values: MessagePack, then zstd
    m  the version of the table that all this stands for, and the stamp of its log entry

A key has one value, the one judged last. Any number of processes on one machine may read while one writes; not for
network file systems, whose locks SQLite can't trust. Values that are dropped are overwritten on the disk too.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager

import msgspec
import zstandard

KEY_BYTES = 16
_SETTINGS = (
    "journal_mode=wal",
    "synchronous=normal",
    "cache_size=-65536",
    "secure_delete=on",
    "journal_size_limit=67108864",
)
_TABLES = (
    "k(k blob primary key, judged integer not null, slot integer not null) without rowid",
    "b(id integer primary key, v blob not null)",
    "m(id integer primary key, version integer not null)",
)
_SLOTS = 32
_ASKED = 1_000


class Value(msgspec.Struct, frozen=True, array_like=True):
    """What a judged case came to: a verdict's fields, or a rejection's `reason` and `detail`.

    `key` is its own once more, so that a slot which is not its own is noticed. `judged`: microseconds since 1970.
    """

    key: bytes
    run_id: str
    item_id: str
    judged: int
    prompt_tokens: int
    output_tokens: int
    violation: bool = False
    rule_ids: tuple[str, ...] = ()
    severity: int = 0
    action: str = ""
    confidence: str = ""
    score: float | None = None
    rationale: str = ""
    reason: str | None = None
    detail: str = ""


class KnownStore:
    """One open file; made if it isn't there. Used by one thread at a time.

    Raises sqlite3.OperationalError if it can't be used now, and any other sqlite3.Error if it is damaged: what is read
    has a checksum, and holds the key that it was asked for, or it is not believed.
    """

    def __init__(self, path: str) -> None:
        self._sql = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
        for setting in _SETTINGS:
            self._sql.execute(f"pragma {setting}")
        for table in _TABLES:
            self._sql.execute(f"create table if not exists {table}")
        found = {sql for (sql,) in self._sql.execute("select sql from sqlite_master where type = 'table'")}
        if found != {f"CREATE TABLE {table}" for table in _TABLES}:
            self._sql.close()
            raise sqlite3.DatabaseError("its tables are not ours")
        self._pack, self._unpack = zstandard.ZstdCompressor(write_checksum=True), zstandard.ZstdDecompressor()
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode = msgspec.msgpack.Decoder(list[Value | None]).decode

    @property
    def version(self) -> int:
        """The version of the table that this stands for; -1 if it is new."""
        return self._number(1, -1)

    @property
    def stamp(self) -> int:
        """What told that version from one of the same number, here or in another table; 0 if that was not said."""
        return self._number(2, 0)

    def _number(self, row: int, otherwise: int) -> int:
        found = self._sql.execute("select version from m where id = ?", (row,)).fetchone()
        return int(found[0]) if found else otherwise

    def __len__(self) -> int:
        return int(self._sql.execute("select count(*) from k").fetchone()[0])

    @contextmanager
    def step(self, version: int, stamp: int = 0) -> Iterator[None]:
        """What is put and dropped in the block, version and stamp become true at once, or not at all."""
        with self._transaction("begin immediate"):
            yield
            self._sql.execute("insert or replace into m values (1, ?), (2, ?)", (version, stamp))

    def put(self, values: Mapping[bytes, Value]) -> None:
        """Make these known, where nothing is that was judged later. Inside a `step`."""
        if judged := self._slots(values.keys()):
            older = [key for key, (at, _) in judged.items() if at <= values[key].judged]
            self.drop(older)
            values = {key: value for key, value in values.items() if key not in judged or key in older}
        keys = sorted(values)
        block = int(self._sql.execute("select coalesce(max(id), 0) from b").fetchone()[0])
        for start in range(0, len(keys), _SLOTS):
            block, part = block + 1, keys[start : start + _SLOTS]
            self._sql.execute("insert into b values (?, ?)", (block, self._block([values[key] for key in part])))
            rows = [(key, values[key].judged, block * _SLOTS + slot) for slot, key in enumerate(part)]
            self._sql.executemany("insert into k values (?, ?, ?)", rows)

    def drop(self, keys: Collection[bytes]) -> None:
        """Forget these. Inside a `step`."""
        for block, slots in _by_block(self._slots(keys)).items():
            values = self._values(block)
            for _, slot in slots:
                values[slot] = None
            self._sql.execute("update b set v = ? where id = ?", (self._block(values), block))
        self._sql.executemany("delete from k where k = ?", [(key,) for key in keys])

    def find(self, keys: Collection[bytes], since: int = 0) -> dict[bytes, Value]:
        """Those that are known and were judged at or after `since`."""
        found: dict[bytes, Value] = {}
        with self._transaction("begin"):
            fresh = {key: place for key, place in self._slots(keys).items() if place[0] >= since}
            for block, slots in sorted(_by_block(fresh).items()):
                values = self._values(block)
                for key, slot in slots:
                    value = values[slot] if slot < len(values) else None
                    if value is None or value.key != key or value.judged != fresh[key][0]:
                        raise sqlite3.DatabaseError(f"block {block}, slot {slot} is not what the key says")
                    found[key] = value
        return found

    def tidy(self) -> None:
        """Fold the journal into the file, so that nothing of what was dropped is left on the disk."""
        self._sql.execute("pragma wal_checkpoint(truncate)")

    def close(self) -> None:
        self._sql.close()

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[None]:
        self._sql.execute(begin)
        try:
            yield
        except BaseException:
            if self._sql.in_transaction:  # a full disk has ended it already
                self._sql.execute("rollback")
            raise
        self._sql.execute("commit")

    def _slots(self, keys: Collection[bytes]) -> dict[bytes, tuple[int, int]]:
        """When each known key was judged, and its slot."""
        found: dict[bytes, tuple[int, int]] = {}
        for part in _parts(sorted(keys), _ASKED):
            marks = ",".join("?" * len(part))
            rows = self._sql.execute(f"select k, judged, slot from k where k in ({marks})", part)
            found.update({key: (judged, slot) for key, judged, slot in rows})
        return found

    def _values(self, block: int) -> list[Value | None]:
        row = self._sql.execute("select v from b where id = ?", (block,)).fetchone()
        try:
            return self._decode(self._unpack.decompress(row[0]))
        except (zstandard.ZstdError, msgspec.MsgspecError, TypeError) as error:
            raise sqlite3.DatabaseError(f"block {block} can't be read: {error}") from error

    def _block(self, values: Sequence[Value | None]) -> bytes:
        return self._pack.compress(self._encode(values))


def _by_block(slots: Mapping[bytes, tuple[int, int]]) -> Mapping[int, list[tuple[bytes, int]]]:
    blocks: dict[int, list[tuple[bytes, int]]] = defaultdict(list)
    for key, (_, slot) in slots.items():
        blocks[slot // _SLOTS].append((key, slot % _SLOTS))
    return blocks


def _parts(keys: Sequence[bytes], size: int) -> Iterator[Sequence[bytes]]:
    for start in range(0, len(keys), size):
        yield keys[start : start + size]
