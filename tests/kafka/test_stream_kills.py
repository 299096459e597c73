"""Real signals at seeded moments: whatever dies, sleeps, comes or goes, each record has one row under each policy."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.chances import seeds
from tests.jobs.workplace import replicas_of, wait_for_replicas
from tests.kafka.broker import Topics
from tests.kafka.conftest import MakeBroker
from tests.kafka.stream_place import StreamPlace, make_stream, messages, wait_until

pytestmark = pytest.mark.slow

PARTITIONS, EACH, REPLICAS = 4, 40, 2


@dataclass
class Live:
    """A stream that goes on from test to test, and how many records each partition has by now."""

    place: StreamPlace
    kafka: Topics
    process: subprocess.Popen[str]
    produced: int = 0
    others: list[subprocess.Popen[str]] = field(default_factory=list)

    def produce(self, each: int = EACH) -> None:
        self.kafka.produce(self.place.topic, messages(PARTITIONS, each, self.produced * PARTITIONS))
        self.produced += each

    def settle(self) -> None:
        """Wait until all that was produced has its rows; they must be these and no others."""
        rows = 2 * PARTITIONS * self.produced
        wait_until(lambda: self.place.count() >= rows or self.process.poll() is not None, 90)
        assert self.process.poll() is None, self.process.communicate()
        assert self.place.rows() == self.place.expected([self.produced] * PARTITIONS)

    def runs_with_rows(self) -> int:
        (found,) = self.place.query("select count(distinct run_id) as runs from outcomes")
        return int(found["runs"])

    def start(self) -> subprocess.Popen[str]:
        return self.place.start("stream", "CONFIG", "--json")


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory, kafka: Topics) -> Iterator[Live]:
    place = slow_stream(tmp_path_factory.mktemp("live"), kafka, f"live-{random.getrandbits(32):08x}")
    kafka.create_topic(place.topic, PARTITIONS)
    stream = Live(place, kafka, place.start("stream", "CONFIG", "--json"))
    yield stream
    assert place.finish(stream.process)["state"] == "stopped"


def slow_stream(folder: Path, kafka: Topics, topic: str) -> StreamPlace:
    """Judging takes as long as killing."""
    place = make_stream(folder, kafka, topic)
    place.config["judge"] |= {"latency_ms": 150, "jitter": 0.9, "window": 16}
    place.config["source"]["session_seconds"] = 2
    return place


@pytest.mark.parametrize("seed", seeds(2, 12))
def test_replicas_are_killed_at_random_moments(live: Live, seed: int) -> None:
    chance = random.Random(seed)
    wait_for_replicas(live.process)
    live.produce()
    for _ in range(chance.choice((1, 1, 2))):
        time.sleep(chance.uniform(0, 1.5))
        if replicas := replicas_of(live.process):
            chance.choice(replicas).kill()
    live.settle()


def test_a_killed_replica_has_one_successor(live: Live) -> None:
    wait_for_replicas(live.process, REPLICAS)
    before = {replica.pid for replica in replicas_of(live.process)}
    seen: set[int] = set()
    replicas_of(live.process)[0].kill()
    for _ in range(80):
        time.sleep(0.1)
        seen |= {replica.pid for replica in replicas_of(live.process)}
    assert len(seen - before) == 1
    live.produce()
    live.settle()


@pytest.mark.parametrize("seed", seeds(1, 8))
def test_the_driver_is_killed_at_a_random_moment_and_the_next_meets_what_it_left(live: Live, seed: int) -> None:
    chance = random.Random(100 + seed)
    live.produce()
    time.sleep(chance.uniform(0, 6))
    live.process.kill()
    live.process.communicate()
    live.process = live.start()
    live.settle()


def test_a_second_process_joins_and_leaves(live: Live) -> None:
    live.produce()
    live.settle()
    other = live.start()
    wait_for_replicas(other)
    before = live.runs_with_rows()
    for _ in range(20):
        live.produce()
        time.sleep(1.5)
        if live.runs_with_rows() > before:
            break
    summary = live.place.finish(other)
    live.produce()
    live.settle()
    assert summary["state"] == "stopped"
    assert summary["verdicts"] > 0, "the second process had no part in it"


def test_a_zombie_that_slept_past_its_session_commits_nothing_and_rejoins(live: Live) -> None:
    wait_for_replicas(live.process)
    live.produce()
    zombie = replicas_of(live.process)[0]
    zombie.send_signal(signal.SIGSTOP)
    time.sleep(6)
    live.produce()
    live.settle()
    zombie.send_signal(signal.SIGCONT)
    live.produce()
    live.settle()
    assert zombie.is_running()


def test_the_broker_is_killed_and_comes_back_with_its_data(tmp_path: Path, make_broker: MakeBroker) -> None:
    broker = make_broker()
    place = slow_stream(tmp_path, broker, "events")
    broker.create_topic("events", PARTITIONS)
    live = Live(place, broker, place.start("stream", "CONFIG", "--json"))
    live.produce()
    place.wait_for_count(50, live.process)
    broker.kill()
    time.sleep(3)
    broker.start()
    live.produce()
    live.settle()
    live.process.terminate()
    _, err = live.process.communicate(timeout=90)
    assert live.process.returncode == 0
    assert err.count("does not answer") <= 2 * 2, err
