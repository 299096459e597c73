"""Outboxes of tests: their topics, outcomes to tell, and what a consumer then finds."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Sequence
from importlib import resources
from pathlib import Path

import jsonschema
from kafka import KafkaConsumer, TopicPartition
from kafka.consumer.fetcher import ConsumerRecord

from assay.config import DeltaConfig, KafkaConfig, VerdictTopic
from assay.contracts import Shard
from assay.records import Outcome, Verdict
from sinks.kafka_outbox import KafkaOutbox
from tests.kafka.broker import Topics
from tests.sinks.outcomes import policy, verdict

EVENTS = Shard("events", "0", stream=True)
OTHER = policy("other")


def outbox(kafka: Topics, folder: Path, name: str, only: str = "all", **source: object) -> KafkaOutbox:
    """Verdicts on topic <name>-v, dead letters on <name>-d, of the table in `folder`."""
    settings = {"kind": "kafka", "bootstrap": kafka.address, "topics": ["events"], "group": "g"}
    config = {**settings, "columns": {"id": "id", "text": "text"}, "dead_letter": f"{name}-d", **source}
    sink = sink_config(folder).model_copy(
        update={"verdict_topic": VerdictTopic.model_validate({"topic": f"{name}-v", "only": only})}
    )
    return KafkaOutbox(KafkaConfig.model_validate(config), sink)


def sink_config(folder: Path) -> DeltaConfig:
    return DeltaConfig(kind="delta", path=str(folder))


def make_topics(kafka: Topics, name: str, **configs: object) -> None:
    kafka.create_topic(f"{name}-v", 3, **configs)
    kafka.create_topic(f"{name}-d", 1, **configs)


def read(kafka: Topics, topic: str) -> list[ConsumerRecord]:
    """Everything in the topic, by partition."""
    consumer = KafkaConsumer(bootstrap_servers=kafka.address, auto_offset_reset="earliest", enable_auto_commit=False)
    try:
        partitions = [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic) or ())]
        consumer.assign(partitions)
        left = sum(consumer.end_offsets(partitions).values())
        found: list[ConsumerRecord] = []
        while len(found) < left:
            found += [one for records in consumer.poll(timeout_ms=500).values() for one in records]
        return sorted(found, key=lambda one: (one.partition, one.offset))
    finally:
        consumer.close()


def told(records: Iterable[ConsumerRecord]) -> list[tuple[bytes, bytes, tuple[tuple[str, bytes], ...]]]:
    return sorted((one.key, one.value, tuple(one.headers)) for one in records)


def quiet_verdict(position: int) -> Outcome:
    outcome = verdict(position, shard=EVENTS)
    assert isinstance(outcome.judgement.result, Verdict)
    mild = dataclasses.replace(outcome.judgement.result, violation=False, rule_ids=())
    return with_result(outcome, mild)


def with_result(outcome: Outcome, result: Verdict) -> Outcome:
    return dataclasses.replace(outcome, judgement=dataclasses.replace(outcome.judgement, result=result))


def under_both(outcome: Outcome) -> Sequence[Outcome]:
    return outcome, dataclasses.replace(outcome, policy=OTHER)


def check_schema(value: bytes) -> None:
    schema = json.loads(resources.files("sinks").joinpath("verdict_message.v1.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    message = json.loads(value)
    jsonschema.validate(message, schema, cls=jsonschema.Draft202012Validator)
    assert set(message) == set(schema["properties"]), "a field that the schema does not know"
