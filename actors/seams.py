"""From an assignment to the source that a replica reads, the history that it knows, and the outbox that it tells."""

from __future__ import annotations

from typing import Protocol

from actors.assignment import Assignment
from assay.config import Config, KafkaConfig
from assay.contracts import Caution, History, Outbox, Shard, Source
from sinks.lookup import TableLookup
from sources.parquet import ParquetSource
from sources.shards import Claims


class Place(Claims, Protocol):
    """Where a replica gets its shards, or tells that a broker gave it one."""

    def adopt(self, shard: Shard) -> Caution | None: ...


def make_source(work: Assignment, name: str, place: Place) -> Source:
    """The source that the config describes. A broker is called at the first poll. Raises InputError."""
    config = work.config.source
    if not isinstance(config, KafkaConfig):
        assert work.plan is not None
        return ParquetSource(config, work.plan, place)
    from sources.kafka import KafkaSource

    return KafkaSource(config, f"{work.config.name}-{work.run_id[:8]}-{name}", place.adopt, work.ends)


def make_history(work: Assignment) -> History:
    """What was judged before, by this run and by earlier ones. Raises TransientError, FatalError."""
    config = work.config
    lookup = TableLookup(config.sink.path, config.reuse.max_age, work.since)
    return History(lookup, 0.0 if work.since else config.reuse_audit)


def make_outbox(config: Config) -> Outbox | None:
    """None if nobody is to be told. A broker is called when there is something to tell. Raises InputError."""
    if not isinstance(config.source, KafkaConfig) or not (config.sink.verdict_topic or config.source.dead_letter):
        return None
    from sinks.kafka_outbox import KafkaOutbox

    return KafkaOutbox(config.source, config.sink)
