"""What a job asks of the cluster before it starts, and the errors that say what is wrong."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from kafka.admin import ACL, ACLOperation, ACLPermissionType, ResourcePattern, ResourceType

from assay.config import KafkaConfig
from assay.errors import InputError, TransientError
from sources.kafka_client import Survey, consumer, survey
from sources.kafka_watch import Watch
from tests.kafka.broker import Broker, Topics
from tests.kafka.conftest import MakeBroker
from tests.kafka.workshop import Driver, config_of, record, source_of

_LOGIN = "org.apache.kafka.common.security.plain.PlainLoginModule required"
_SECURED = {
    "sasl.enabled.mechanisms": "PLAIN",
    "listener.name.sasl_plaintext.plain.sasl.jaas.config": f'{_LOGIN} username="a" password="a" user_reader="s3cret";',
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "super.users": "User:ANONYMOUS",
}


@pytest.fixture
def secured(make_broker: MakeBroker, monkeypatch: pytest.MonkeyPatch) -> Broker:
    """A broker that lets in `reader` with a password, and allows it nothing at first."""
    monkeypatch.setenv("READER", "reader")
    monkeypatch.setenv("READER_PASSWORD", "s3cret")
    return make_broker(_SECURED, "SASL_PLAINTEXT")


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    left = [thread for thread in set(threading.enumerate()) - before if "producer" not in thread.name]
    assert not left


def _allow(broker: Broker, kind: ResourceType, name: str, *operations: ACLOperation) -> None:
    admin = broker.admin()
    rules = [ACL("User:reader", "*", one, ACLPermissionType.ALLOW, ResourcePattern(kind, name)) for one in operations]
    admin.create_acls(rules)
    admin.close()


def _secure_config(broker: Broker, topic: str, **changes: object) -> KafkaConfig:
    security = {"protocol": "SASL_PLAINTEXT", "username_env": "READER", "password_env": "READER_PASSWORD"}
    return config_of(broker, topic, bootstrap=broker.secure_address, security=security, **changes)


def test_a_survey_tells_partitions_and_their_offsets(kafka: Topics, topic_name: str) -> None:
    kafka.create_topic(topic_name, 2)
    kafka.create_topic(f"{topic_name}-b")
    kafka.produce(topic_name, [record(1, n) for n in range(7)])
    found = survey(config_of(kafka, topic_name, f"{topic_name}-b"))
    keys = ((topic_name, 0), (topic_name, 1), (f"{topic_name}-b", 0))
    assert found == Survey(dict.fromkeys(keys, 0), {keys[0]: 0, keys[1]: 7, keys[2]: 0})
    assert found.partitions == keys


@pytest.mark.slow
def test_nobody_at_the_address_is_an_input_error_that_says_how_long_it_was_looked_for() -> None:
    config = config_of(Topics("127.0.0.1:9"), "any")
    with pytest.raises(InputError, match=r"source\.bootstrap: no Kafka broker answers at 127\.0\.0\.1:9 within 15 s;"):
        survey(config)
    with pytest.raises(InputError, match=r"answers at 127\.0\.0\.1:9 within 1 s;"):
        consumer(config, bootstrap_timeout_ms=1000)


def test_a_topic_that_is_not_there_is_an_input_error(kafka: Topics, topic_name: str) -> None:
    with pytest.raises(InputError, match=f"source.topics: {topic_name}: there is no such topic"):
        survey(config_of(kafka, topic_name))
    assert topic_name not in kafka_topics(kafka)


def kafka_topics(kafka: Topics) -> list[str]:
    admin = kafka.admin()
    names: list[str] = admin.list_topics()
    admin.close()
    return names


@pytest.mark.parametrize("change", ["password", "mechanism"])
def test_refused_credentials_are_told_and_not_tried_again(
    secured: Broker, topic_name: str, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    config = _secure_config(secured, topic_name)
    says = "127.0.0.1:[0-9]+ refuses the credentials"
    if change == "password":
        monkeypatch.setenv("READER_PASSWORD", "hunter2")
    else:
        says = r"source\.security\.mechanism: the broker does not know it"
        security = config.security.model_copy(update={"mechanism": "SCRAM-SHA-256"})
        config = config.model_copy(update={"security": security})
    with pytest.raises(InputError, match=says) as caught:
        consumer(config, bootstrap_timeout_ms=3_600_000)
    assert "hunter2" not in str(caught.value)


def test_missing_rights_are_input_errors_that_name_them(secured: Broker, topic_name: str) -> None:
    secured.create_topic(topic_name)
    config = _secure_config(secured, topic_name)
    for operation in (ACLOperation.DESCRIBE, ACLOperation.READ):
        with pytest.raises(InputError, match=f"source.topics: the user may not read or write {topic_name}"):
            survey(config)
        _allow(secured, ResourceType.TOPIC, topic_name, operation)
    with pytest.raises(InputError, match=f"source.group: the user may not use the group 'group-of-{topic_name}'"):
        survey(config)
    _allow(secured, ResourceType.GROUP, f"group-of-{topic_name}", ACLOperation.READ)
    assert survey(config).ends == {(topic_name, 0): 0}


def test_a_group_that_may_only_be_described_is_refused_by_poll(secured: Broker, topic_name: str) -> None:
    secured.create_topic(topic_name)
    for operation in (ACLOperation.DESCRIBE, ACLOperation.READ):
        _allow(secured, ResourceType.TOPIC, topic_name, operation)
    _allow(secured, ResourceType.GROUP, f"group-of-{topic_name}", ACLOperation.DESCRIBE)
    driver = Driver(source_of(_secure_config(secured, topic_name)))
    with pytest.raises(InputError, match=f"source.group: the user may not use the group 'group-of-{topic_name}'"):
        driver.until(lambda me: me.owned)
    driver.source.close()


@pytest.mark.slow
def test_ends_are_asked_again_when_the_broker_is_back(make_broker: MakeBroker, topic_name: str) -> None:
    broker = make_broker()
    broker.create_topic(topic_name)
    watch = Watch(config_of(broker, topic_name))
    assert watch.look() == Survey({(topic_name, 0): 0}, {(topic_name, 0): 0})
    broker.produce(topic_name, [record(0, n) for n in range(3)])
    assert watch.look().ends == {(topic_name, 0): 3}
    broker.kill()
    with pytest.raises(TransientError):
        watch.look()
    broker.start()
    for attempt in range(10):
        try:
            assert watch.look().ends == {(topic_name, 0): 3}
        except TransientError:
            assert attempt < 9
        else:
            break
    watch.close()


def test_partitions_that_are_added_are_seen_when_they_are_counted_anew(kafka: Topics, topic_name: str) -> None:
    kafka.create_topic(topic_name)
    watch = Watch(config_of(kafka, topic_name))
    watch.look()
    kafka.add_partitions(topic_name, 2)
    kafka.produce(topic_name, [record(1, n) for n in range(3)])
    assert watch.look().partitions == ((topic_name, 0),)
    kafka.delete_before(topic_name, 1, 2)
    assert watch.look(anew=True) == Survey(
        {(topic_name, 0): 0, (topic_name, 1): 2}, {(topic_name, 0): 0, (topic_name, 1): 3}
    )
    watch.close()
