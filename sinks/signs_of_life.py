"""How the processes of a machine take turns, and tell one that works from one that sleeps: by a file that it touches.

A process that is stopped (SIGSTOP, a paused container) keeps its locks. Nobody is to wait for it for ever.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

PATIENCE_SECONDS = 15.0
SIGN_SECONDS = 2.0
_AGAIN_SECONDS = 0.05


class SignsOfLife:
    """From now until `close` a thread of this process touches `mark`, which must be there."""

    def __init__(self, mark: Path) -> None:
        self._mark = mark
        self._over = threading.Event()
        self._touch()
        threading.Thread(target=self._live, name="assay-signs-of-life", daemon=True).start()

    def close(self) -> None:
        self._over.set()

    def _live(self) -> None:
        while not self._over.wait(SIGN_SECONDS):
            self._touch()

    def _touch(self) -> None:
        with suppress(OSError):
            os.utime(self._mark)


def sleeps(mark: Path, now: float) -> bool:
    """Whether nobody has touched it for `PATIENCE_SECONDS` before `now`. Raises FileNotFoundError."""
    return now - mark.stat().st_mtime > PATIENCE_SECONDS


@contextmanager
def alone(file: Path, *, wait: bool) -> Iterator[bool]:
    """Whether the file's lock is ours while this lasts: the system's lock, so it ends with its holder.

    Without `wait` it is not if somebody else has it; otherwise only if whoever has it sleeps.
    """
    with file.open("ab") as lock:
        if not _taken(lock, file, wait):
            yield False
            return
        signs = SignsOfLife(file)
        try:
            yield True
        finally:
            signs.close()


def _taken(lock: IO[bytes], file: Path, wait: bool) -> bool:
    stale = 0
    while not _free(lock):
        stale = stale + 1 if sleeps(file, time.time()) else 0
        if not wait or stale > 1:  # at the first look its holder may just have taken it, and not touched it yet
            return False
        time.sleep(_AGAIN_SECONDS)
    return True


def _free(lock: IO[bytes]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
