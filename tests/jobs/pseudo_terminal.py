"""A command on a pseudo-terminal: what a person would type and see."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

_SECONDS = 120.0
_PRESSED_EVERY = 0.5


class PseudoTerminal:
    """The terminal's side of a process. `seen` is everything that it wrote."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._looked = 0
        self.seen = b""

    def send(self, keys: bytes) -> None:
        os.write(self._descriptor, keys)

    def wait_for(self, words: bytes, *, keys: bytes = b"") -> bytes:
        """What came up to `words`, after what was waited for before. `keys` are sent twice a second meanwhile."""
        start = sent = time.monotonic()
        while words not in self.seen[self._looked :]:
            now = time.monotonic()
            if now - start > _SECONDS or not self._read():
                raise AssertionError(f"no {words!r} in {self.seen[self._looked :]!r}")
            if keys and now - sent > _PRESSED_EVERY:
                self.send(keys)
                sent = now
        found = self.seen.index(words, self._looked) + len(words)
        came, self._looked = self.seen[self._looked : found], found
        return came

    def drain(self) -> None:
        """Read until the process has closed its side."""
        while self._read():
            pass

    def _read(self) -> bool:
        ready, _, _ = select.select([self._descriptor], [], [], 0.2)
        if ready:
            try:
                self.seen += os.read(self._descriptor, 65536)
            except OSError:  # Linux's way of saying that nobody is left on the other side
                return False
        return True


@contextmanager
def on_a_terminal(command: Sequence[str], env: Mapping[str, str], columns: int = 100) -> Iterator[PseudoTerminal]:
    """Run a command until it ends by itself, which the test sees to; it must end with 0."""
    process, descriptor = pty.fork()
    if process == 0:
        os.execve(command[0], list(command), dict(env))
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    terminal = PseudoTerminal(descriptor)
    try:
        yield terminal
        terminal.drain()
    finally:
        os.close(descriptor)
        _, status = os.waitpid(process, 0)
    assert os.waitstatus_to_exitcode(status) == 0
