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
