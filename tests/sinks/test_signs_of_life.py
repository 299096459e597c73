"""A lock that who works keeps, however long it takes, and who sleeps does not keep for ever."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from assay.config import DeltaConfig
from assay.errors import TransientError
from sinks import signs_of_life
from sinks.delta import DeltaSink
from sinks.lookup import TableLookup
from sinks.signs_of_life import alone


def hold(file: Path, started: multiprocessing.Queue[int]) -> None:
    signs_of_life.SIGN_SECONDS = 0.2
    with alone(file, wait=True) as ours:
        assert ours
        started.put(os.getpid())
        time.sleep(600)


@pytest.fixture
def lookup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TableLookup]:
    monkeypatch.setattr(signs_of_life, "PATIENCE_SECONDS", 2.0)
    DeltaSink(DeltaConfig(kind="delta", path=str(tmp_path)), str(tmp_path))
    lookup = TableLookup(str(tmp_path))
    lookup.catch_up()
    yield lookup
    lookup.close()


@pytest.fixture
def holder(lookup: TableLookup) -> Iterator[BaseProcess]:
    """A process that has the lookup's lock."""
    context = multiprocessing.get_context("spawn")
    started: multiprocessing.Queue[int] = context.Queue()
    process = context.Process(target=hold, args=(lookup._lock(), started), daemon=True)
    process.start()
    started.get(timeout=60)
    yield process
    process.kill()
    process.join()


def test_who_works_is_waited_for(lookup: TableLookup, holder: BaseProcess) -> None:
    waiting = threading.Thread(target=lookup.catch_up)
    waiting.start()
    waiting.join(4)
    assert waiting.is_alive()
    holder.kill()
    waiting.join(30)
    assert not waiting.is_alive()


def test_who_sleeps_holds_up_nobody_for_ever(lookup: TableLookup, holder: BaseProcess) -> None:
    assert holder.pid is not None
    os.kill(holder.pid, signal.SIGSTOP)
    lookup.catch_up()
    lookup.release(["0" * 64])
    assert lookup.find(["0" * 64]) == {}
    for _ in range(2):
        with pytest.raises(TransientError, match="sleeps; wake or end it"):
            lookup.rebuild()
