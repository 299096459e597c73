"""The one loop: seek, poll, judge, commit, acknowledge. It knows no Parquet, Kafka, Ray or vLLM."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, ParamSpec

from actors.backlog import Backlog
from actors.counts import Counts, Report
from actors.deciding import Deciding
from actors.holding import Holding, claim
from actors.holdings import Holdings
from actors.intake import Intake
from actors.limits import Limits
from actors.reuse import Reuse
from actors.telling import Telling
from actors.threads import Threads
from assay.contracts import NO_MARKS, Grant, History, Judge, Marks, News, Outbox, Polled, Shard, Sink, Source, Tally
from assay.errors import gravest
from assay.policy import Policy
from assay.records import Case, Outcome

_POLL_SECONDS = 0.2
_REPORT_SECONDS = 0.5

P = ParamSpec("P")


class Loop:
    """Audits what its source delivers until the source ends or `stop` is called.

    `tell` is called in a thread about twice a second, after each commit before it is acknowledged, and, while a shard
    needs caution, before any case starts.
    """

    def __init__(
        self,
        source: Source,
        judge: Judge,
        sink: Sink,
        policies: Sequence[Policy],
        run_id: str,
        limits: Limits,
        tell: Callable[[Report], None],
        outbox: Outbox | None = None,
        history: History | None = None,
        marks: Marks = NO_MARKS,
    ) -> None:
        self._source, self._sink, self._judge, self._tell = source, sink, judge.identity, tell
        self._limits, self._counts = limits, Counts()
        self._deciding = Deciding(judge, run_id, limits.deadline_seconds)
        self._intake = Intake(policies, judge.identity, marks, self._deciding, self._finish, self._counts)
        self._reuse = Reuse(history, self._deciding, self._finish, self._counts)
        self._telling = Telling(outbox, self.note)
        self._held = Holdings()
        self._threads = Threads(3, "assay-loop")
        self._backlog = Backlog(self._reuse, self._threads)
        self._flights: set[asyncio.Task[None]] = set()
        self._space, self._due = asyncio.Event(), asyncio.Event()
        self._stopping = self._ended = self._source_waits = self._grounded = self._closed = False
        self._news: list[News] = []
        self._care: int | None = None
        self._unheard = 0
        self._last_words: Report | None = None
        self._finished = 0

    def stop(self) -> None:
        """Read no more, finish what is in flight, commit, return."""
        self._stopping = True
        self._backlog.close()
        self._telling.stop()
        self._space.set()
        self._due.set()

    def adopt(self, policies: Sequence[Policy]) -> None:
        """Judge what is read from now on under these texts. The judge has prepared them; their ids are the same."""
        self._intake.adopt(policies)

    def note(self, news: News) -> None:
        """Something that the person who runs the job should read."""
        self._news.append(news)

    def report(self) -> Report:
        """Counts and standings as of now; after a failure, as of the failure."""
        if self._last_words is not None:
            return self._last_words
        standings = self._held.standings
        if self._care is not None and self._backlog:
            following = self._backlog.next_shard
            standings[following] = replace(standings[following], flying=standings[following].flying + 1)
        return Report(self._counts.tally(), standings, tuple(self._news), self._held.begins)

    async def run(self) -> Tally:
        """Audit until the source ends or `stop` is called. The judge must have been started.

        Raises EngineDied, Refused, TransientError or FatalError. What was committed stays; the rest is thrown away.
        """
        try:
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                beating = tasks.create_task(self._grounding(self._beat))
                reading = tasks.create_task(self._grounding(self._read))
                telling = tasks.create_task(self._grounding(self._telling.run))
                await self._grounding(self._write)
                for task in (beating, reading, telling, *self._flights):
                    task.cancel()
        except BaseExceptionGroup as group:
            raise gravest(group) from group
        finally:
            self._telling.stop()
            self._threads.close()
            self._source.close()
            self._telling.close()
        return self._counts.tally()

    async def _grounding(self, part: Callable[P, Coroutine[Any, Any, None]], *args: P.args, **kwargs: P.kwargs) -> None:
        """Await a part of the loop; if it fails, no case takes off any more."""
        try:
            await part(*args, **kwargs)
        except BaseException:
            self._last_words = self.report()
            self._grounded = True
            raise

    # seek and poll

    async def _read(self) -> None:
        while not (self._stopping or self._ended):
            if self._room() == 0:
                self._space.clear()
                await _wait(self._space, _POLL_SECONDS)
            self._seek()
            room = self._room()
            polled = await self._threads.run(self._source.poll, room, _POLL_SECONDS)
            if self._stopping:
                self._let_go(polled)
            else:
                self._source_waits = room > 0 and not (polled.arrivals or polled.assigned)
                await self._take(polled)
        self._closed = self._source_waits = True
        self._due.set()
        while not self._drained:
            await asyncio.sleep(_POLL_SECONDS)
            self._let_go(await self._threads.run(self._source.poll, 0, _POLL_SECONDS))

    def _room(self) -> int:
        """How many items may be read now."""
        cases = self._limits.room(len(self._backlog), self._held.unsettled, self._held.size)
        return max(cases // len(self._intake.policies), 1) if cases else 0

    def _seek(self) -> None:
        """Have the source begin with each shard that is ready for it, where its least advanced track stands."""
        for holding in self._telling.ready():
            self._source.seek(holding.shard, holding.low if holding.known else None)

    async def _take(self, polled: Polled) -> None:
        self._let_go(polled)
        self._intake.renew(self._held)
        if polled.assigned:
            await self._claim(polled.assigned)
        waiting = self._intake.cases(polled.arrivals, self._held, by_policy=self._care is None)
        await self._backlog.add(waiting, free=self._care is None)
        self._held.reach(polled.reached)
        self._ended = polled.ended
        if self._care is not None:
            self._unheard += 1
            await self._threads.run(self._tell, self.report())
            self._unheard -= 1
        self._launch()
        self._wake_writer()

    def _let_go(self, polled: Polled) -> None:
        """Whatever else becomes of a poll: its news is told, and what was taken away is not ours any more."""
        self._news += polled.news
        for shard in polled.revoked:
            self._drop(shard)

    async def _claim(self, grants: Sequence[Grant]) -> None:
        """Make the shards ours; others are told what they have missed of each before it is read."""
        for holding in await self._threads.run(claim, grants, self._sink, self._intake.policies, self._judge):
            self._held.add(holding)
            self._telling.welcome(holding)
        self._seek()  # before anything else happens: a shard that is settled already may be done with in a moment
        self._care = self._held.care

    def _drop(self, shard: Shard) -> None:
        if holding := self._held.drop(shard):
            self._backlog.drop(holding)

    # judge

    def _launch(self) -> None:
        """Keep the judge full: start cases while the window has room."""
        while self._backlog and not self._grounded and self._may_launch():
            holding, case = self._backlog.next()
            holding.flying += 1
            flight = self._tasks.create_task(self._grounding(self._decide, holding, case))
            self._flights.add(flight)
            flight.add_done_callback(self._land)
        if not self._space.is_set() and self._room() > 0:
            self._space.set()
        self._counts.idle(not self._flights and not self._source_waits)

    def _may_launch(self) -> bool:
        if self._care is None:
            return len(self._flights) < self._limits.window
        if self._unheard:
            return False
        return self._held.unsettled - self._backlog.waiting < self._care

    async def _decide(self, holding: Holding, case: Case) -> None:
        outcome = await self._deciding.decide(case)
        holding.flying -= 1
        self._counts.judged += 1
        self._backlog.landed(holding, case, outcome)

    def _land(self, flight: asyncio.Task[None]) -> None:
        self._flights.discard(flight)
        self._launch()
        self._wake_writer()

    def _finish(self, holding: Holding, outcome: Outcome) -> None:
        holding.finish(outcome)
        self._finished += 1

    # commit and acknowledge

    @property
    def _drained(self) -> bool:
        """Nothing is with the judge, and nothing more will be; nobody is being told again."""
        busy = self._flights or self._backlog or self._telling.busy
        return not busy and (self._stopping or (self._ended and not self._reuse.parked))

    def _wake_writer(self) -> None:
        quiet = self._source_waits and not self._flights and not self._backlog
        many = self._finished >= self._limits.flush_rows or self._held.size >= self._limits.flush_bytes
        if self._finished and (quiet or many or self._care is not None):
            self._due.set()

    async def _write(self) -> None:
        deadline = float("inf")
        while not (self._closed and self._drained and not self._finished):
            await _wait(self._due, self._limits.flush_seconds)
            self._due.clear()
            if self._stopping and deadline == float("inf"):
                deadline = time.monotonic() + self._limits.drain_seconds
            over = time.monotonic() >= deadline
            await self._commit()
            if over:
                break
        await self._commit()

    async def _commit(self) -> None:
        """One atomic step: what is settled, and how far that moves each track. Then tell whoever is to be told."""
        self._finished = 0
        self._unheard += 1
        commit = self._held.release()
        if commit.moves:
            await self._threads.run(self._sink.commit, commit.outcomes, commit.moves)
        commit.committed()
        self._counts.committed(commit.outcomes)
        if commit.outcomes:
            await self._threads.run(self._reuse.settle, commit.outcomes)
        await self._telling.tell(commit.outcomes, commit.holdings)
        if moved := commit.moved:
            await self._acknowledge(moved)
        self._unheard -= 1
        self._care = self._held.care
        self._launch()

    async def _acknowledge(self, moved: Sequence[Holding]) -> None:
        """Tell the watcher first, so that it knows of a commit before the next case can do harm, then the source."""
        settled = {holding.shard: holding.standing.low for holding in moved if not holding.lost}
        await self._threads.run(self._tell, self.report())
        await self._threads.run(self._source.acknowledge, settled)
        for holding in moved:
            if holding.complete:
                self._drop(holding.shard)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(_REPORT_SECONDS)
            await self._threads.run(self._tell, self.report())
            if self._reuse.freed:
                await self._threads.run(self._reuse.settle, ())
            if self._reuse.parked:
                await self._backlog.add(self._reuse.again(), free=self._care is None)
                self._launch()
                self._wake_writer()


async def _wait(event: asyncio.Event, seconds: float) -> None:
    """Until the event is set, or the time is over."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
