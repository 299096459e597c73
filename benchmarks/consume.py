"""How fast records become items: poll, decode and validate into nothing, beside what the Kafka client alone can do.

    python benchmarks/consume.py [--quick] [--profile]

Records per second and core count the CPU of all threads of this process. The ceiling is the client's own `poll` with
the same settings; both read the same topic in turn. Once, for information, the whole loop with a judge that takes no
time and a sink in memory. `--profile` prints where the source's Python time goes, by function.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import json
import multiprocessing
import os
import pstats
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from _broker import broker, new_topic, producer
from _machine import describe
from kafka import KafkaConsumer, TopicPartition

from actors.counts import Report
from actors.limits import Limits
from actors.loop import Loop
from actors.scripted import ScriptedJudge
from assay.config import KafkaConfig, ScriptedConfig
from assay.policy import parse_policy
from sinks.memory import MemorySink
from sources.kafka import KafkaSource

_PARTITIONS = 4
_BYTES = 500
_ROOM = 500
_FETCH = {  # as the source sets them
    "fetch_max_bytes": 16 * 2**20,
    "max_partition_fetch_bytes": 4 * 2**20,
    "fetch_max_wait_ms": 250,
    "enable_auto_commit": False,
    "metrics_enabled": False,
}
_TEXT = "the market opens early and our neighbours bring bread cheese and letters from the town across the river "


@dataclass(frozen=True, slots=True)
class Rate:
    """Records in so many wall seconds and CPU seconds of all threads."""

    records: int
    seconds: float
    cpu_seconds: float

    @property
    def per_core(self) -> float:
        return self.records / self.cpu_seconds

    def __str__(self) -> str:
        wall = self.records / self.seconds
        return f"{self.per_core:,.0f}/s per core ({wall:,.0f}/s by the clock, {self.cpu_seconds:.2f} s CPU)"


def fill(bootstrap: str, topic: str, records: int) -> None:
    """JSON objects of 500 bytes with id, text and time, spread evenly over the partitions."""
    sender = producer(bootstrap, linger_ms=20)
    for number in range(records):
        head = f'{{"id":"m{number}","created_at":"2026-03-01T12:{number // 60 % 60:02}:{number % 60:02}Z","text":"'
        value = head + (_TEXT * 5)[: _BYTES - len(head) - 2] + '"}'
        sender.send(topic, value=value.encode(), partition=number % _PARTITIONS)
        if number % 20_000 == 0:
            sender.flush()
    sender.flush()
    sender.close()


def config_of(bootstrap: str, topic: str, group: str) -> KafkaConfig:
    columns = {"id": "id", "text": "text", "time": "created_at"}
    settings = {"kind": "kafka", "bootstrap": bootstrap, "topics": [topic], "group": group, "columns": columns}
    return KafkaConfig.model_validate(settings)


def measured(read: Callable[[], int]) -> Rate:
    began, used = time.perf_counter(), time.process_time()
    records = read()
    return Rate(records, time.perf_counter() - began, time.process_time() - used)


def ceiling(config: KafkaConfig, records: int) -> Rate:
    """The client alone: its poll, and nothing done with what it brings."""
    client = KafkaConsumer(bootstrap_servers=config.bootstrap, isolation_level=config.isolation_level, **_FETCH)
    parts = [TopicPartition(config.topics[0], number) for number in range(_PARTITIONS)]
    client.assign(parts)
    for part in parts:
        client.seek(part, 0)

    def read() -> int:
        count = 0
        while count < records:
            count += sum(map(len, client.poll(100, max_records=_ROOM).values()))
        return count

    rate = measured(read)
    client.close(autocommit=False)
    return rate


def ours(config: KafkaConfig, records: int, profiler: cProfile.Profile | None = None) -> Rate:
    """The source, from the first seek to the last item. It joins its group before the clock starts."""
    source = KafkaSource(config, "bench", lambda _shard: None)
    shards = [grant.shard for _ in range(100) for grant in source.poll(_ROOM, 0.2).assigned]
    assert len(shards) == _PARTITIONS, shards
    for shard in shards:
        source.seek(shard, 0)

    def read() -> int:
        count = 0
        while count < records:
            count += len(source.poll(_ROOM, 0.1).arrivals)
        return count

    if profiler is not None:
        profiler.enable()
    rate = measured(read)
    if profiler is not None:
        profiler.disable()
    source.close()
    return rate


def whole_loop(config: KafkaConfig, records: int) -> Rate:
    """Source, loop, a judge without latency, and a sink in memory, in this process."""

    def tell(report: Report) -> None:
        if report.tally.settled >= records:
            loop.stop()

    policy = parse_policy("---\nid: p\nversion: 1\nrules:\n  - {id: R1}\n---\nJudge.\n", "p")
    judge = ScriptedJudge(ScriptedConfig(kind="scripted"))
    source, sink = KafkaSource(config, "bench", lambda _shard: None), MemorySink()
    loop = Loop(source, judge, sink, [policy], "bench", Limits(512), tell)
    rate = measured(lambda: asyncio.run(loop.run()).settled)
    assert len(sink.outcomes) == records, len(sink.outcomes)
    return rate


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="60,000 records")
    parser.add_argument("--profile", action="store_true")
    chosen = parser.parse_args()
    records, rounds = 60_000 if chosen.quick else 300_000, 3
    sizes = {"partitions": _PARTITIONS, "bytes": _BYTES, "records_a_poll": _ROOM}
    describe({"records": records, "rounds": rounds, **sizes, "fetch": _FETCH})
    with broker() as bootstrap:
        topic = new_topic(bootstrap, _PARTITIONS)
        filler = multiprocessing.get_context("spawn").Process(target=fill, args=(bootstrap, topic, records))
        filler.start()
        filler.join()
        if filler.exitcode:
            raise SystemExit("the topic was not filled")
        print(json.dumps(figures(bootstrap, topic, records, rounds, chosen.profile)))


def figures(bootstrap: str, topic: str, records: int, rounds: int, profiled: bool) -> Mapping[str, object]:
    tops, rates = [], []
    for number in range(rounds):
        config = config_of(bootstrap, topic, f"{topic}-{number}")
        tops.append(ceiling(config, records))
        rates.append(ours(config, records))
        print(f"round {number}, load {os.getloadavg()[0]:.2f}: client alone {tops[-1]}; source {rates[-1]}", flush=True)
    loop = whole_loop(config_of(bootstrap, topic, f"{topic}-loop"), records)
    print(f"whole loop: {loop}", flush=True)
    if profiled:
        profiler = cProfile.Profile()
        ours(config_of(bootstrap, topic, f"{topic}-profile"), records, profiler)
        pstats.Stats(profiler).sort_stats("tottime").print_stats(30)
    top, rate = max(r.per_core for r in tops), max(r.per_core for r in rates)
    return {
        "records_per_s_core": round(rate),
        "client_alone_per_s_core": round(top),
        "share_of_client": round(
            statistics.median(r.per_core / t.per_core for r, t in zip(rates, tops, strict=True)), 3
        ),
        "records_per_s": round(max(r.records / r.seconds for r in rates)),
        "loop_per_s_core": round(loop.per_core),
        "raw_source": [round(r.per_core) for r in rates],
        "raw_client": [round(r.per_core) for r in tops],
    }


if __name__ == "__main__":
    main()
