"""The lookup's file by itself: steps are whole, and what is replaced is gone."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from pathlib import Path

import pytest

from sinks.known_store import KnownStore, Value


def test_a_store_is_whole_or_not_there(tmp_path: Path) -> None:
    store = KnownStore(str(tmp_path / "known"))
    with suppress(RuntimeError), store.step(3):
        store.put({b"k" * 16: Value(b"k" * 16, "run", "i", 1, 2, 3)})
        raise RuntimeError
    assert (store.version, len(store)) == (-1, 0)
    store.close()
    with pytest.raises(sqlite3.ProgrammingError):
        store.find([b"k" * 16])


def test_a_value_that_is_replaced_leaves_no_copy(tmp_path: Path) -> None:
    store, names = KnownStore(str(tmp_path / "known")), [bytes([n]) * 16 for n in range(40)]
    with store.step(1):
        store.put({name: Value(name, "run", "first", 1, 0, 0) for name in names})
        store.put({name: Value(name, "run", "second", 2, 0, 0) for name in names[:20]})
        store.drop(names[30:])
    blocks = [store._values(block) for (block,) in store._sql.execute("select id from b")]
    ids = sorted(value.item_id for values in blocks for value in values if value is not None)
    assert ids == ["first"] * 10 + ["second"] * 20
    store.close()
