"""Clients of a Kafka cluster, made from the config, with their errors in our words; what a job asks before it starts.

Only the `kafka*` modules of the sources import the client library.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.admin import MemberToRemove
from kafka.errors import KafkaError, for_code
from kafka.net.compat import KafkaNetClient

from assay.config import KafkaConfig
from assay.errors import TransientError
from assay.kafka import client_settings, connected, translate
from sources.kafka_batches import plug_in
from sources.kafka_membership import Assignor
from sources.kafka_values import Values

ASK_SECONDS = 5.0
"""How long one question to the cluster may take before it counts as not answered."""

_RETRY_SECONDS = 10.0
_RECONNECT_MS = 2_000
_HEARTBEAT_SECONDS = 1.0
_FETCH: dict[str, object] = {
    "fetch_max_bytes": 16 * 2**20,
    "max_partition_fetch_bytes": 4 * 2**20,
    "fetch_max_wait_ms": 250,
    "metadata_max_age_ms": 20_000,
}

Key = tuple[str, int]
"""A topic and a partition."""


@dataclass(frozen=True, slots=True)
class Survey:
    """The partitions of a job's topics with their first offsets and the ones after their last.

    With `read_committed` an end is where the first open transaction begins.
    """

    begins: Mapping[Key, int]
    ends: Mapping[Key, int]

    @property
    def partitions(self) -> tuple[Key, ...]:
        return tuple(sorted(self.begins))


def quiet() -> None:
    """Keeps the client's own log lines away: what matters of them is told as errors and news, once."""
    logging.getLogger("kafka").setLevel(logging.CRITICAL + 1)


def consumer(config: KafkaConfig, **more: object) -> KafkaConsumer:
    """A connected consumer. Raises NoBroker if none answers within `CONNECT_SECONDS`."""
    settings = {
        "enable_auto_commit": False,
        "auto_offset_reset": "none",
        "allow_auto_create_topics": False,
        "metrics_enabled": False,
        "isolation_level": config.isolation_level,
        "reconnect_backoff_max_ms": _RECONNECT_MS,
        **client_settings(config),
        **more,
    }
    client = connected(KafkaConsumer, KafkaNetClient, KafkaError, config, **settings)
    plug_in(client)
    return client


def member(config: KafkaConfig, client_id: str) -> KafkaConsumer:
    """A connected consumer that can join the config's group; it takes the place of whoever had its client id before.

    Raises NoBroker if no broker answers within seconds.
    """
    _take_place(config, client_id)
    session, assignor = config.session_seconds, Assignor()
    client = consumer(
        config,
        client_id=client_id,
        group_id=config.group,
        partition_assignment_strategy=[assignor],
        session_timeout_ms=int(session * 1000),
        heartbeat_interval_ms=int(min(_HEARTBEAT_SECONDS, session / 3) * 1000),
        bootstrap_timeout_ms=int(ASK_SECONDS * 1000),
        **_FETCH,
    )
    assignor.serve(client)
    return client


def admin(config: KafkaConfig, client_id: str, **more: object) -> KafkaAdminClient:
    """A connected admin client. Raises NoBroker if none answers within `CONNECT_SECONDS`."""
    settings = {**client_settings(config), "client_id": client_id, **more}
    return connected(KafkaAdminClient, KafkaNetClient, KafkaError, config, **settings)


def asking(config: KafkaConfig, client_id: str) -> KafkaAdminClient:
    """An admin client that waits for answers `ASK_SECONDS` only. Raises NoBroker if none answers within them."""
    patience = int(ASK_SECONDS * 1000)
    return admin(config, client_id, bootstrap_timeout_ms=patience, request_timeout_ms=patience)


def _take_place(config: KafkaConfig, client_id: str) -> None:
    """Has the group forget members of this client id. They are processes that ended without a word: a rebalance would
    wait for them until their sessions are over, and nobody would read what was theirs.
    """
    client = asking(config, client_id)
    try:
        with suppress(TransientError), translated(config):
            group = client.describe_groups([config.group]).get(config.group, {})
            gone = [each["member_id"] for each in group.get("members") or () if each["client_id"] == client_id]
            client.remove_group_members(config.group, [MemberToRemove(each) for each in gone])
    finally:
        client.close()


def survey(config: KafkaConfig, client_id: str = "assay") -> Survey:
    """Asks for everything that a job will need of the cluster, so that it fails at once rather than later.

    Raises InputError if values can't be read as the config says, and within 30 s if no broker answers, if it refuses
    the credentials, if a topic is missing, or if the user may not read a topic or use the group.
    """
    Values(config)
    client = admin(config, client_id)
    try:
        with translated(config):
            partitions = _partitions(client, config)
            _check_group(client, config)
    finally:
        client.close()
    asking = consumer(config, client_id=client_id)
    try:
        with translated(config):
            begins = asking.beginning_offsets(partitions, timeout_ms=ASK_SECONDS * 1000)
            ends = asking.end_offsets(partitions, timeout_ms=ASK_SECONDS * 1000)
    finally:
        asking.close(autocommit=False, timeout_ms=1000)
    return Survey(_keyed(begins), _keyed(ends))


@contextmanager
def translated(config: KafkaConfig, what: str = "") -> Iterator[None]:
    """Errors of the client leave the block as `assay.kafka.translate` says."""
    try:
        yield
    except KafkaError as error:
        raise translate(error, config, what) from error


def forget_parked(client: KafkaConsumer, partition: TopicPartition) -> None:
    """Drops what a paused partition had half read, before it is sought elsewhere.

    kafka-python 3.0.12 gives such records back on resume only if no other partition has been read since: without
    this, the partition would never be fetched again.
    """
    client._fetcher._paused_partition_records.pop(partition, None)


def _partitions(client: KafkaAdminClient, config: KafkaConfig) -> list[TopicPartition]:
    found = {topic["name"]: topic for topic in client.describe_topics(list(config.topics))}
    partitions = []
    for name in config.topics:
        topic = found.get(name)
        error = for_code(topic["error_code"]) if topic else for_code(3)
        if error.errno:
            raise translate(error(), config, name)
        assert topic is not None
        _check_operations(topic.get("authorized_operations"), "TopicAuthorizationFailedError", config, name)
        partitions += [TopicPartition(name, part["partition_index"]) for part in topic["partitions"]]
    return partitions


def _check_group(client: KafkaAdminClient, config: KafkaConfig) -> None:
    """Raises InputError unless the user may use the group. A young cluster has no coordinator for a while: waits."""
    deadline = time.monotonic() + _RETRY_SECONDS
    while True:
        try:
            client.list_group_offsets({config.group: []})
            group = client.describe_groups([config.group]).get(config.group, {})
        except KafkaError as error:
            if not getattr(error, "retriable", False) or time.monotonic() > deadline:
                raise
            time.sleep(0.2)
            continue
        _check_operations(group.get("authorized_operations"), "GroupAuthorizationFailedError", config, config.group)
        return


def _check_operations(allowed: object, error: str, config: KafkaConfig, what: str) -> None:
    """`allowed`: what the broker says that the user may do, None or empty if it does not say."""
    names = (
        {getattr(operation, "name", str(operation)) for operation in allowed} if isinstance(allowed, list) else set()
    )
    if names and not names & {"READ", "ALL"}:
        raise translate(type(error, (Exception,), {})(), config, what)


def _keyed(offsets: Mapping[TopicPartition, int]) -> dict[Key, int]:
    return {(partition.topic, partition.partition): offset for partition, offset in offsets.items()}
