"""Shards handed out: who hands them out, and how a source reads them one after the other."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Literal, Protocol

from assay.contracts import Grant, Polled, Shard
from assay.records import Arrival

_PAUSE_SECONDS = 0.1
_POLL_CHARS = 16 * 2**20


class Claims(Protocol):
    """Where a source gets its shards. `next` is called in the thread of `poll`, `done` in that of `acknowledge`."""

    def next(self) -> Grant | Literal["wait"] | None:
        """The next shard; "wait" if others still work and may give shards back; None if none will ever come again."""
        ...

    def done(self, shard: Shard) -> None:
        """The shard is settled to its stop."""
        ...


Read = Callable[[Shard, int | None], Iterator[Arrival]]
"""Opens a shard at a position (None: at its beginning) and yields its arrivals in order."""


class _Reading:
    """One claimed shard: not yet sought, being read, or read to its stop."""

    def __init__(self, shard: Shard) -> None:
        self.shard = shard
        self.sought = False
        self.position: int | None = None
        self.arrivals: Iterator[Arrival] | None = None
        self.finished = False


class ShardSource:
    """Implements `Source` over claimed shards: one shard is read at a time, the next is claimed when it is finished."""

    def __init__(self, claims: Claims, read: Read) -> None:
        self._claims = claims
        self._read = read
        self._readings: dict[Shard, _Reading] = {}
        self._ended = False
        self._failure: Exception | None = None

    def poll(self, room: int, timeout: float) -> Polled:
        """See `Source.poll`. One poll stops at 16 Mi characters of content. Raises what reading raises."""
        if self._failure is not None:
            raise self._failure
        arrivals: list[Arrival] = []
        finished: dict[Shard, int] = {}
        assigned: list[Grant] = []
        size = 0
        deadline = time.monotonic() + timeout
        while len(arrivals) < room and size < _POLL_CHARS:
            reading = self._active()
            if reading is None:
                break
            arrival = self._advance(reading)
            if arrival is None:
                finished[reading.shard] = reading.shard.stop or 0
            else:
                arrivals.append(arrival)
                size += arrival.size
        if self._active() is None and not self._unsought():
            assigned = self._claim(0.0 if arrivals or finished or not room else deadline - time.monotonic())
        return Polled(arrivals, assigned, reached=finished, ended=self._ended and self._active() is None)

    def seek(self, shard: Shard, position: int | None) -> None:
        """See `Source.seek`. Raises KeyError for a shard that was not assigned, or is done."""
        reading = self._readings[shard]
        reading.position = position
        reading.sought = True
        reading.arrivals = None
        reading.finished = False

    def acknowledge(self, settled: Mapping[Shard, int]) -> None:
        """See `Source.acknowledge`. A shard settled to its stop is reported as done, once, and let go."""
        for shard, position in settled.items():
            if shard in self._readings and shard.stop is not None and position >= shard.stop:
                del self._readings[shard]
                self._claims.done(shard)

    def close(self) -> None:
        self._readings.clear()
        self._ended = True

    def _active(self) -> _Reading | None:
        """The shard to go on with: one half read before one not begun."""
        open_ = [r for r in list(self._readings.values()) if r.sought and not r.finished]
        return next((r for r in open_ if r.arrivals is not None), open_[0] if open_ else None)

    def _unsought(self) -> bool:
        return any(not reading.sought for reading in list(self._readings.values()))

    def _advance(self, reading: _Reading) -> Arrival | None:
        if reading.arrivals is None:
            reading.arrivals = self._read(reading.shard, reading.position)
        try:
            arrival = next(reading.arrivals, None)
        except Exception as error:
            # A generator that raised looks exhausted the next time: that must not pass for the shard's end.
            self._failure = error
            raise
        if arrival is None:
            reading.arrivals = None
            reading.finished = True
        return arrival

    def _claim(self, timeout: float) -> list[Grant]:
        deadline = time.monotonic() + timeout
        while not self._ended:
            grant = self._claims.next()
            if isinstance(grant, Grant):
                self._readings[grant.shard] = _Reading(grant.shard)
                return [grant]
            if grant is None:
                self._ended = True
            elif (left := deadline - time.monotonic()) <= 0:
                break
            else:
                time.sleep(min(_PAUSE_SECONDS, left))
        return []
