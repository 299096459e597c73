"""Telling others what the table has: when, in which order, and what if they don't listen."""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, suppress
from functools import partial

from actors.holding import Holding
from actors.threads import Threads
from assay.contracts import News, NewsKind, Outbox
from assay.errors import TransientError
from assay.records import Outcome

_LONGEST_PAUSE = 5.0


class Telling:
    """Stands between one loop and its outbox (None: nobody is to be told).

    - At least once, and after the table's commit: a holding's `sent` moves past what the outbox has, never further, and
      is committed with the loop's next commit. What a crash, a stop or a lost shard cuts off is told by the next owner.
    - Order: commits are told one after another. What is told again of a shard comes before anything new of it, since
      the shard is not to be read until `ready` names it.
    - An outbox that does not answer is waited for, and spoken of once. After `stop` it is asked once more, and then
      nothing is told any more.

    Used in one event loop; `close` may block for as long as the outbox does.
    """

    def __init__(self, outbox: Outbox | None, note: Callable[[News], None]) -> None:
        self._outbox, self._note = outbox, note
        self._threads = Threads(2, "assay-telling")
        self._behind: asyncio.Queue[Holding] = asyncio.Queue()
        self._ready: deque[Holding] = deque()
        self._pending = 0
        self._stopping = asyncio.Event()
        self._away = self._given_up = False

    @property
    def busy(self) -> bool:
        """Something is being told again."""
        return self._pending > 0

    def welcome(self, holding: Holding) -> None:
        """A shard was claimed: tell again what may not have been told, and then let it be read."""
        if self._outbox is None or not holding.tell_from_here():
            self._ready.append(holding)
            return
        self._pending += 1
        self._behind.put_nowait(holding)

    def ready(self) -> Iterator[Holding]:
        """Shards that may be read from now on, each once."""
        while self._ready:
            holding = self._ready.popleft()
            if not holding.lost:
                yield holding

    async def run(self) -> None:
        """Tells again what is to be told again, shard by shard, until cancelled. Raises what the outbox raises."""
        while True:
            holding = await self._behind.get()
            if not (holding.lost or self._stopping.is_set()):
                await self._patiently(partial(self._tell_again, holding))
            self._pending -= 1
            if not holding.behind:
                self._ready.append(holding)

    async def tell(self, outcomes: Sequence[Outcome], holdings: Iterable[Holding]) -> None:
        """The commit that moved these holdings, and put these outcomes into the table, took place."""
        if self._outbox is None or self._given_up:
            return
        if outcomes and not await self._patiently(partial(self._outbox.publish, outcomes)):
            self._given_up = True
            return
        for holding in holdings:
            holding.announced()

    def stop(self) -> None:
        """Tell what is committed, but nothing again any more."""
        self._stopping.set()

    def close(self) -> None:
        self.stop()
        self._threads.close()
        if self._outbox is not None:
            self._outbox.close()

    def _tell_again(self, holding: Holding) -> None:
        """In a thread of its own; the loop reads `sent` meanwhile."""
        assert self._outbox is not None
        with closing(self._outbox.republish(holding.shard, holding.sent or 0)) as pieces:
            while not (self._stopping.is_set() or holding.lost):
                told = next(pieces, None)
                if told is None:
                    holding.sent = max(holding.sent or 0, holding.low)
                    holding.behind = False
                    return
                holding.sent = max(holding.sent or 0, min(told, holding.low))  # beyond, the table will get more

    async def _patiently(self, call: Callable[[], None]) -> bool:
        """Until it is done; False if a stop came before."""
        for attempt in itertools.count():
            try:
                await self._threads.run(call)
                self._heard()
                return True
            except TransientError as error:
                self._unheard(error)
            if self._stopping.is_set():
                break
            with suppress(TimeoutError):
                async with asyncio.timeout(min(_LONGEST_PAUSE, 0.2 * 2 ** min(attempt, 10))):
                    await self._stopping.wait()
        return False

    def _unheard(self, error: TransientError) -> None:
        if not self._away:
            self._away = True
            self._note(News(NewsKind.AWAY, f"verdicts can't be announced and wait: {error}"))

    def _heard(self) -> None:
        if self._away:
            self._away = False
            self._note(News(NewsKind.BACK, "verdicts are announced again"))
