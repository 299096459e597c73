"""A Kafka broker for the benchmarks that stream, and what they put into it.

ASSAY_TEST_KAFKA=host:port     a broker that runs already
KAFKA_HOME=folder              an Apache Kafka release: its libs/ and Java 17 or later start one for the benchmark
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kafka import KafkaAdminClient, KafkaProducer

from jobs.broker import LocalBroker, kafka_home

_WANTED = (
    "neither ASSAY_TEST_KAFKA (host:port of a broker that runs) nor KAFKA_HOME (an unpacked Apache Kafka release, "
    "which is started with Java 17 or later) is set"
)


@contextmanager
def broker() -> Iterator[str]:
    """The address of a broker, started for the block if need be. Without one: says so, and exits 0 with no figures."""
    running = os.environ.get("ASSAY_TEST_KAFKA")
    if running:
        yield running
    elif os.environ.get("KAFKA_HOME"):
        with tempfile.TemporaryDirectory(prefix="assay-kafka-", ignore_cleanup_errors=True) as folder:
            own = LocalBroker(kafka_home(), Path(folder))
            try:
                yield own.start()
            finally:
                own.stop()
    else:
        print(f"not measured: {_WANTED}", file=sys.stderr)
        print(json.dumps({"skipped": _WANTED}))
        raise SystemExit(0)


def new_topic(bootstrap: str, partitions: int) -> str:
    """Create a topic that nobody else uses; its name."""
    name = f"bench-{uuid.uuid4().hex[:12]}"
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        admin.create_topics({name: {"num_partitions": partitions, "replication_factor": 1}}, wait_for_metadata=True)
    finally:
        admin.close()
    return name


def producer(bootstrap: str, linger_ms: int = 0) -> KafkaProducer:
    """One that waits for the broker's word and sends nothing twice."""
    return KafkaProducer(bootstrap_servers=bootstrap, acks="all", linger_ms=linger_ms, batch_size=64 * 2**10)


def pace(start: float, number: int, per_second: float) -> float:
    """Sleep until it is the turn of event `number`; how many seconds late it is then."""
    late = time.time() - (start + number / per_second)
    if late < 0:
        time.sleep(-late)
    return max(0.0, late)
