"""The verdict topic and the dead-letter topic: what the table has, told to others over Kafka, at least once.

The producer is not idempotent: a repeat is allowed, and kafka-python 3.0.12 never gives up on messages while it has no
producer id. One request at a time to a partition keeps the order instead.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import chain
from threading import Lock

from kafka import KafkaAdminClient, KafkaProducer
from kafka.errors import KafkaError, MessageSizeTooLargeError, RecordListTooLargeError
from kafka.net.compat import KafkaNetClient
from kafka.producer.future import FutureRecordMetadata

from assay.config import DeltaConfig, KafkaConfig
from assay.contracts import Shard
from assay.errors import AssayError, FatalError, InputError, TransientError
from assay.kafka import NoBroker, client_settings, connected, connection_error, translate
from assay.records import Outcome
from sinks.messages import DeadLetter, Message, dead_letters, verdict_messages
from sinks.replay import dead_letter_rows, verdict_rows
from sinks.schema import to_table

SEND_SECONDS = 20.0
"""How long messages that were handed over may take to be acknowledged before they count as not sent."""

_CLOSE_SECONDS = 1.5
_ASK_SECONDS = 5.0
_WAVE_MESSAGES = 2_000
_WAVE_BYTES = 16 * 2**20
_MAX_REQUEST = 32 * 2**20
_TOO_LARGE = (MessageSizeTooLargeError, RecordListTooLargeError)
_NO_TOPIC, _BAD_NAME, _NOT_ALLOWED = 3, 17, 29

_PRODUCER = {
    "acks": "all",
    "enable_idempotence": False,
    "max_in_flight_requests_per_connection": 1,
    "allow_auto_create_topics": False,
    "metrics_enabled": False,
    "linger_ms": 5,
    "batch_size": 128 * 2**10,
    "max_request_size": _MAX_REQUEST,
    "max_block_ms": 8_000,
    "request_timeout_ms": 8_000,
    "delivery_timeout_ms": 15_000,
    "reconnect_backoff_max_ms": 1_000,
}


class KafkaOutbox:
    """Sends to `sink.verdict_topic` and `source.dead_letter`, each of which may be absent, in the source's cluster.

    Repeats come from the table at `sink.path`. Connects when there is something to send, and anew after a failure.
    May be used by several threads. Raises InputError if a secret is not where the config says.
    """

    def __init__(self, source: KafkaConfig, sink: DeltaConfig) -> None:
        self._source = source
        self._verdicts = sink.verdict_topic
        self._path = sink.path
        self._settings = client_settings(source)
        self._producer: KafkaProducer | None = None
        self._lock = Lock()

    def check(self, patience: float = 12.0) -> None:
        """Raises InputError unless each topic exists, may be written and is not read by this very job.

        Waits `patience` seconds for a connection and half as long for each answer; then it raises NoBroker.
        """
        wanted = self._topics()
        for key, topic in wanted.items():
            if topic in self._source.topics:
                raise InputError(f"{key}: {topic} is one of source.topics, which the job reads; name another")
        if len(set(wanted.values())) < len(wanted):
            raise InputError("source.dead_letter: it is the verdict topic; name another topic")
        if not wanted:
            return
        wait = int(patience * 1000)
        settings = {**self._settings, "bootstrap_timeout_ms": wait, "request_timeout_ms": wait // 2}
        client = connected(KafkaAdminClient, KafkaNetClient, KafkaError, self._source, **settings)
        try:
            found = {topic["name"]: topic for topic in client.describe_topics([*wanted.values()])}
        except KafkaError as error:
            raise connection_error(error, self._source) from error
        finally:
            client.close()
        for key, topic in wanted.items():
            described = found.get(topic, {"error_code": _NO_TOPIC})
            _check_topic(key, topic, described["error_code"], described.get("authorized_operations") or ())

    def publish(self, outcomes: Sequence[Outcome]) -> None:
        """Returns when the broker has all of it. Raises TransientError if it does not answer, InputError or FatalError.

        Whatever it raises, some may have been sent. A message that is too large keeps no other from being sent.
        """
        rows = to_table(outcomes)
        found: Iterator[Message] = iter(())
        if self._verdicts is not None:
            found = chain(found, verdict_messages(rows, violations=self._violations))
        if self._source.dead_letter is not None:
            found = chain(found, dead_letters(rows))
        self._send_all(found)

    def republish(self, shard: Shard, since: int) -> Generator[int, None, None]:
        """The same for what the table has of the shard from this position on, by position. Memory stays bounded.

        Yields after each piece the position before which everything was told.
        """
        hopeless: list[Message] = []
        for wave in _waves(self._from_table(shard, since)):
            hopeless += self._send_wave(wave)
            yield min(message.position for message in (*hopeless, wave[-1]))
        self._check_sizes(hopeless)

    def _from_table(self, shard: Shard, since: int) -> Iterator[Message]:
        """Both kinds together, by position."""
        verdicts: Iterator[Message] = iter(())
        letters: Iterator[Message] = iter(())
        if self._verdicts is not None:
            found = verdict_rows(self._path, shard, since)
            verdicts = (one for rows in found for one in verdict_messages(rows, violations=self._violations))
        if self._source.dead_letter is not None:
            letters = (one for rows in dead_letter_rows(self._path, shard, since) for one in dead_letters(rows))
        return heapq.merge(verdicts, letters, key=lambda message: message.position)

    def close(self) -> None:
        """Within 5 s. What is being sent by another thread at that moment is given up."""
        held = self._lock.acquire(timeout=0.5)
        try:
            self._drop(give_up=not held)
        finally:
            if held:
                self._lock.release()

    @property
    def _violations(self) -> bool:
        return self._verdicts is not None and self._verdicts.only == "violations"

    def _topics(self) -> dict[str, str]:
        """The topics by the config keys that name them."""
        named = {
            "sink.verdict_topic.topic": self._verdicts.topic if self._verdicts else None,
            "source.dead_letter": self._source.dead_letter,
        }
        return {key: topic for key, topic in named.items() if topic is not None}

    def _key_of(self, message: Message) -> str:
        return "source.dead_letter" if isinstance(message, DeadLetter) else "sink.verdict_topic.topic"

    def _send_all(self, messages: Iterable[Message]) -> None:
        self._check_sizes([message for wave in _waves(messages) for message in self._send_wave(wave)])

    def _check_sizes(self, hopeless: Sequence[Message]) -> None:
        """Raises InputError if there is a message that its topic does not take in any size."""
        if hopeless:
            key = self._key_of(hopeless[0])
            raise InputError(f"{key}: {self._topics()[key]} takes no message of our size; raise its max.message.bytes")

    def _send_wave(self, wave: Sequence[Message]) -> list[Message]:
        """Sends them, smaller and smaller where the topic says that they are too large. Returns what can't be sent."""
        hopeless: list[Message] = []
        deadline = time.monotonic() + SEND_SECONDS
        with self._lock:
            while wave:
                too_large = self._send(wave, deadline)
                shrunk = [(message, message.smaller()) for message in too_large]
                hopeless += [message for message, smaller in shrunk if smaller is None]
                wave = [smaller for _, smaller in shrunk if smaller is not None]
        return hopeless

    def _send(self, wave: Sequence[Message], deadline: float) -> list[Message]:
        """Returns those that are too large, once all others are acknowledged."""
        too_large: list[Message] = []
        sent: list[tuple[Message, FutureRecordMetadata]] = []
        failure: tuple[Message, Exception] | None = None
        producer = self._connect()
        for message in wave:
            try:
                sent.append((message, self._hand_over(producer, message)))
            except _TOO_LARGE:
                too_large.append(message)
            except (KafkaError, ValueError) as error:
                failure = message, error
                break
        for message, future in sent:
            try:
                future.get(max(0.0, deadline - time.monotonic()))
            except _TOO_LARGE:
                too_large.append(message)
            except KafkaError as error:
                failure = failure or (message, error)
        if failure is not None:
            self._drop(give_up=True)
            raise self._problem(*failure) from failure[1]
        return too_large

    def _hand_over(self, producer: KafkaProducer, message: Message) -> FutureRecordMetadata:
        return producer.send(
            self._topics()[self._key_of(message)],
            key=message.key,
            value=message.value,
            headers=list(message.headers),
        )

    def _connect(self) -> KafkaProducer:
        if self._producer is None:
            settings = {**self._settings, "bootstrap_timeout_ms": 10_000, **_PRODUCER}
            try:
                self._producer = connected(KafkaProducer, KafkaNetClient, KafkaError, self._source, **settings)
            except NoBroker as error:
                raise TransientError(f"{self._source.bootstrap} does not answer") from error
        return self._producer

    def _drop(self, *, give_up: bool) -> None:
        """Close the producer. With messages that nobody acknowledged its own `close` would leave its thread behind."""
        producer, self._producer = self._producer, None
        if producer is None:
            return
        if give_up:
            producer._sender.force_close()
            producer._sender.join(_CLOSE_SECONDS)
        with suppress(KafkaError):
            producer.close(timeout=_CLOSE_SECONDS)

    def _problem(self, message: Message, error: Exception) -> AssayError:
        key = self._key_of(message)
        topic = self._topics()[key]
        problem = translate(error, self._source, topic)
        if isinstance(problem, TransientError):
            self._ask_for_topics()
            return TransientError(f"{key}: {topic}: {problem}")
        if code := getattr(error, "errno", None):
            _check_topic(key, topic, code, ())
        return FatalError(f"{key}: {topic}: {problem}")

    def _ask_for_topics(self) -> None:
        """A producer waits for a topic that is gone as for a broker. Raises InputError if the cluster has lost it."""
        try:
            self.check(_ASK_SECONDS)
        except InputError as error:
            if not isinstance(error, NoBroker):
                raise
        except AssayError:
            return


def _check_topic(key: str, topic: str, code: int, allowed: Sequence[str]) -> None:
    """Raises InputError unless the topic is there and may be written. `allowed` is empty if the broker does not say."""
    if code == _NO_TOPIC:
        raise InputError(f"{key}: {topic}: there is no such topic; create it or correct the name")
    if code == _BAD_NAME:
        raise InputError(f"{key}: {topic!r} is not a topic's name; correct it")
    if code == _NOT_ALLOWED or (allowed and not {"WRITE", "ALL"} & set(allowed)):
        raise InputError(f"{key}: the user may not write to {topic}; grant it WRITE and DESCRIBE")


def _waves(messages: Iterable[Message]) -> Iterator[list[Message]]:
    """So many at a time that what is not acknowledged fits in memory."""
    wave: list[Message] = []
    size = 0
    for message in messages:
        wave.append(message)
        size += len(message.value)
        if len(wave) >= _WAVE_MESSAGES or size >= _WAVE_BYTES:
            yield wave
            wave, size = [], 0
    if wave:
        yield wave
