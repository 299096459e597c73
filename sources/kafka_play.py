"""What a demo does to a cluster beside the job that it shows: make topics, send records, watch a topic."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from kafka import KafkaProducer, TopicPartition

from assay.config import KafkaConfig
from assay.kafka import client_settings
from sources.kafka_client import ASK_SECONDS, admin, consumer, translated

_SEND_SECONDS = 30.0


def ensure_topics(config: KafkaConfig, names: Collection[str]) -> None:
    """Create those that are not there, with one partition each, and wait until they can be used.

    Raises InputError if no broker answers.
    """
    client = admin(config, "assay-demo")
    try:
        with translated(config):
            absent = set(names) - set(client.list_topics())
            if absent:
                options = {name: {"num_partitions": 1} for name in absent}
                client.create_topics(options, wait_for_metadata=True)
    finally:
        client.close()


def send(config: KafkaConfig, topic: str, records: Iterable[tuple[bytes, bytes]]) -> int:
    """Send records of key and value; how many, once the broker has all of them. Raises TransientError, FatalError."""
    with translated(config, topic):
        producer = KafkaProducer(acks="all", **client_settings(config))
        try:
            sent = [producer.send(topic, value=value, key=key) for key, value in records]
            for each in sent:
                each.get(timeout=_SEND_SECONDS)
        finally:
            producer.close(timeout=_SEND_SECONDS)
    return len(sent)


class Tap:
    """Reads what comes into a topic from now on, for nobody's account: it joins no group."""

    def __init__(self, config: KafkaConfig, topic: str) -> None:
        self._config = config
        self._client = consumer(config, client_id="assay-demo")
        with translated(config, topic):
            partitions = [TopicPartition(topic, number) for number in self._client.partitions_for_topic(topic) or ()]
            self._client.assign(partitions)
            for partition, end in self._client.end_offsets(partitions, timeout_ms=ASK_SECONDS * 1000).items():
                self._client.seek(partition, end)

    def read(self, seconds: float) -> Sequence[bytes]:
        """Values that have come since the last call, waiting at most so long for the first."""
        with translated(self._config):
            found = self._client.poll(int(seconds * 1000))
        return [record.value for records in found.values() for record in records if record.value]

    def close(self) -> None:
        self._client.close(autocommit=False, timeout_ms=1000)
