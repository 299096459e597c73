"""The verdict topic and the dead-letter topic, on a real broker."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Sequence
from importlib import resources
from pathlib import Path

import jsonschema
import pytest
from kafka import KafkaConsumer, TopicPartition
from kafka.consumer.fetcher import ConsumerRecord

from assay.config import DeltaConfig, KafkaConfig, VerdictTopic
from assay.contracts import Shard
from assay.errors import InputError, TransientError
from assay.ledger import digest
from assay.records import BadItem, Outcome, Reason, Verdict
from sinks.delta import DeltaSink
from sinks.kafka_outbox import KafkaOutbox
from sinks.messages import verdict_messages
from sinks.schema import to_table
from tests.kafka.broker import Topics
from tests.kafka.conftest import MakeBroker
from tests.sinks.outcomes import policy, rejection, verdict

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


def test_a_verdict_is_told_with_all_that_a_consumer_enforces_on(kafka: Topics, tmp_path: Path, topic_name: str) -> None:
    make_topics(kafka, topic_name)
    box = outbox(kafka, tmp_path, topic_name)
    box.publish([verdict(7, shard=EVENTS), quiet_verdict(8)])
    box.close()
    first, second = sorted(read(kafka, f"{topic_name}-v"), key=lambda one: str(one.key))
    case = digest("events", "0", "7", "spam")
    assert first.key == b"i7"
    assert dict(first.headers) == {"assay-case": case.encode(), "assay-schema": b"1", "assay-policy": b"spam"}
    message = json.loads(first.value)
    enforced = {"violation": True, "rule_ids": ["S1"], "severity": 2, "action": "review", "policy_version": "1"}
    assert enforced.items() <= message.items()
    placed = {"topic": "events", "partition": 0, "offset": 7, "case": case, "carried": {"lang": "en"}, "cut": []}
    assert placed.items() <= message.items()
    assert message["item_time"] == "2026-03-04T05:06:07.000089Z"
    for one in (first, second):
        check_schema(one.value)


def test_only_violations_are_told_if_so_configured(kafka: Topics, tmp_path: Path, topic_name: str) -> None:
    make_topics(kafka, topic_name)
    box = outbox(kafka, tmp_path, topic_name, only="violations")
    box.publish([verdict(1, shard=EVENTS), quiet_verdict(2)])
    box.close()
    assert [one.key for one in read(kafka, f"{topic_name}-v")] == [b"i1"]


def test_a_record_that_can_not_be_read_is_told_once_with_its_bytes(
    kafka: Topics, tmp_path: Path, topic_name: str
) -> None:
    make_topics(kafka, topic_name)
    gap = rejection(6, shard=EVENTS)
    assert isinstance(gap.item, BadItem)
    lost = dataclasses.replace(gap.judgement.result, reason=Reason.GAP)
    box = outbox(kafka, tmp_path, topic_name)
    gap = dataclasses.replace(gap, judgement=dataclasses.replace(gap.judgement, result=lost))
    box.publish([*under_both(rejection(5, shard=EVENTS, raw=b"\xff\x00\xfe")), gap])
    box.close()
    (letter,) = read(kafka, f"{topic_name}-d")
    assert (letter.key, letter.value) == (b"events/0/5", b"\xff\x00\xfe")
    assert dict(letter.headers) == {
        "assay-reason": b"invalid_utf8",
        "assay-detail": b"byte 0",
        "assay-topic": b"events",
        "assay-partition": b"0",
        "assay-offset": b"5",
    }
    assert read(kafka, f"{topic_name}-v") == []


def test_what_is_repeated_from_the_table_is_what_was_told(kafka: Topics, tmp_path: Path, topic_name: str) -> None:
    make_topics(kafka, f"{topic_name}-a")
    make_topics(kafka, f"{topic_name}-b")
    elsewhere = Shard("events", "1", stream=True)
    early = [verdict(0, shard=EVENTS), rejection(1, shard=EVENTS)]
    late = [
        *under_both(verdict(3, shard=EVENTS, carried=(("a", "ünï\ud800"), ("b", "\x00")))),
        *under_both(rejection(2, shard=EVENTS, raw=bytes(range(256)))),
        verdict(5, shard=EVENTS, time=None),
        quiet_verdict(4),
    ]
    sink = DeltaSink(sink_config(tmp_path), str(tmp_path))
    sink.commit(early, {})
    sink.commit(late, {})
    sink.commit([verdict(3, shard=elsewhere)], {})
    live, again = outbox(kafka, tmp_path, f"{topic_name}-a"), outbox(kafka, tmp_path, f"{topic_name}-b")
    live.publish(late)
    again.republish(EVENTS, 2)
    again.republish(EVENTS, 100)
    live.close()
    again.close()
    for end, count in (("v", 4), ("d", 1)):
        first = told(read(kafka, f"{topic_name}-a-{end}"))
        assert first == told(read(kafka, f"{topic_name}-b-{end}"))
        assert len(first) == count


def test_repeats_of_many_rows_keep_the_order_of_an_item(kafka: Topics, tmp_path: Path, topic_name: str) -> None:
    make_topics(kafka, topic_name)
    sink = DeltaSink(sink_config(tmp_path), str(tmp_path))
    rows = [verdict(number, shard=EVENTS, id=f"user-{number % 7}") for number in range(5000)]
    sink.commit(rows[1::2], {})
    sink.commit(rows[::2], {})
    box = outbox(kafka, tmp_path, topic_name)
    box.republish(EVENTS, 10)
    box.close()
    by_item: dict[str, list[int]] = {}
    for one in read(kafka, f"{topic_name}-v"):
        by_item.setdefault(one.key, []).append(json.loads(one.value)["offset"])
    assert sorted(offset for offsets in by_item.values() for offset in offsets) == list(range(10, 5000))
    assert all(offsets == sorted(offsets) for offsets in by_item.values())


def test_what_is_too_large_is_told_cut_and_the_others_whole(kafka: Topics, tmp_path: Path, topic_name: str) -> None:
    make_topics(kafka, topic_name, max_message_bytes=20_000)
    raw = bytes(range(256)) * 200
    wordy = verdict(1, shard=EVENTS)
    assert isinstance(wordy.judgement.result, Verdict)
    essay = dataclasses.replace(wordy.judgement.result, rationale="é" * 9_000, reasoning="r" * 100_000)
    outcomes = [
        with_result(wordy, essay),
        verdict(2, shard=EVENTS, carried=(("c", "x" * 30_000),)),
        verdict(3, shard=EVENTS, id="k" * 30_000),
        *(rejection(number, shard=EVENTS, raw=raw) for number in (4, 5)),
        rejection(6, shard=EVENTS, raw=b"small"),
        *(verdict(number, shard=EVENTS) for number in range(7, 60)),
    ]
    box = outbox(kafka, tmp_path, topic_name)
    box.publish(outcomes)
    box.close()
    verdicts = {json.loads(one.value)["offset"]: one for one in read(kafka, f"{topic_name}-v")}
    assert sorted(verdicts) == [1, 2, 3, *range(7, 60)]
    for one in verdicts.values():
        check_schema(one.value)
    cut = {offset: json.loads(one.value)["cut"] for offset, one in verdicts.items()}
    assert {offset: names for offset, names in cut.items() if names} == {
        1: ["rationale"],
        2: ["carried"],
        3: ["carried", "item_id"],
    }
    letters = {one.key: one for one in read(kafka, f"{topic_name}-d")}
    assert len(letters) == 3
    assert letters[b"events/0/6"].value == b"small"
    for key in (b"events/0/4", b"events/0/5"):
        assert raw.startswith(letters[key].value)
        assert len(letters[key].value) > 10_000
        assert ("assay-truncated", b"true") in letters[key].headers


def test_a_topic_that_takes_nothing_is_named(kafka: Topics, tmp_path: Path, topic_name: str) -> None:
    make_topics(kafka, topic_name, max_message_bytes=100)
    box = outbox(kafka, tmp_path, topic_name)
    with pytest.raises(InputError, match=r"sink\.verdict_topic\.topic: .* raise its max\.message\.bytes"):
        box.publish([verdict(1, shard=EVENTS)])
    box.close()


def test_topics_that_are_missing_or_read_by_the_job_are_named(kafka: Topics, tmp_path: Path, topic_name: str) -> None:
    make_topics(kafka, topic_name)
    outbox(kafka, tmp_path, topic_name).check()
    for name, source, said in (
        ("absent", {}, r"sink\.verdict_topic\.topic: absent-v: there is no such topic; create it"),
        (topic_name, {"dead_letter": "absent"}, r"source\.dead_letter: absent: there is no such topic"),
        (topic_name, {"dead_letter": "a/b"}, r"source\.dead_letter: 'a/b' is not a topic's name"),
        (topic_name, {"topics": [f"{topic_name}-d"]}, r"source\.dead_letter: .* is one of source\.topics"),
        (topic_name, {"dead_letter": f"{topic_name}-v"}, r"source\.dead_letter: it is the verdict topic"),
    ):
        with pytest.raises(InputError, match=said):
            outbox(kafka, tmp_path, name, **source).check()


def test_a_topic_that_may_not_be_written_is_named(make_broker: MakeBroker, tmp_path: Path) -> None:
    authorizer = {
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS",
        "sasl.enabled.mechanisms": "PLAIN",
        "listener.name.sasl_plaintext.plain.sasl.jaas.config": "org.apache.kafka.common.security.plain."
        'PlainLoginModule required username="a" password="b" user_a="b";',
    }
    broker = make_broker(authorizer, secure="SASL_PLAINTEXT")
    make_topics(broker, "t")
    secret = tmp_path / "a"
    secret.write_text("a")
    other = tmp_path / "b"
    other.write_text("b")
    security = {"protocol": "SASL_PLAINTEXT", "username_file": str(secret), "password_file": str(other)}
    box = outbox(broker, tmp_path, "t", bootstrap=broker.secure_address, security=security)
    with pytest.raises(InputError, match=r"sink\.verdict_topic\.topic: the user may not write to t-v; grant it WRITE"):
        box.check()
    with pytest.raises(InputError, match=r"sink\.verdict_topic\.topic: the user may not write to t-v"):
        box.publish([verdict(1, shard=EVENTS)])
    box.close()


@pytest.mark.slow
def test_a_broker_that_goes_and_comes_back_loses_nothing(make_broker: MakeBroker, tmp_path: Path) -> None:
    broker = make_broker()
    make_topics(broker, "t")
    box = outbox(broker, tmp_path, "t")
    box.publish([verdict(1, shard=EVENTS)])
    broker.kill()
    with pytest.raises(TransientError, match="does not answer"):
        box.publish([verdict(2, shard=EVENTS), rejection(3, shard=EVENTS)])
    with pytest.raises(TransientError):
        box.publish([verdict(2, shard=EVENTS)])
    broker.start()
    box.publish([verdict(2, shard=EVENTS), rejection(3, shard=EVENTS)])
    box.close()
    assert {one.key for one in read(broker, "t-v")} == {b"i1", b"i2"}
    assert {one.key for one in read(broker, "t-d")} == {b"events/0/3"}


@pytest.mark.slow
def test_a_broker_that_answers_nothing_is_given_up(make_broker: MakeBroker, tmp_path: Path) -> None:
    broker = make_broker()
    make_topics(broker, "t")
    box = outbox(broker, tmp_path, "t")
    box.publish([verdict(1, shard=EVENTS)])
    broker.freeze()
    try:
        with pytest.raises(TransientError):
            box.publish([verdict(2, shard=EVENTS)])
        box.close()
    finally:
        broker.thaw()
    box.publish([verdict(2, shard=EVENTS)])
    box.close()
    assert {one.key for one in read(broker, "t-v")} == {b"i1", b"i2"}


def test_no_broker_is_an_input_error_at_the_start(tmp_path: Path) -> None:
    nobody = Topics("127.0.0.1:9")
    with pytest.raises(InputError, match=r"source\.bootstrap: no Kafka broker answers"):
        outbox(nobody, tmp_path, "t").check()


def test_a_score_that_is_no_number_is_left_out() -> None:
    outcome = verdict(1, shard=EVENTS)
    assert isinstance(outcome.judgement.result, Verdict)
    odd = with_result(outcome, dataclasses.replace(outcome.judgement.result, score=float("nan")))
    (message,) = verdict_messages(to_table([odd]))
    assert json.loads(message.value)["score"] is None
    check_schema(message.value)
