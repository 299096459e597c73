"""The Ray actors: a replica that holds one judge and runs the loop, and the board that all replicas ask for shards."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Literal

import ray

from actors.board import Board, Status
from actors.judges import make_judge
from actors.loop import Limits, Loop, Report
from assay.config import Config
from assay.contracts import Grant, Judge, Shard, Tally
from assay.errors import EngineDied
from assay.policy import Policy
from sinks.delta import DeltaSink
from sources.parquet import ParquetSource
from sources.plan import Plan


@dataclass(frozen=True, slots=True)
class Assignment:
    """Everything a replica needs to know; the same for all replicas of a run."""

    config: Config
    policies: tuple[Policy, ...]
    plan: Plan
    run_id: str

    @property
    def limits(self) -> Limits:
        sink, replicas = self.config.sink, self.config.replicas
        return Limits(
            self.config.judge.window, sink.flush_seconds, sink.flush_rows, sink.flush_bytes, replicas.drain_seconds
        )


class BoardActor:
    """The board as an actor: one thread, so its methods never overlap."""

    def __init__(self, shards: list[Shard], window: int) -> None:
        self._board = Board(shards, window)

    def next(self, replica: str) -> Grant | Literal["wait"] | None:
        return self._board.next(replica)

    def done(self, replica: str, shard: Shard) -> None:
        self._board.done(replica, shard)

    def report(self, replica: str, report: Report) -> None:
        self._board.report(replica, report)

    def ended(self, replica: str, suspicious: bool) -> None:
        self._board.ended(replica, suspicious=suspicious)

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


class Replica:
    """Holds one judge in memory; `run` may be called again after it raised."""

    def __init__(self, name: str, assignment: Assignment, board: Any) -> None:
        self._name, self._assignment, self._board = name, assignment, board
        self._judge: Judge | None = None
        self._loop: Loop | None = None
        self._stopped = False

    async def run(self) -> Tally:
        """Work until the board has nothing left. Ends the process when the engine died: Ray starts a new one."""
        try:
            return await self._audit(await self._ready())
        except EngineDied as error:
            print(f"replica {self._name}: {error}", flush=True)
            if self._loop is not None:
                self._tell(self._loop.report())
            ray.get(self._board.ended.remote(self._name, True))
            os._exit(1)

    async def stop(self) -> None:
        """Finish what is in flight, commit, and let `run` return."""
        self._stopped = True
        if self._loop is not None:
            self._loop.stop()

    async def pid(self) -> int:
        return os.getpid()

    async def _ready(self) -> Judge:
        if self._judge is None:
            config = self._assignment.config
            judge = make_judge(config.judge, config.replicas.gpus)
            await judge.start(self._assignment.policies)
            self._judge = judge
        return self._judge

    async def _audit(self, judge: Judge) -> Tally:
        work = self._assignment
        source = ParquetSource(work.config.source, work.plan, BoardClaims(self._board, self._name))
        sink = DeltaSink(work.config.sink)
        try:
            self._loop = Loop(source, judge, sink, work.policies, work.run_id, work.limits, self._tell)
            if self._stopped:
                self._loop.stop()
            tally = await self._loop.run()
            self._tell(self._loop.report())
            return tally
        finally:
            sink.close()

    def _tell(self, report: Report) -> None:
        ray.get(self._board.report.remote(self._name, report))
