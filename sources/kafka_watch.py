"""Where the partitions of a job's topics begin and end, asked beside those who read them."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager

from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import OffsetSpec

from assay.config import KafkaConfig
from assay.errors import TransientError
from assay.kafka import NoBroker
from sources.kafka_client import ASK_SECONDS, Survey, asking, translated

_COUNT_SECONDS = 20.0


class Watch:
    """Asks for end offsets again and again, for lag. Goes on by itself when the broker was away.

    Partitions are counted, and their first offsets asked for, every 20 s only.
    """

    def __init__(self, config: KafkaConfig, client_id: str = "assay") -> None:
        self._config = config
        self._client_id = client_id
        self._admin: KafkaAdminClient | None = None
        self._begins: Mapping[TopicPartition, int] = {}
        self._counted = float("-inf")

    def look(self, *, anew: bool = False) -> Survey:
        """As the broker has them now; with `anew` the partitions too. Raises TransientError without an answer in 10 s.

        May raise another AssayError, if the broker refuses to tell.
        """
        try:
            if self._admin is None:
                self._admin = asking(self._config, self._client_id)
            with translated(self._config):
                if anew or time.monotonic() - self._counted >= _COUNT_SECONDS:
                    found = _partitions(self._admin, self._config.topics)
                    self._begins = _offsets(self._admin, found, OffsetSpec.EARLIEST)
                    self._counted = time.monotonic()
                level = self._config.isolation_level
                ends = _offsets(self._admin, self._begins, OffsetSpec.LATEST, level)
        except NoBroker as error:
            raise TransientError(str(error)) from error
        except TransientError:
            self.close()
            raise
        return Survey(_keyed(self._begins), _keyed(ends))

    def close(self) -> None:
        if self._admin is not None:
            self._admin.close()
            self._admin = None


def high_watermarks(config: KafkaConfig, partitions: Collection[TopicPartition]) -> Mapping[TopicPartition, int]:
    """The offset after the last record of each, whether or not its transaction is over. Raises TransientError."""
    with _asked(config) as client:
        return _offsets(client, partitions, OffsetSpec.LATEST)


@contextmanager
def _asked(config: KafkaConfig) -> Iterator[KafkaAdminClient]:
    try:
        client = asking(config, "assay")
    except NoBroker as error:
        raise TransientError(str(error)) from error
    try:
        with translated(config):
            yield client
    finally:
        client.close()


def _partitions(client: KafkaAdminClient, topics: Collection[str]) -> list[TopicPartition]:
    described = client.describe_topics(list(topics))
    return [
        TopicPartition(topic["name"], part["partition_index"]) for topic in described for part in topic["partitions"]
    ]


def _offsets(
    client: KafkaAdminClient, partitions: Collection[TopicPartition], spec: OffsetSpec, level: str = "read_uncommitted"
) -> Mapping[TopicPartition, int]:
    if not partitions:
        return {}
    found = client.list_partition_offsets(dict.fromkeys(partitions, spec), level, ASK_SECONDS * 1000)
    return {partition: at.offset for partition, at in found.items()}


def _keyed(offsets: Mapping[TopicPartition, int]) -> dict[tuple[str, int], int]:
    return {(partition.topic, partition.partition): offset for partition, offset in offsets.items()}
