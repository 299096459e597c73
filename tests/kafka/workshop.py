"""What tests of the Kafka source share: configs, records, and a loop that drives sources."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

from assay.config import KafkaConfig
from assay.contracts import Grant, News, Polled, Shard
from assay.records import Arrival
from sources.kafka import KafkaSource
from tests.kafka.broker import Produced, Topics

WAIT_SECONDS = 60.0


def config_of(kafka: Topics, *topics: str, **changes: object) -> KafkaConfig:
    """JSON values with `id` and `text`, read from the start, in a group named after the topic."""
    settings: dict[str, object] = {
        "kind": "kafka",
        "bootstrap": kafka.address,
        "topics": topics,
        "group": f"group-of-{topics[0]}",
        "columns": {"id": "id", "text": "text"},
        "session_seconds": 6,
    }
    return KafkaConfig.model_validate({**settings, **changes})


def record(partition: int, number: int, timestamp: int | None = None) -> Produced:
    value = json.dumps({"id": f"p{partition}-{number}", "text": f"text {number}"}).encode()
    return partition, None, value, [], timestamp


def records(partition: int, numbers: Iterable[int]) -> list[Produced]:
    return [record(partition, number) for number in numbers]


def source_of(
    config: KafkaConfig, ends: Mapping[tuple[str, int], int] | None = None, client_id: str | None = None
) -> KafkaSource:
    """Without a client id it gets one of its own."""
    return KafkaSource(config, client_id or f"assay-test-{uuid4().hex}", lambda _shard: None, ends)


class Driver:
    """Polls sources as a loop does, and keeps everything they said. Seeks what is assigned to `positions`."""

    def __init__(self, source: KafkaSource, positions: Mapping[int, int | None] | None = None) -> None:
        self.source = source
        self.positions = positions or {}
        self.arrivals: list[Arrival] = []
        self.owned: dict[str, Shard] = {}
        self.assigned: list[str] = []
        self.revoked: list[str] = []
        self.reached: dict[str, int] = {}
        self.news: list[News] = []
        self.seeking = True

    def poll(self, room: int = 1000, timeout: float = 0.2) -> Polled:
        polled = self.source.poll(room, timeout)
        for shard in polled.revoked:
            self.revoked.append(shard.id)
            del self.owned[shard.id]
            self.reached.pop(shard.id, None)
        for grant in polled.assigned:
            self._take(grant)
        assert len(polled.arrivals) <= room
        self.arrivals += polled.arrivals
        self.reached |= {shard.id: position for shard, position in polled.reached.items()}
        self.news += polled.news
        return polled

    def until(self, done: Callable[[Driver], object], room: int = 1000) -> Driver:
        """Polls until it is done. Raises AssertionError after a minute."""
        deadline = time.monotonic() + WAIT_SECONDS
        while not done(self):
            assert time.monotonic() < deadline, (self.owned, self.reached, len(self.arrivals), self.news)
            self.poll(room)
        return self

    def at(self, **reached: int) -> Driver:
        """Polls until these are reached: `at(p0=5)`."""
        wanted = {key.removeprefix("p"): position for key, position in reached.items()}
        return self.until(lambda me: wanted.items() <= me.reached.items())

    def offsets(self, partition: int = 0) -> list[int]:
        return [a.place.position for a in self.arrivals if a.place.shard == str(partition)]

    def _take(self, grant: Grant) -> None:
        self.assigned.append(grant.shard.id)
        self.owned[grant.shard.id] = grant.shard
        if self.seeking:
            self.source.seek(grant.shard, self.positions.get(int(grant.shard.id)))


def together(drivers: Sequence[Driver], done: Callable[[], object]) -> None:
    """Polls each in a thread of its own until it is done: a rebalance needs them all. AssertionError after a minute.

    It may be undone again before the threads have ended, by a rebalance that has begun.
    """
    deadline = time.monotonic() + WAIT_SECONDS
    over = threading.Event()

    def drive(driver: Driver) -> None:
        while not over.is_set():
            driver.poll(timeout=0.05)

    with ThreadPoolExecutor(len(drivers)) as pool:
        driving = [pool.submit(drive, driver) for driver in drivers]
        while not (was_done := done()) and time.monotonic() < deadline and not any(one.done() for one in driving):
            time.sleep(0.02)
        over.set()
    for one in driving:
        one.result()
    assert was_done, [(d.owned, d.reached, d.news) for d in drivers]
