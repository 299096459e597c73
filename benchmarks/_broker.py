"""A Kafka broker for the benchmarks that stream, and what they put into it.

ASSAY_TEST_KAFKA=host:port     a broker that runs already
KAFKA_HOME=folder              an Apache Kafka release: its libs/ and Java 17 or later start one for the benchmark
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kafka import KafkaAdminClient, KafkaProducer

_START_SECONDS = 60.0
_WANTED = (
    "neither ASSAY_TEST_KAFKA (host:port of a broker that runs) nor KAFKA_HOME (an unpacked Apache Kafka release, "
    "which is started with Java 17 or later) is set"
)
_OPTIONS = ("-Xmx512m", "-Xms256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
_LOGGING = """\
status = error
appender.stdout.type = Console
appender.stdout.name = stdout
appender.stdout.layout.type = PatternLayout
appender.stdout.layout.pattern = [%d] %p %m (%c)%n
rootLogger.level = INFO
rootLogger.appenderRef.stdout.ref = stdout
"""
_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
num.network.threads=2
num.io.threads=2
"""


@contextmanager
def broker() -> Iterator[str]:
    """The address of a broker, started for the block if need be. Without one: says so, and exits 0 with no figures."""
    running, home = os.environ.get("ASSAY_TEST_KAFKA"), os.environ.get("KAFKA_HOME")
    if running:
        yield running
    elif home:
        with tempfile.TemporaryDirectory(prefix="assay-kafka-", ignore_cleanup_errors=True) as folder:
            yield from _started(Path(home), Path(folder))
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


def _started(home: Path, folder: Path) -> Iterator[str]:
    port, controller = _free_ports()
    (folder / "log4j2.properties").write_text(_LOGGING)
    settings = _PROPERTIES.format(port=port, controller=controller, data=folder / "data")
    (folder / "server.properties").write_text(settings)
    java = _java(home, folder)
    tool = [*java, "kafka.tools.StorageTool", "format", "--standalone", "--cluster-id", uuid.uuid4().hex[:22]]
    subprocess.run([*tool, "-c", str(folder / "server.properties")], check=True, stdout=subprocess.DEVNULL, timeout=120)
    log = folder / "broker.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*java, "kafka.Kafka", str(folder / "server.properties")], stdout=out, stderr=subprocess.STDOUT
        )
    try:
        _await_start(process, log)
        yield f"127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def _await_start(process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while b"Kafka Server started" not in log.read_bytes():
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"the broker did not start:\n{log.read_text()[-4000:]}")
        time.sleep(0.1)


def _java(home: Path, folder: Path) -> list[str]:
    java = f"{os.environ['JAVA_HOME']}/bin/java" if os.environ.get("JAVA_HOME") else "java"
    if shutil.which(java) is None:
        raise SystemExit("there is no java (17 or later) to start a Kafka broker with")
    logging = f"-Dlog4j2.configurationFile={folder / 'log4j2.properties'}"
    return [java, *_OPTIONS, "-cp", f"{home / 'libs'}/*", logging]


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]
