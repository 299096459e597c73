"""Places replicas on a Ray cluster and watches over them until the board is empty.

Nothing on the data path passes through here. What it does: start or join a cluster, start the board and the replicas,
send a replica that ended back to work, replace one that went silent, and stop them all when asked.
"""

from __future__ import annotations

import contextlib
import math
import os
import random
import secrets
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from actors.assignment import Assignment
from actors.board import Death, Status
from assay.config import Replicas
from assay.contracts import Shard
from assay.errors import AssayError, FatalError, InputError, Interrupted, Refused, TransientError
from assay.policy import Policy

_TICK_SECONDS = 0.25
_PROBE_SECONDS = 5.0
_REFUSALS = 4
_FAILURES_WITHOUT_PROGRESS = 6
_WELL_SECONDS = 600.0
_LONGEST_PAUSE_SECONDS = 10.0


@contextmanager
def cluster(replicas: Replicas) -> Iterator[None]:
    """A Ray cluster for the time of a run: the one at `address`, else one on this machine, which asks for a token.

    Raises InputError when the cluster can't be reached or is too small for the replicas.
    """
    ray = _import_ray(own=replicas.address is None)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    with contextlib.redirect_stdout(sys.stderr):  # Ray prints news of its processes; stdout is for results
        try:
            _connect(ray, replicas)
            _restore(handlers)
            _check_size(ray, replicas)
            yield
        except SystemExit as error:  # Ray's own handler, while it starts, makes this of a signal
            raise Interrupted("stopped while the cluster was starting") from error
        finally:
            _restore(handlers)
            ray.shutdown()


def _connect(ray: Any, replicas: Replicas) -> None:
    where = replicas.address or "this machine"
    try:
        if replicas.address:
            _probe(replicas.address)
            ray.init(address=replicas.address, log_to_driver=False, logging_level="error")
            return
        ray.init(
            address="local",
            num_cpus=max(os.cpu_count() or 1, math.ceil(replicas.count * replicas.cpus)),
            dashboard_host="127.0.0.1",
            object_store_memory=128 * 2**20,
            log_to_driver=False,
            logging_level="error",
        )
    except (OSError, RuntimeError, ValueError) as error:
        raise InputError(f"replicas.address: no Ray cluster at {where}: {_first_line(error)}") from error
    except Exception as error:  # a node that is too slow to start has no class of its own
        raise FatalError(f"Ray did not start on {where}: {_first_line(error)}") from error


def _probe(address: str) -> None:
    """Ray tries for many minutes to reach a host that is not there; a plain connection tells at once."""
    host, _, port = address.rpartition(":")
    if host and port.isdecimal() and "://" not in address:
        socket.create_connection((host, int(port)), _PROBE_SECONDS).close()


def _restore(handlers: Mapping[signal.Signals, Any]) -> None:
    """Ray puts its own signal handlers in place when it starts; a stop is ours to handle."""
    if threading.current_thread() is threading.main_thread():
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _import_ray(*, own: bool) -> Any:
    """Ray with its settings in place: they are read when it is first imported. An own cluster gets a token."""
    os.environ.setdefault("RAY_AUTH_MODE", "token")
    if own and os.environ["RAY_AUTH_MODE"] == "token" and "RAY_AUTH_TOKEN_PATH" not in os.environ:
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    import ray

    return ray


def _check_size(ray: Any, replicas: Replicas) -> None:
    """Refuse a run whose replicas the cluster can't hold, rather than wait for ever."""
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    for resource, each, key in (("CPU", replicas.cpus, "cpus"), ("GPU", replicas.gpus, "gpus")):
        room = sum(int(node.get(resource, 0) / each) for node in nodes) if each else replicas.count
        if room < replicas.count:
            raise InputError(
                f"replicas.{key}: the cluster's {len(nodes)} nodes have room for {room} replicas of {each:g} "
                f"{resource}, not for {replicas.count}; lower replicas.count or replicas.{key}"
            )


@dataclass
class _Member:
    """One replica as the supervisor sees it. `call` is the pending `run`, None once it has nothing more to do.

    `failures` are those since the run last got further (`settled`), the first at `failing_since`, the last at
    `failed_at`; `waits` are those that do not count, since what failed is outside.
    """

    name: str
    handle: Any
    call: Any
    failures: int = 0
    waits: int = 0
    refusals: int = 0
    settled: int = 0
    failing_since: float = 0.0
    failed_at: float = 0.0
    resume_at: float = 0.0


