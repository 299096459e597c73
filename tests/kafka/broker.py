"""A real Kafka broker for tests, and what they do to its topics."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from kafka import KafkaAdminClient, KafkaProducer, TopicPartition

from jobs.broker import LocalBroker, free_ports

Header = tuple[str, bytes]
Produced = tuple[int, bytes | None, bytes | None, Sequence[Header], int | None]
"""Partition, key, value, headers, time in milliseconds (None: now)."""

_PROPERTIES = {
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SSL:SSL,"
    "SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL",
    "log.cleaner.backoff.ms": "200",
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

    def add_partitions(self, name: str, count: int) -> None:
        """From now on the topic has so many, and each of them is led."""
        admin = self.admin()
        try:
            admin.create_partitions({name: count})
            deadline = time.monotonic() + 30
            while sum(part["leader_id"] >= 0 for part in admin.describe_topics([name])[0]["partitions"]) < count:
                assert time.monotonic() < deadline
                time.sleep(0.05)
        finally:
            admin.close()
        self.close()  # the producer would know the former number for a while

    def delete_before(self, name: str, partition: int, offset: int) -> None:
        """As retention does: the log begins at this offset."""
        admin = self.admin()
        try:
            admin.delete_records({TopicPartition(name, partition): offset})
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


class Broker(LocalBroker, Topics):
    """A broker of one's own, which may be killed, frozen and secured.

    `secure` adds a listener of that protocol (SASL_PLAINTEXT, SSL, SASL_SSL) at `secure_address`; `extra` properties
    come last and win.
    """

    def __init__(
        self, home: Path, folder: Path, extra: Mapping[str, str] | None = None, secure: str | None = None
    ) -> None:
        LocalBroker.__init__(self, home, folder)
        Topics.__init__(self, self.address)
        self.secure_address = f"127.0.0.1:{free_ports(1)[0]}"
        self._secure = secure
        self._extra = dict(extra or {})

    def stop(self) -> None:
        self.close()
        super().stop()

    def kill(self) -> None:
        """SIGKILL: a crash. `start` brings it back with what the machine has on disk or in its cache: everything."""
        os.kill(self.pid, signal.SIGKILL)
        super().stop()

    def freeze(self) -> None:
        """SIGSTOP: it holds its connections and answers nothing."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def properties(self) -> dict[str, str]:
        known = super().properties()
        also = f",{self._secure}://{self.secure_address}" if self._secure is not None else ""
        listeners = {key: known[key] + also for key in ("listeners", "advertised.listeners")}
        return {**known, **_PROPERTIES, **listeners, **self._extra}
