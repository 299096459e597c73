"""How much one loop takes on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one loop.

    `window`: cases in flight at the judge, at most. `flush_*`: commit when so many seconds, outcomes or characters of
    content have come together. `drain_seconds`: how long a stop waits for cases in flight. `deadline_seconds`: how long
    one case may take before it is rejected.
    """

    window: int
    flush_seconds: float = 1.0
    flush_rows: int = 20_000
    flush_bytes: int = 64 * 2**20
    drain_seconds: float = 60.0
    deadline_seconds: float = 900.0

    def room(self, waiting: int, unsettled: int, size: int) -> int:
        """How many more cases may be read: 0 while many wait for the judge, or too many, or too much, is unsettled."""
        full = unsettled >= 4 * self.window + 2 * self.flush_rows or size >= self.flush_bytes
        return 0 if full else max(0, 2 * self.window - waiting)
