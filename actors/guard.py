"""Ends the engine's processes when the process that owns them is gone, however it went.

A replica can be killed without a chance to clean up; its engine would live on and hold the accelerator's memory, so
that the replica's successor could not start. This small process waits on a pipe that only its owner holds open.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Sequence


class Guard:
    """Kills `pids` once this process ends. Call `stop` after they have ended by themselves."""

    def __init__(self, pids: Sequence[int]) -> None:
        command = [sys.executable, "-S", __file__, *map(str, pids)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)

    def stop(self) -> None:
        """End the guard; nothing is killed."""
        self._process.kill()
        self._process.communicate()


def _watch(pids: Sequence[int]) -> None:
    sys.stdin.buffer.read()  # returns at end of file: the owner is gone
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    _watch([int(pid) for pid in sys.argv[1:]])
