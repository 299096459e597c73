"""A real broker for every test here: one that runs already, or the release in KAFKA_HOME.

    ASSAY_TEST_KAFKA=host:port     a broker that runs already, for the tests that need no broker of their own
    KAFKA_HOME=folder              an Apache Kafka release: its libs/ and Java 17 or later start one for the session

Without either the tests are skipped; in CI they fail.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NoReturn

import pytest

from assay.errors import InputError
from jobs import broker
from tests.kafka.broker import Broker, Topics

MakeBroker = Callable[..., Broker]


def pytest_configure(config: pytest.Config) -> None:
    # The client forgets to close the socket of a connection that was refused; the garbage collector does it then.
    config.addinivalue_line("filterwarnings", "ignore:unclosed <socket:ResourceWarning")


def _missing(why: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(why)
    pytest.skip(why)


@pytest.fixture(scope="session")
def kafka_home() -> Path:
    """A Kafka release that can be started here."""
    try:
        return broker.kafka_home()
    except InputError as error:
        _missing(str(error))


@pytest.fixture(scope="session")
def kafka(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Topics]:
    """The session's broker. Its tests share it: names are to be unique, and nobody stops it."""
    running = os.environ.get("ASSAY_TEST_KAFKA")
    if running:
        topics = Topics(running)
    else:
        if not os.environ.get("KAFKA_HOME"):
            _missing("neither ASSAY_TEST_KAFKA (host:port of a broker) nor KAFKA_HOME (a Kafka release) is set")
        home: Path = request.getfixturevalue("kafka_home")
        topics = Broker(home, tmp_path_factory.mktemp("kafka"))
        topics.start()
    yield topics
    if isinstance(topics, Broker):
        topics.stop()
    else:
        topics.close()


@pytest.fixture
def make_broker(kafka_home: Path, tmp_path: Path) -> Iterator[MakeBroker]:
    """Starts brokers of one's own, to be killed or secured. They are stopped after the test."""
    made: list[Broker] = []

    def make(properties: Mapping[str, str] | None = None, secure: str | None = None) -> Broker:
        own = Broker(kafka_home, tmp_path / f"kafka-{len(made)}", properties, secure)
        made.append(own)
        own.start()
        return own

    yield make
    for own in made:
        own.stop()


@pytest.fixture
def topic_name() -> str:
    """A name that no other test has."""
    return f"t-{uuid.uuid4().hex[:12]}"
