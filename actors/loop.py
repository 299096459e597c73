"""The one loop: seek, poll, judge, commit, acknowledge. It knows no Parquet, Kafka, Ray or vLLM."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, ParamSpec, TypeVar

from actors.counts import Counts, Report
from actors.holding import Holding, claim
from actors.limits import Limits
from assay.contracts import Grant, Judge, News, NewsKind, Outbox, Polled, Shard, Sink, Source, Tally
from assay.errors import AssayError, EngineDied, TransientError, gravest
from assay.policy import Policy
from assay.records import Arrival, BadItem, Case, Item, Judgement, Outcome, Reason, Rejection, Stage

_POLL_SECONDS = 0.2
_REPORT_SECONDS = 0.5
_LONGEST_PAUSE = 5.0
_CONDEMNED = Judgement(Rejection(Reason.ENGINE, "the engine died three times while judging this case"), attempts=3)

P = ParamSpec("P")
T = TypeVar("T")


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
    ) -> None:
        self._source, self._judge, self._sink, self._outbox = source, judge, sink, outbox
        self._policies, self._run_id, self._limits, self._tell = tuple(policies), run_id, limits, tell
        self._rank = {policy.hash: number for number, policy in enumerate(self._policies)}
        self._held: dict[tuple[str, str], Holding] = {}
        self._backlog: deque[tuple[Holding, Case]] = deque()
        self._flights: set[asyncio.Task[None]] = set()
        self._space, self._due = asyncio.Event(), asyncio.Event()
        self._stopping = self._ended = self._source_waits = self._grounded = self._closed = False
        self._coming: tuple[Policy, ...] | None = None
        self._news: list[News] = []
        self._care: int | None = None
        self._unheard = 0
        self._last_words: Report | None = None
        self._finished = 0
        self._counts = Counts()

    def stop(self) -> None:
        """Read no more, finish what is in flight, commit, return."""
        self._stopping = True
        self._backlog.clear()
        self._space.set()
        self._due.set()

    def adopt(self, policies: Sequence[Policy]) -> None:
        """Judge what is read from now on under these texts. The judge has prepared them; their ids are the same."""
        self._coming = tuple(policies)

    def note(self, news: News) -> None:
        """Something that the person who runs the job should read."""
        self._news.append(news)

    def report(self) -> Report:
        """Counts and standings as of now; after a failure, as of the failure."""
        if self._last_words is not None:
            return self._last_words
        standings = {holding.shard: holding.standing for holding in self._held.values()}
        if self._care is not None and self._backlog:
            following = self._backlog[0][0].shard
            standings[following] = replace(standings[following], flying=standings[following].flying + 1)
        return Report(self._counts.tally(), standings, tuple(self._news))

    async def run(self) -> Tally:
        """Audit until the source ends or `stop` is called. The judge must have been started.

        Raises EngineDied, Refused, TransientError or FatalError. What was committed stays; the rest is thrown away.
        """
        self._threads = ThreadPoolExecutor(3, thread_name_prefix="assay-loop")
        try:
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                beating = tasks.create_task(self._grounding(self._beat()))
                reading = tasks.create_task(self._grounding(self._read()))
                await self._grounding(self._write())
                for task in (beating, reading, *self._flights):
                    task.cancel()
        except BaseExceptionGroup as group:
            raise gravest(group) from group
        finally:
            self._threads.shutdown(wait=True)
            self._source.close()
            if self._outbox is not None:
                self._outbox.close()
        return self._counts.tally()

    async def _grounding(self, part: Coroutine[Any, Any, T]) -> T:
        """Await a part of the loop; if it fails, no case takes off any more."""
        try:
            return await part
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
            room = self._room()
            polled = await self._in_thread(self._source.poll, room, _POLL_SECONDS)
            if not self._stopping:
                self._source_waits = room > 0 and not (polled.arrivals or polled.assigned)
                await self._take(polled)
        self._closed = self._source_waits = True
        self._due.set()
        while not self._drained:
            await asyncio.sleep(_POLL_SECONDS)
            for shard in (await self._in_thread(self._source.poll, 0, _POLL_SECONDS)).revoked:
                self._drop(shard)

    def _room(self) -> int:
        """How many items may be read now: 0 while the backlog is full or too much is unsettled."""
        limits = self._limits
        unsettled = sum(holding.unsettled for holding in self._held.values())
        backlog = 2 * limits.window - len(self._backlog)
        if backlog <= 0 or self._size() >= limits.flush_bytes or unsettled >= 4 * limits.window + 2 * limits.flush_rows:
            return 0
        return max(backlog // len(self._policies), 1)

    def _size(self) -> int:
        """Characters of all that was read and is not committed."""
        return sum(holding.size for holding in self._held.values())

    async def _take(self, polled: Polled) -> None:
        self._news += polled.news
        self._renew_policies()
        for shard in polled.revoked:
            self._drop(shard)
        if polled.assigned:
            await self._seek(polled.assigned)
        admitted = [case for arrival in polled.arrivals for case in self._admit(arrival)]
        if self._care is None:
            admitted.sort(key=lambda case: self._rank[case[1].policy.hash])
        self._backlog += admitted
        for shard, position in polled.reached.items():
            if holding := self._held.get((shard.source, shard.id)):
                holding.reach(position)
        self._ended = polled.ended
        if self._care is not None:
            self._unheard += 1
            await self._in_thread(self._tell, self.report())
            self._unheard -= 1
        self._launch()
        self._wake_writer()

    async def _seek(self, grants: Sequence[Grant]) -> None:
        """Claim each shard and have its source begin where its least advanced track stands."""
        for holding in await self._in_thread(claim, grants, self._sink, self._policies, self._judge.identity):
            self._held[holding.shard.source, holding.shard.id] = holding
            if self._outbox is not None and holding.sent is not None:
                await self._announce(self._outbox.republish, holding.shard, holding.sent)
            self._source.seek(holding.shard, holding.low if holding.known else None)
        self._care = self._strictest()

    def _renew_policies(self) -> None:
        """From the next item on, judge under the texts that `adopt` brought."""
        if self._coming is None:
            return
        coming, self._coming = self._coming, None
        for old, new in zip(self._policies, coming, strict=True):
            if old.hash != new.hash:
                for holding in self._held.values():
                    holding.adopt(old, new)
                places = ", ".join(f"{h.shard.source}/{h.shard.id} at {h.reached}" for h in self._held.values())
                text = f"policy {new.id}: version {new.version} ({new.hash[:12]}) begins: {places}"
                if places:
                    self._news.append(News(NewsKind.POLICY, text))
        self._policies = coming
        self._rank |= {policy.hash: number for number, policy in enumerate(coming)}

    def _admit(self, arrival: Arrival) -> list[tuple[Holding, Case]]:
        """The cases of an item that need the judge; those that don't are finished here."""
        place = arrival.place
        holding = self._held.get((place.source, place.shard))
        if holding is None:
            return []
        self._counts.items += 1
        holding.count(place.position)
        cases = []
        for policy in self._policies:
            if not holding.admit(policy, arrival):
                continue
            if isinstance(arrival, BadItem):
                rejection = Rejection(arrival.reason, arrival.detail, arrival.raw)
                self._finish(holding, arrival, policy, Judgement(rejection, attempts=0), Stage.SOURCE)
            elif holding.condemns(place.position):
                self._finish(holding, arrival, policy, _CONDEMNED, Stage.JUDGE)
            else:
                cases.append((holding, Case(arrival, policy)))
        holding.reach(place.position + 1)
        return cases

    def _drop(self, shard: Shard) -> None:
        if holding := self._held.pop((shard.source, shard.id), None):
            holding.lost = True
            self._backlog = deque(entry for entry in self._backlog if entry[0] is not holding)

    # judge

    def _launch(self) -> None:
        """Keep the judge full: start cases while the window has room."""
        while self._backlog and not self._grounded and self._may_launch():
            holding, case = self._backlog.popleft()
            holding.flying += 1
            flight = self._tasks.create_task(self._grounding(self._decide(holding, case)))
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
        uncommitted = sum(holding.unsettled for holding in self._held.values()) - len(self._backlog)
        return uncommitted < self._care

    async def _decide(self, holding: Holding, case: Case) -> None:
        began, allowed = time.perf_counter(), self._limits.deadline_seconds
        try:
            async with asyncio.timeout(allowed):
                judgement = await self._judge.judge(case)
        except TimeoutError:
            judgement = Judgement(Rejection(Reason.DEADLINE, f"the judge had no answer within {allowed:g} s"))
        except AssayError:
            raise
        except Exception as error:
            raise EngineDied(f"the judge broke on item {case.item.id!r}: {error!r}") from error
        holding.flying -= 1
        self._counts.judged += 1
        if not holding.lost:
            ms = (time.perf_counter() - began) * 1000
            self._finish(holding, case.item, case.policy, judgement, Stage.JUDGE, ms)

    def _land(self, flight: asyncio.Task[None]) -> None:
        self._flights.discard(flight)
        self._launch()
        self._wake_writer()

    def _finish(
        self, holding: Holding, item: Item | BadItem, policy: Policy, judged: Judgement, stage: Stage, ms: float = 0.0
    ) -> None:
        result = judged.result
        if isinstance(result, Rejection) and result.raw is None and isinstance(item, Item):
            judged = replace(judged, result=replace(result, raw=item.raw))
        now = datetime.now(UTC)
        outcome = Outcome(item, policy, judged, stage, self._judge.identity, self._run_id, now, ms)
        holding.tracks[policy.hash].finish(outcome)
        self._finished += 1

    # commit and acknowledge

    @property
    def _drained(self) -> bool:
        """Nothing is with the judge, and nothing more will be."""
        return not self._flights and not self._backlog and (self._ended or self._stopping)

    def _wake_writer(self) -> None:
        quiet = self._source_waits and not self._flights and not self._backlog
        many = self._finished >= self._limits.flush_rows or self._size() >= self._limits.flush_bytes
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
        released = [(holding, holding.release()) for holding in self._held.values()]
        outcomes = [outcome for _, batch in released for outcome in batch.outcomes]
        moves = {key: move for _, batch in released for key, move in batch.moves.items()}
        if moves:
            await self._in_thread(self._sink.commit, outcomes, moves)
        for holding, batch in released:
            holding.committed(batch)
        self._counts.committed(outcomes)
        if self._outbox is not None and outcomes:
            await self._announce(self._outbox.publish, outcomes)
        if self._outbox is not None:
            for holding, _ in released:
                holding.announced()
        if moved := [holding for holding, batch in released if batch.moves or holding.complete]:
            await self._acknowledge(moved)
        self._unheard -= 1
        self._care = self._strictest()
        self._launch()

    async def _announce(self, call: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
        """Until it is done. Nothing is committed meanwhile; what a stop cuts off is told at the next start."""
        for attempt in itertools.count():
            try:
                await self._in_thread(call, *args, **kwargs)
                if attempt:
                    self._news.append(News(NewsKind.BACK, "verdicts are announced again"))
                return
            except TransientError as error:
                if attempt == 0:
                    self._news.append(News(NewsKind.AWAY, f"verdicts can't be announced and wait: {error}"))
                if self._stopping:
                    raise
            await asyncio.sleep(min(_LONGEST_PAUSE, 0.2 * 2**attempt))

    async def _acknowledge(self, moved: Sequence[Holding]) -> None:
        """Tell the watcher first, so that it knows of a commit before the next case can do harm, then the source."""
        settled = {holding.shard: holding.standing.low for holding in moved if not holding.lost}
        await self._in_thread(self._tell, self.report())
        await self._in_thread(self._source.acknowledge, settled)
        for holding in moved:
            if holding.complete:
                self._drop(holding.shard)

    def _strictest(self) -> int | None:
        """Cases that may be uncommitted at once under the strictest caution that still holds."""
        return min((holding.care.window for holding in self._held.values() if holding.care), default=None)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(_REPORT_SECONDS)
            await self._in_thread(self._tell, self.report())

    async def _in_thread(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, lambda: call(*args, **kwargs))


async def _wait(event: asyncio.Event, seconds: float) -> None:
    """Until the event is set, or the time is over."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
