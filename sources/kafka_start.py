"""Where reading a partition begins: the ledger's position if the log still has it, else what the config says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from kafka import KafkaConsumer, TopicPartition

from assay.config import KafkaConfig
from assay.errors import InputError
from assay.records import BadItem, ItemKind, Place, Reason
from sources.kafka_client import ASK_SECONDS, translated
from sources.kafka_watch import high_watermarks


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a partition's log holds: offsets from `begin` to before `end`. `start`: where a new one is begun."""

    begin: int
    end: int
    start: int


def bounds(
    client: KafkaConsumer, config: KafkaConfig, positions: Mapping[TopicPartition, int | None]
) -> Mapping[TopicPartition, Bounds]:
    """As the broker has them now. Raises TransientError if it does not answer within seconds.

    The end is the high watermark where the position is after the last stable offset: it may have been read without
    regard to transactions, one of which is still open. Without a position a partition begins at its first offset or the
    config's time; for `latest`, partitions that were there when the job began have one.
    """
    asked, timeout = list(positions), ASK_SECONDS * 1000
    with translated(config):
        begins = client.beginning_offsets(asked, timeout_ms=timeout)
        ends, starts = client.end_offsets(asked, timeout_ms=timeout), begins
        if isinstance(config.start, datetime):
            since = max(0, int(config.start.timestamp() * 1000))
            found = client.offsets_for_times(dict.fromkeys(asked, since), timeout_ms=timeout)
            starts = {one: ends[one] if found[one] is None else found[one].offset for one in asked}
    beyond = [one for one, position in positions.items() if position is not None and position > ends[one]]
    if beyond and config.isolation_level == "read_committed":
        ends = {**ends, **high_watermarks(config, beyond)}
    return {one: Bounds(begins[one], ends[one], starts[one]) for one in asked}


def lost(partition: TopicPartition, position: int, until: int) -> BadItem:
    """The item that stands for records which were deleted before they were read."""
    place = Place(partition.topic, str(partition.partition), position)
    return BadItem(None, ItemKind.TEXT, Reason.GAP, gap_text(partition, position, until), b"", place)


def gap_text(partition: TopicPartition, position: int, until: int) -> str:
    return (
        f"topic {partition.topic}, partition {partition.partition}: the records from offset {position} "
        f"to before {until} were deleted before they were read"
    )


def gap_error(partition: TopicPartition, position: int, until: int) -> InputError:
    return InputError(
        f"{gap_text(partition, position, until)} (retention, or somebody deleted them); to go on without them "
        "set source.on_gap: skip, which leaves a rejection in their place"
    )


def beyond_error(partition: TopicPartition, position: int, end: int) -> InputError:
    return InputError(
        f"topic {partition.topic}, partition {partition.partition}: it was read up to offset {position}, but it ends "
        f"at {end}: it was deleted and created again, or the broker lost records; its offsets now mean other records, "
        "so audit it into another table (another sink.path)"
    )


def truncated_error(divergent: Mapping[TopicPartition, object]) -> InputError:
    where = ", ".join(f"topic {one.topic}, partition {one.partition}" for one in divergent)
    return InputError(
        f"{where}: the broker lost records that were read already (an unclean leader election); its offsets now mean "
        "other records, so audit it into another table (another sink.path)"
    )
