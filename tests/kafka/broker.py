"""A real Kafka broker for tests: one node in KRaft mode, on loopback, in a folder that it is given."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from kafka import KafkaAdminClient, KafkaProducer

Header = tuple[str, bytes]
Produced = tuple[int, bytes | None, bytes | None, Sequence[Header], int | None]
"""Partition, key, value, headers, time in milliseconds (None: now)."""

START_SECONDS = 60.0

_OPTIONS = ("-Xmx512m", "-Xms128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
_LOGGING = """\
status = error
appender.stdout.type = Console
appender.stdout.name = stdout
appender.stdout.layout.type = PatternLayout
appender.stdout.layout.pattern = [%d] %p %m (%c)%n
rootLogger.level = INFO
rootLogger.appenderRef.stdout.ref = stdout
"""
_PROPERTIES = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SSL:SSL,"
    "SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL",
    "num.partitions": "1",
    "auto.create.topics.enable": "false",
    "default.replication.factor": "1",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    "log.retention.ms": "-1",
    "log.cleaner.backoff.ms": "200",
    "log.cleaner.dedupe.buffer.size": "20971520",
    "num.network.threads": "2",
    "num.io.threads": "2",
    "broker.session.timeout.ms": "1500",
    "broker.heartbeat.interval.ms": "300",
}


class Topics:
    """What tests do to the cluster at `address`, beside what they test."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._producer: KafkaProducer | None = None

    def admin(self) -> KafkaAdminClient:
        """A client with every right. The caller closes it."""
        return KafkaAdminClient(bootstrap_servers=self.address)

    def create_topic(self, name: str, partitions: int = 1, **configs: object) -> None:
        """The topic, with every partition led. Its configs are written with _ for `.`: `cleanup_policy="compact"`."""
        described = {key.replace("_", "."): str(value) for key, value in configs.items()}
        options = {"num_partitions": partitions, "replication_factor": 1, "configs": described}
        admin = self.admin()
        try:
            admin.create_topics({name: options}, wait_for_metadata=True)
        finally:
            admin.close()

    def produce(self, topic: str, records: Iterable[Produced]) -> None:
        """Returns when the broker has all of them, in their order within each partition."""
        if self._producer is None:
            self._producer = KafkaProducer(bootstrap_servers=self.address, acks="all", linger_ms=2)
        sent = [
            self._producer.send(
                topic, value=value, key=key, headers=list(headers), partition=partition, timestamp_ms=timestamp
            )
            for partition, key, value, headers, timestamp in records
        ]
        self._producer.flush(timeout=60)
        for future in sent:
            future.get(timeout=60)

    def close(self) -> None:
        if self._producer is not None:
            self._producer.close(timeout=1)
            self._producer = None


class Broker(Topics):
    """A broker of the release in `home` (its `libs/`), with its data in `folder`.

    `secure` adds a listener of that protocol (SASL_PLAINTEXT, SSL, SASL_SSL) at `secure_address`; `properties` come
    last and win. Ports stay the same from start to start, and so does the data.
    """

    def __init__(
        self, home: Path, folder: Path, properties: Mapping[str, str] | None = None, secure: str | None = None
    ) -> None:
        self._port, self._controller_port, self._secure_port = _free_ports(3)
        super().__init__(f"127.0.0.1:{self._port}")
        self.secure_address = f"127.0.0.1:{self._secure_port}"
        self._classes = f"{home / 'libs'}/*"
        self._folder = folder
        self._secure = secure
        self._extra = dict(properties or {})
        self._process: subprocess.Popen[bytes] | None = None
        self._starts = 0

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Returns when it answers. Raises AssertionError with the end of its log if it doesn't within a minute."""
        assert self._process is None, "it runs already"
        if not (self._folder / "data").exists():
            self._format()
        self._starts += 1
        log = self._folder / f"broker-{self._starts}.log"
        with log.open("wb") as out:
            self._process = subprocess.Popen(
                self._java("kafka.Kafka", str(self._folder / "server.properties")),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while b"Kafka Server started" not in log.read_bytes():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise AssertionError(f"the broker did not start:\n{log.read_text()[-4000:]}")
            time.sleep(0.05)

    def stop(self) -> None:
        """SIGTERM, a clean shutdown. SIGKILL if it takes more than half a minute."""
        self.close()
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def kill(self) -> None:
        """SIGKILL: a crash. `start` brings it back with what the machine has on disk or in its cache: everything."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """SIGSTOP: it holds its connections and answers nothing."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def _format(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / "log4j2.properties").write_text(_LOGGING)
        written = "".join(f"{key}={value}\n" for key, value in self._properties().items())
        (self._folder / "server.properties").write_text(written)
        cluster = secrets.token_urlsafe(16)
        tool = self._java("kafka.tools.StorageTool", "format", "--standalone", "--cluster-id", cluster)
        done = subprocess.run(
            [*tool, "-c", str(self._folder / "server.properties")], capture_output=True, timeout=120, check=False
        )
        assert done.returncode == 0, (done.stdout + done.stderr).decode()

    def _properties(self) -> dict[str, str]:
        clients = f"PLAINTEXT://{self.address}"
        if self._secure is not None:
            clients += f",{self._secure}://{self.secure_address}"
        controller = f"127.0.0.1:{self._controller_port}"
        return {
            **_PROPERTIES,
            "controller.quorum.bootstrap.servers": controller,
            "listeners": f"{clients},CONTROLLER://{controller}",
            "advertised.listeners": clients,
            "log.dirs": str(self._folder / "data"),
            **self._extra,
        }

    def _java(self, *arguments: str) -> list[str]:
        home = os.environ.get("JAVA_HOME")
        java = f"{home}/bin/java" if home else "java"
        logging = f"-Dlog4j2.configurationFile={self._folder / 'log4j2.properties'}"
        return [java, *_OPTIONS, "-cp", self._classes, logging, *arguments]


def _free_ports(count: int) -> list[int]:
    held = [socket.socket() for _ in range(count)]
    try:
        for one in held:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in held]
    finally:
        for one in held:
            one.close()
