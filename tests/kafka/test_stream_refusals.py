"""What keeps `assay stream` from starting is said within 30 s: exit 2, the key to change, and no traceback."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jobs.broker import free_ports
from tests.jobs.workplace import make_workplace
from tests.kafka.broker import Topics
from tests.kafka.stream_place import StreamPlace, make_stream, messages

pytestmark = pytest.mark.slow


@pytest.fixture
def place(tmp_path: Path, kafka: Topics, topic_name: str) -> StreamPlace:
    kafka.create_topic(topic_name)
    kafka.produce(topic_name, messages(1, 3))
    return make_stream(tmp_path, kafka, topic_name)


def refused(place: StreamPlace) -> str:
    done = place.run("stream", "CONFIG", "--until-end", code=2, seconds=30)
    assert not done.stdout
    assert not place.count()
    return done.stderr


def test_a_broker_that_is_not_there_is_refused(place: StreamPlace) -> None:
    (port,) = free_ports(1)
    place.config["source"]["bootstrap"] = f"127.0.0.1:{port}"
    said = refused(place)
    assert f"source.bootstrap: no Kafka broker answers at 127.0.0.1:{port}" in said
    assert "correct the address, start the broker" in said


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"topics": ["none-such"]}, "source.topics: none-such: there is no such topic; create it or correct the name"),
        ({"topics": ["a b"]}, "source.topics: a b: not a topic's name"),
        ({"bootstrap": "no port"}, "source.bootstrap: 'no port' is no address; write host:port"),
        ({"bootstrap": "127.0.0.1:9092,localhost"}, "source.bootstrap: 'localhost' is no address; write host:port"),
        ({"session_seconds": 5000}, "source.session_seconds"),
        ({"value": {"kind": "avro", "schema_file": "none.avsc"}}, "source.value.schema_file"),
        ({"value": {"kind": "text"}}, "source.columns.id"),
        ({"start": "yesterday"}, "source.start"),
        ({"dead_letter": "none-such"}, "source.dead_letter: none-such: there is no such topic"),
    ],
)
def test_a_wrong_source_is_refused_by_name(place: StreamPlace, change: dict[str, Any], says: str) -> None:
    place.config["source"] |= change
    assert says in refused(place)


def test_commands_say_which_source_is_theirs(place: StreamPlace, tmp_path: Path) -> None:
    assert "assay stream" in place.run("backfill", "CONFIG", code=2).stderr
    folder = tmp_path / "parquet"
    folder.mkdir()
    assert "assay backfill" in make_workplace(folder, files=1).run("stream", "CONFIG", code=2).stderr