@dataclass
class Supervisor:
    """Runs the replicas of one run. Use inside `cluster`.

    `on_status` is called a few times a second. `stopping` is asked as often; once it is true every replica finishes
    what it has in flight and commits. `renewed` is asked for the run's policies if the text of one has changed.
    """

    assignment: Assignment
    shards: Sequence[Shard]
    on_status: Callable[[Status], None]
    stopping: Callable[[], bool]
    renewed: Callable[[], Sequence[Policy] | None] = lambda: None
    _members: list[_Member] = field(default_factory=list, init=False)
    _stop_sent: bool = field(default=False, init=False)
    _changed: Sequence[Policy] | None = field(default=None, init=False)

    def run(self) -> Status:
        """Until every shard is settled, or the stop is through. Returns the last status.

        Raises FatalError when a replica can't start, or keeps failing without getting anywhere.
        """
        import ray

        self._ray = ray
        self._start()
        try:
            while self._members_at_work():
                calls = [member.call for member in self._members if member.call is not None]
                done, _ = self._ray.wait(calls, timeout=_TICK_SECONDS) if calls else ([], [])
                status = self._status()
                for member in self._members:
                    if member.call in done:
                        self._ended(member, status)
                self._resume()
                self._watch(status)
                if status.finished and not self._stop_sent and not self.assignment.stream:
                    break
            return replace(self._status(), canaries=tuple(self._ray.get(self._board.canaries.remote())))
        finally:
            for member in self._members:
                self._ray.kill(member.handle)

    def _start(self) -> None:
        from actors.replica import BoardActor, Replica

        ray, replicas = self._ray, self.assignment.config.replicas
        here = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(
            ray.get_runtime_context().get_node_id(), soft=False
        )
        place = f"board-{self.assignment.run_id}"
        board = ray.remote(BoardActor).options(num_cpus=0, scheduling_strategy=here, name=place)
        self._board = board.remote(self.assignment, list(self.shards))
        actor = ray.remote(Replica).options(
            num_cpus=replicas.cpus, num_gpus=replicas.gpus, max_restarts=-1, max_task_retries=0
        )
        stream = self.assignment.stream
        for number in range(replicas.count if stream else min(replicas.count, len(self.shards))):
            name = f"replica-{number}"
            handle = actor.remote(name, place, ray.get_runtime_context().namespace)
            self._members.append(_Member(name, handle, handle.run.remote()))

    def _members_at_work(self) -> bool:
        return any(member.call is not None or member.resume_at for member in self._members)

    def _status(self) -> Status:
        status: Status = self._ray.get(self._board.status.remote())
        self.on_status(status)
        return status

    def _ended(self, member: _Member, status: Status) -> None:
        """A replica's run is over: it is through, or it failed and has to go on, or nothing can go on."""
        exceptions, call = self._ray.exceptions, member.call
        member.call = None
        death, patience = Death.NONE, 0.0
        try:
            self._ray.get(call)
        except exceptions.RayActorError as error:
            death, failure = Death.PROCESS, f"its process ended: {_first_line(error)}"
            if isinstance(error, exceptions.ActorUnavailableError):  # Ray starts a new process, or has by now
                patience = self.assignment.config.replicas.silent_seconds
        except exceptions.RayTaskError as error:
            cause = error.cause if isinstance(error.cause, BaseException) else error
            if isinstance(cause, FatalError):
                raise cause from None
            if not isinstance(cause, AssayError):
                raise FatalError(f"{member.name} failed: {cause!r}") from error
            member.refusals += isinstance(cause, Refused)
            if member.refusals >= _REFUSALS:
                raise FatalError(
                    "another run audits the same items into the same table and takes this run's shards; what this run "
                    "committed stays. Let the other one finish, or stop it and run this one again"
                ) from cause
            failure = str(cause)
            if self.assignment.stream and isinstance(cause, TransientError):
                patience = math.inf
        else:
            self._ray.get(self._board.ended.remote(member.name, Death.NONE, ""))
            return
        failure = self._ray.get(self._board.ended.remote(member.name, death, failure))
        self._try_again(member, status, failure, patience)

    def _try_again(self, member: _Member, status: Status, failure: str, patience: float) -> None:
        """`patience`: seconds from the first failure on in which it does not matter how often it fails."""
        settled, now = status.tally.settled, time.monotonic()
        if settled != member.settled or now - member.failed_at > _WELL_SECONDS:
            member.failures = member.waits = 0
            member.refusals = min(member.refusals, 1) if self.assignment.stream else member.refusals
        member.failing_since = member.failing_since if member.failures else now
        member.failures += patience != math.inf
        member.waits += patience == math.inf
        member.settled, member.failed_at = settled, now
        if member.failures > _FAILURES_WITHOUT_PROGRESS and now - member.failing_since >= patience:
            raise FatalError(f"{member.name} failed {member.failures} times without getting further; last: {failure}")
        if not self._stop_sent:
            # Replicas of a driver that was killed live on for some seconds; one that they refused waits for their end.
            turn, tries = 2.0 * member.refusals, member.failures + member.waits
            pause = min(0.1 * 2 ** min(tries, 10), _LONGEST_PAUSE_SECONDS) * (0.5 + random.random())
            member.resume_at = now + turn + pause

    def _resume(self) -> None:
        for member in self._members:
            if member.resume_at and time.monotonic() >= member.resume_at:
                member.resume_at = 0.0
                member.call = member.handle.run.remote()
                if self._changed is not None:
                    member.handle.adopt.remote(self._changed)

    def _watch(self, status: Status) -> None:
        replicas = self.assignment.config.replicas
        for member in self._members:
            silent, stalled = status.heard.get(member.name, 0), status.moved.get(member.name, 0)
            if silent > replicas.silent_seconds or stalled > replicas.stalled_seconds:
                cause = f"it said nothing for {silent:.0f} s and decided nothing for {stalled:.0f} s"
                self._ray.get(self._board.ended.remote(member.name, Death.ENGINE, cause))
                self._ray.kill(member.handle, no_restart=False)
        if (policies := self.renewed()) is not None:
            self._changed = policies  # a replica that is dead now is told when it is back
            for member in self._members:
                member.handle.adopt.remote(policies)
        if self.stopping() and not self._stop_sent:
            self._stop_sent = True
            for member in self._members:
                member.resume_at = 0.0
                if member.call is not None:
                    member.handle.stop.remote()


def _first_line(error: BaseException) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
