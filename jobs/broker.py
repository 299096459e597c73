"""A Kafka broker of one's own, to try things on: a single node on loopback, from the release that KAFKA_HOME names.

Nothing on it is replicated or secured.
"""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import time
from pathlib import Path

from assay.errors import FatalError, InputError

_START_SECONDS = 60.0
_STOP_SECONDS = 30.0
_SHOWN_CHARS = 3000

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
    "num.network.threads": "2",
    "num.io.threads": "2",
    "log.retention.ms": "-1",
    "log.cleaner.dedupe.buffer.size": "20971520",
    "metadata.max.idle.interval.ms": "0",  # else it writes twice a second that nothing has changed
}


def kafka_home() -> Path:
    """The folder of KAFKA_HOME. Raises InputError if it is not set or holds no release, or if there is no Java."""
    home = os.environ.get("KAFKA_HOME")
    if not home:
        raise InputError("KAFKA_HOME is not set: unpack an Apache Kafka release (4 or newer) and name its folder")
    if not (Path(home) / "libs").is_dir():
        raise InputError(f"KAFKA_HOME={home} has no libs/: name the folder of an Apache Kafka release")
    if shutil.which(_java()) is None:
        raise InputError("there is no java (17 or newer) to start Kafka with: install one, or set JAVA_HOME")
    return Path(home)


class LocalBroker:
    """A broker of the release in `home`, with data, ports and log in `folder`: started again, it is the same one."""

    def __init__(self, home: Path, folder: Path) -> None:
        self._classes = f"{home / 'libs'}/*"
        self._folder = folder
        self.address, self._controller = (f"127.0.0.1:{port}" for port in _remembered_ports(folder))
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Of the process, which must run."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> str:
        """Its address, once it answers. Raises FatalError with the end of its log if that takes over a minute."""
        self._prepare()
        log = self._folder / "broker.log"
        with log.open("wb") as out:
            self._process = subprocess.Popen(
                self._command("kafka.Kafka", str(self._settings)),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a ^C is for its user, who stops it afterwards
            )
        deadline = time.monotonic() + _START_SECONDS
        while b"Kafka Server started" not in log.read_bytes():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                shown = log.read_text(errors="replace")[-_SHOWN_CHARS:]
                raise FatalError(f"the broker did not start; remove {self._folder} to begin anew. Its log:\n{shown}")
            time.sleep(0.05)
        return self.address

    def stop(self) -> None:
        """A clean shutdown; killed if that takes more than half a minute. Does nothing if it does not run."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def properties(self) -> dict[str, str]:
        """What it is started with, by the names that Kafka gives to its settings."""
        clients = f"PLAINTEXT://{self.address}"
        return {
            **_PROPERTIES,
            "controller.quorum.bootstrap.servers": self._controller,
            "listeners": f"{clients},CONTROLLER://{self._controller}",
            "advertised.listeners": clients,
            "log.dirs": str(self._data),
        }

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    @property
    def _settings(self) -> Path:
        return self._folder / "server.properties"

    def _prepare(self) -> None:
        """Write its settings, and format its disk the first time."""
        self._settings.write_text("".join(f"{key}={value}\n" for key, value in self.properties().items()))
        (self._folder / "log4j2.properties").write_text(_LOGGING)
        if not (self._data / "meta.properties").exists():
            cluster = f"assay-{secrets.token_hex(8)}"
            tool = self._command("kafka.tools.StorageTool", "format", "--standalone", "--cluster-id", cluster)
            done = subprocess.run([*tool, "-c", str(self._settings)], capture_output=True, check=False)
            if done.returncode:
                said = (done.stdout + done.stderr).decode(errors="replace")[-_SHOWN_CHARS:]
                raise FatalError(f"{self._data} can't be prepared for Kafka:\n{said}")

    def _command(self, *arguments: str) -> list[str]:
        logging = f"-Dlog4j2.configurationFile={self._folder / 'log4j2.properties'}"
        return [_java(), *_OPTIONS, "-cp", self._classes, logging, *arguments]


def _java() -> str:
    home = os.environ.get("JAVA_HOME")
    return f"{home}/bin/java" if home else "java"


def _remembered_ports(folder: Path) -> list[int]:
    """The broker's and its controller's."""
    file = folder / "ports"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        file.write_text("{} {}".format(*free_ports(2)))
    return [int(port) for port in file.read_text().split()]


def free_ports(count: int) -> list[int]:
    """Ports on loopback that nobody has now, all different."""
    held = [socket.socket() for _ in range(count)]
    try:
        for one in held:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in held]
    finally:
        for one in held:
            one.close()
