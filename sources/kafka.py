"""Kafka topics as a source: partitions are the shards, records the items, offsets the positions."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError, LogTruncationError, OffsetOutOfRangeError
from kafka.structs import OffsetAndMetadata

from assay.config import KafkaConfig
from assay.contracts import Caution, Grant, News, NewsKind, Polled, Shard
from assay.errors import TransientError
from assay.kafka import NoBroker, translate
from assay.records import Arrival, BadItem
from sources.kafka_client import Key, forget_parked, member
from sources.kafka_membership import keep_join
from sources.kafka_partitions import Listener, Partition, Wish, partition_of
from sources.kafka_pulse import Pulse, Watchdog
from sources.kafka_start import Bounds, beyond_error, bounds, gap_error, lost, truncated_error
from sources.kafka_values import RawRecord, Values

_SLICE_SECONDS = 0.1
_COURTESY_SECONDS = 1.0
_CERTAIN_SECONDS = 3.0
_LEAVE_MS = 1_500


class KafkaSource:
    """Implements `Source` over one consumer of a group; the broker says which partitions are ours.

    What the group has committed does not matter: positions come from `seek`. Without one, a partition is new and begins
    at its first offset, or at the config's `start` if that is a time. `ends` bounds each partition (one that it does
    not name is new, and has nothing to read); without it there is no end. `poll` raises InputError for what only a
    person can set right (a gap with `on_gap: stop`, a topic created anew, rights withdrawn); a broker that is away is
    waited for, and told of as news.
    """

    def __init__(
        self,
        config: KafkaConfig,
        client_id: str,
        care: Callable[[Shard], Caution | None],
        ends: Mapping[Key, int] | None = None,
    ) -> None:
        self._config = config
        self._client_id = client_id
        self._care = care
        self._ends = ends
        self._values = Values(config)
        self._watchdog = Watchdog(config)
        self._lock = threading.Lock()
        self._owned: dict[TopicPartition, Partition] = {}
        self._settled: dict[TopicPartition, int] = {}
        self._told = time.monotonic()
        self._client: KafkaConsumer | None = None
        self._listener: Listener | None = None
        self._closed = False

    def poll(self, room: int, timeout: float) -> Polled:
        """See `Source.poll`. Takes some seconds longer while the broker is away."""
        deadline = time.monotonic() + timeout
        before = self._reached()
        while not self._closed:
            polled = self._step(room, max(0.0, min(_SLICE_SECONDS, deadline - time.monotonic())))
            something = polled.arrivals or polled.assigned or polled.revoked or polled.news
            if something or not room or polled.reached != before or time.monotonic() >= deadline:
                return polled
        return Polled(ended=True)

    def seek(self, shard: Shard, position: int | None) -> None:
        """See `Source.seek`. Without effect on a shard that is not ours any more."""
        with self._lock:
            part = self._owned.get(partition_of(shard))
            if part is not None:
                part.wish_for(Wish(position))

    def acknowledge(self, settled: Mapping[Shard, int]) -> None:
        """See `Source.acknowledge`. The group is told within a second or so, for tools that show its lag."""
        with self._lock:
            self._settled.update({partition_of(shard): position for shard, position in settled.items()})

    def close(self) -> None:
        """Tells the group how far we are and leaves it. Takes seconds at most, whether or not the broker answers."""
        self._closed = True
        client, self._client = self._client, None
        if client is None:
            return
        settled = self._courtesy()
        with suppress(KafkaError):
            if settled and not self._watchdog.away:
                client.commit(settled, timeout_ms=_LEAVE_MS)
        with suppress(KafkaError):
            client.close(autocommit=False, timeout_ms=_LEAVE_MS)

    def _step(self, room: int, seconds: float) -> Polled:
        """One short look at the cluster, in the order that `Polled` means."""
        news: list[News] = []
        client = self._connected(news)
        if client is None:
            return Polled(news=news)
        if gone := self._look(client, room, news):
            return Polled(revoked=gone, news=news)
        gaps = self._carry_out(client, room, news)
        self._steer(client, room > len(gaps))
        self._tell_group(client)
        records = self._read(client, max(1, room - len(gaps)), seconds, news)
        assigned, revoked = self._changed()
        arrivals: list[Arrival] = [gap for part, gap in gaps if self._is_ours(part)]
        arrivals += self._arrivals(records)
        self._follow(client)
        return Polled(arrivals, assigned, revoked, self._reached(), news=news)

    def _connected(self, news: list[News]) -> KafkaConsumer | None:
        if self._client is None:
            try:
                self._client = member(self._config, self._client_id)
            except NoBroker:
                news += self._watchdog.missed()
                return None
            self._subscribe(self._client)
        return self._client

    def _subscribe(self, client: KafkaConsumer) -> None:
        self._listener = Listener(client)
        client.subscribe(topics=list(self._config.topics), listener=self._listener)

    def _look(self, client: KafkaConsumer, room: int, news: list[News]) -> list[Shard]:
        """Joins anew if the client is stuck: then every shard is revoked."""
        if not room:
            self._watchdog.held()
        positions = {one: part.position or 0 for one, part in self._owned.items() if part.wanted}
        pulse, told = self._watchdog.look(client, positions)
        news += told
        if pulse is Pulse.FINE:
            return []
        gone = [part.shard for part in self._owned.values()]
        seconds = self._config.watchdog_seconds
        text = f"{self._config.group}: nothing came for {seconds:g} s though there are records; joined the group anew"
        news.append(News(NewsKind.RESUBSCRIBED, text))
        for one in self._owned:
            forget_parked(client, one)
        self._owned.clear()
        client.unsubscribe()
        self._subscribe(client)
        self._watchdog.fed()
        return gone

    def _carry_out(self, client: KafkaConsumer, room: int, news: list[News]) -> list[tuple[Partition, BadItem]]:
        """Seeks what is to be sought, at most `room` of it, and says what was lost by the way."""
        wishes = [(one, part, part.wish) for one, part in self._owned.items() if part.wish is not None][:room]
        if not wishes:
            return []
        try:
            found = bounds(client, self._config, {one: wish.position for one, _, wish in wishes})
        except TransientError:
            news += self._watchdog.missed()
            return []
        gaps = []
        for one, part, wish in wishes:
            gap = self._place(client, one, part, wish, found[one])
            if gap is not None:
                gaps.append((part, gap))
                news.append(News(NewsKind.GAP, gap.detail))
        self._watchdog.fed()
        return gaps

    def _place(
        self, client: KafkaConsumer, one: TopicPartition, part: Partition, wish: Wish, found: Bounds
    ) -> BadItem | None:
        """Raises InputError if the position is no longer in the log and the config does not say to go on."""
        position = found.start if wish.position is None else wish.position
        gap = None
        if part.shard.stop is None or position < part.shard.stop:
            if position > found.end:
                since = wish.beyond_since or time.monotonic()
                if time.monotonic() - since >= _CERTAIN_SECONDS:
                    raise beyond_error(one, position, found.end)
                part.wish = replace(wish, beyond_since=since)
                return None
            if position < found.begin:
                until = found.begin if part.shard.stop is None else min(found.begin, part.shard.stop)
                if self._config.on_gap == "stop":
                    raise gap_error(one, position, until)
                gap, position = lost(one, position, until), until
        forget_parked(client, one)
        client.seek(one, position)
        part.wish, part.position = None, position
        return gap

    def _steer(self, client: KafkaConsumer, free: bool) -> None:
        """Lets flow what is to be read, and holds the rest."""
        for one, part in self._owned.items():
            flow = free and part.wanted
            if flow != part.flowing:
                (client.resume if flow else client.pause)(one)
                part.flowing = flow

    def _read(
        self, client: KafkaConsumer, most: int, seconds: float, news: list[News]
    ) -> Mapping[TopicPartition, Sequence[Any]]:
        """Records of what flows, and whatever the group has for us. Keeps our place in the group."""
        keep_join(client)
        try:
            records: Mapping[TopicPartition, Sequence[Any]] = client.poll(int(seconds * 1000), max_records=most)
        except OffsetOutOfRangeError as error:
            for one, position in error.args[0].items():
                if one in self._owned:
                    self._owned[one].wish_for(Wish(position))
            return {}
        except LogTruncationError as error:
            raise truncated_error(error.divergent_offsets) from error
        except KafkaError as error:
            self._bear(error, news)
            time.sleep(seconds)
            return {}
        if records:
            self._watchdog.fed()
        return records

    def _bear(self, error: KafkaError, news: list[News]) -> None:
        ours = translate(error, self._config)
        if not isinstance(ours, TransientError):
            raise ours from error
        news += self._watchdog.missed()

    def _changed(self) -> tuple[list[Grant], list[Shard]]:
        assert self._listener is not None
        changes = self._listener.take()
        with self._lock:
            revoked = [part.shard for one in changes.revoked if (part := self._owned.pop(one, None)) is not None]
            for one in changes.assigned:
                stop = None if self._ends is None else self._ends.get((one.topic, one.partition), 0)
                self._owned[one] = Partition(Shard(one.topic, str(one.partition), stop, stream=True))
            for one in changes.revoked:
                self._settled.pop(one, None)
        shards = [self._owned[one].shard for one in changes.assigned]
        return [Grant(shard, self._care(shard)) for shard in shards], revoked

    def _is_ours(self, part: Partition) -> bool:
        return self._owned.get(partition_of(part.shard)) is part

    def _arrivals(self, records: Mapping[TopicPartition, Sequence[Any]]) -> list[Arrival]:
        arrivals = []
        for one, batch in records.items():
            part = self._owned.get(one)
            if part is None or not part.read:
                continue
            stop = part.shard.stop
            for record in batch:
                raw = _raw(record)
                if stop is not None and raw.offset >= stop:
                    break
                arrival = self._values.arrival(raw)
                if arrival is not None:
                    arrivals.append(arrival)
        return arrivals

    def _follow(self, client: KafkaConsumer) -> None:
        """Notes where the client is: past control records, aborted transactions and holes too."""
        for one, part in self._owned.items():
            if part.read:
                with suppress(KafkaError):
                    position = client.position(one, timeout_ms=0)
                    if position is not None and position != part.position:
                        part.position = position
                        self._watchdog.fed()

    def _reached(self) -> dict[Shard, int]:
        return {part.shard: part.reached for part in self._owned.values() if part.read}

    def _tell_group(self, client: KafkaConsumer) -> None:
        if self._settled and time.monotonic() - self._told >= _COURTESY_SECONDS:
            self._told = time.monotonic()
            settled = self._courtesy()
            with suppress(KafkaError):
                if settled and not self._watchdog.away:
                    client.commit_async(settled, callback=lambda _offsets, _result: None)

    def _courtesy(self) -> dict[TopicPartition, OffsetAndMetadata]:
        with self._lock:
            settled, self._settled = self._settled, {}
        return {one: OffsetAndMetadata(at, "", -1) for one, at in settled.items() if one in self._owned}


def _raw(record: Any) -> RawRecord:
    return RawRecord(
        record.topic, record.partition, record.offset, record.timestamp, record.key, record.value, record.headers
    )
