"""The Ray actors: a replica that holds one judge and runs the loop, and the board that all replicas ask for shards."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import ray

from actors.assignment import Assignment
from actors.board import Board, Death, Status
from actors.canaries import judge_canaries
from actors.counts import Report
from actors.judges import make_judge
from actors.loop import Loop
from actors.seams import make_history, make_outbox, make_source
from assay.canaries import CanaryCheck, failure
from assay.contracts import Caution, Grant, Judge, News, NewsKind, Shard, Tally
from assay.errors import CanariesFailed, EngineDied, InputError
from assay.policy import Policy
from sinks.delta import DeltaSink


class BoardActor:
    """The board as an actor: one thread, so its methods never overlap."""

    def __init__(self, assignment: Assignment, shards: list[Shard]) -> None:
        self._assignment = assignment
        self._board = Board(shards, assignment.config.judge.window)
        self._causes: dict[str, str] = {}
        self._canaries: list[CanaryCheck] = []

    def assignment(self) -> Assignment:
        return self._assignment

    def renew(self, policies: Sequence[Policy]) -> None:
        """Replicas that start from now on judge under these texts."""
        self._board.renew(self._assignment.policies, policies)
        self._assignment = replace(self._assignment, policies=tuple(policies))

    def adopt(self, replica: str, shard: Shard) -> Caution | None:
        return self._board.adopt(replica, shard)

    def next(self, replica: str) -> Grant | Literal["wait"] | None:
        return self._board.next(replica)

    def done(self, replica: str, shard: Shard) -> None:
        self._board.done(replica, shard)

    def report(self, replica: str, report: Report) -> None:
        self._board.report(replica, report)

    def ended(self, replica: str, death: Death, cause: str) -> str:
        """See `Board.ended`. The first cause that is given for an end is the true one; it is returned."""
        self._board.ended(replica, death)
        if death is Death.ENGINE:
            self._causes[replica] = cause
            return cause
        return self._causes.pop(replica, cause)

    def judged_canaries(self, checks: Sequence[CanaryCheck]) -> None:
        """What came of them on one engine. Those that failed are news, unless they end the run."""
        self._canaries += checks
        if (text := failure(checks)) and self._assignment.config.canaries == "warn":
            self._board.note(News(NewsKind.CANARIES, text))

    def canaries(self) -> Sequence[CanaryCheck]:
        """All of the run so far."""
        return self._canaries

    def status(self) -> Status:
        return self._board.status()


class BoardClaims:
    """One replica's view of the board, as its source asks for it. `board` is a Ray actor handle."""

    def __init__(self, board: Any, replica: str) -> None:
        self._board, self._replica = board, replica

    def next(self) -> Grant | Literal["wait"] | None:
        grant: Grant | Literal["wait"] | None = ray.get(self._board.next.remote(self._replica))
        return grant

    def done(self, shard: Shard) -> None:
        ray.get(self._board.done.remote(self._replica, shard))

    def adopt(self, shard: Shard) -> Caution | None:
        caution: Caution | None = ray.get(self._board.adopt.remote(self._replica, shard))
        return caution


class Replica:
    """Holds one judge in memory; `run` may be called again after it raised."""

    def __init__(self, name: str, board: str, namespace: str) -> None:
        self._name, self._board = name, ray.get_actor(board, namespace)
        self._work: asyncio.Task[Tally] | None = None
        self._judge: Judge | None = None
        self._assigned: Assignment | None = None
        self._policies: Sequence[Policy] = ()
        self._loop: Loop | None = None
        self._renewed: Sequence[Policy] | None = None
        self._stopped = False

    async def run(self) -> Tally:
        """Work until the board has nothing left. A call while another is at work (its caller lost touch) takes over.

        Ends the process when the engine died: Ray starts a new one.
        """
        if self._work is not None and not self._work.done():
            if self._loop is not None:
                self._loop.stop()
            await asyncio.wait([self._work])
        self._work = asyncio.create_task(self._run())
        return await self._work

    async def _run(self) -> Tally:
        try:
            work: Assignment = await self._board.assignment.remote()
            self._assigned, self._policies = work, work.policies
            return await self._audit(work, await self._ready(work))
        except EngineDied as error:
            if self._loop is not None:
                self._tell(self._loop.report())
            ray.get(self._board.ended.remote(self._name, Death.ENGINE, str(error)))
            os._exit(1)

    async def stop(self) -> None:
        """Finish what is in flight, commit, and let `run` return."""
        self._stopped = True
        if self._loop is not None:
            self._loop.stop()

    async def adopt(self, policies: Sequence[Policy]) -> None:
        """Judge what is read from now on under these texts; under the present ones if the judge can't have them, or if
        their canaries fail and that is to stop them.

        A replica that is still starting takes them in once it is ready.
        """
        self._renewed = tuple(policies)
        if self._judge is not None and self._loop is not None:
            await self._take_in(self._renewed, self._judge, self._loop)

    async def _take_in(self, policies: Sequence[Policy], judge: Judge, loop: Loop) -> None:
        try:
            await judge.prepare(policies)
            await self._try_canaries(judge, [policy for policy in policies if policy not in self._policies])
        except (InputError, CanariesFailed) as error:
            loop.note(News(NewsKind.POLICY, f"the changed policies are left out: {error}"))
            return
        if policies is self._renewed:  # else a later change was faster
            self._policies = policies
            loop.adopt(policies)
            await self._board.renew.remote(policies)

    async def _ready(self, work: Assignment) -> Judge:
        if self._judge is None:
            judge = make_judge(work.config.judge, work.config.replicas.gpus)
            await judge.start(work.policies)
            await self._try_canaries(judge, work.policies)
            self._judge = judge
        return self._judge

    async def _try_canaries(self, judge: Judge, policies: Sequence[Policy]) -> None:
        """Have the policies' own examples judged. Raises CanariesFailed if they fail and that is to stop us."""
        assert self._assigned is not None
        config = self._assigned.config
        if config.canaries == "off":
            return
        checks = await judge_canaries(judge, policies, self._assigned.limits, config.canary_bound)
        await self._board.judged_canaries.remote(checks)
        if (text := failure(checks)) and config.canaries == "stop":
            raise CanariesFailed(f"{text}\n  so it judges nothing (on_canary_failure: stop)")

    async def _audit(self, work: Assignment, judge: Judge) -> Tally:
        sink = DeltaSink(work.config.sink, work.config.sink.path, create=False)
        history = await asyncio.to_thread(make_history, work)
        source = await asyncio.to_thread(make_source, work, self._name, BoardClaims(self._board, self._name))
        try:
            outbox = make_outbox(work.config)
            self._loop = Loop(
                source, judge, sink, work.policies, work.run_id, work.limits, self._tell, outbox, history, work.marks
            )
            if self._renewed is not None and self._renewed != work.policies:
                await self._take_in(self._renewed, judge, self._loop)
            if self._stopped:
                self._loop.stop()
            tally = await self._loop.run()
            self._tell(self._loop.report())
            return tally
        finally:
            history.lookup.close()
            sink.close()

    def _tell(self, report: Report) -> None:
        ray.get(self._board.report.remote(self._name, report))
