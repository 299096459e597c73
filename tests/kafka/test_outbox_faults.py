"""An outbox whose topics or broker are not as they should be, on a real broker."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.errors import InputError, TransientError
from sinks.kafka_outbox import KafkaOutbox
from tests.kafka.broker import Broker, Topics
from tests.kafka.conftest import MakeBroker
from tests.kafka.letters import (
    EVENTS,
    make_topics,
    outbox,
    read,
)
from tests.sinks.outcomes import rejection, verdict


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


def talking(make_broker: MakeBroker, folder: Path) -> tuple[Broker, KafkaOutbox]:
    """A broker of one's own, and an outbox that has sent to it."""
    broker = make_broker()
    make_topics(broker, "t")
    box = outbox(broker, folder, "t")
    box.publish([verdict(1, shard=EVENTS)])
    return broker, box


@pytest.mark.slow
def test_a_broker_that_goes_and_comes_back_loses_nothing(make_broker: MakeBroker, tmp_path: Path) -> None:
    broker, box = talking(make_broker, tmp_path)
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
    broker, box = talking(make_broker, tmp_path)
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


@pytest.mark.slow
@pytest.mark.parametrize(("end", "key"), [("v", "sink.verdict_topic.topic"), ("d", "source.dead_letter")])
def test_a_topic_that_is_deleted_is_named_and_no_broker_blamed(
    kafka: Topics, tmp_path: Path, topic_name: str, end: str, key: str
) -> None:
    make_topics(kafka, topic_name)
    box = outbox(kafka, tmp_path, topic_name)
    box.publish([verdict(1, shard=EVENTS), rejection(2, shard=EVENTS)])
    admin = kafka.admin()
    admin.delete_topics([f"{topic_name}-{end}"])
    admin.close()
    with pytest.raises(InputError, match=f"{key}: {topic_name}-{end}: there is no such topic; create it"):
        box.publish([verdict(3, shard=EVENTS), rejection(4, shard=EVENTS)])
    box.close()
