"""A policy that is edited while the only replica's process starts again is taken in like any other."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.jobs.workplace import replicas_of, wait_for_replicas
from tests.kafka.broker import Topics
from tests.kafka.stream_place import StreamPlace, make_stream, record
from tests.kafka.traffic import rows_of

pytestmark = pytest.mark.slow
_BETWEEN = (0.5, 0.95, 0.95, 1.1, 1.3, 1.5)
"""Seconds from an edit to the kill; the driver takes an edit in within one to two."""


@pytest.fixture
def place(tmp_path: Path, kafka: Topics, topic_name: str) -> StreamPlace:
    place = make_stream(tmp_path, kafka, topic_name)
    place.config["policies_reload"] = True
    place.config["replicas"]["count"] = 1
    kafka.create_topic(topic_name)
    return place


def test_an_edit_while_the_replica_starts_again_is_not_missed(place: StreamPlace, kafka: Topics) -> None:
    process = place.start("stream", "CONFIG")
    kafka.produce(place.topic, [(0, None, record(0), (), None)])
    place.wait_for_count(2, process)
    wait_for_replicas(process)
    number = 1
    for version, seconds in enumerate(_BETWEEN, start=2):
        edit(place, version)
        time.sleep(seconds)
        replicas_of(process)[0].kill()
        until, seen = time.monotonic() + 30, set[str]()
        while str(version) not in seen:
            assert time.monotonic() < until, f"version {version} is not taken in"
            kafka.produce(place.topic, [(0, None, record(number), (), None)])
            number += 1
            place.wait_for_count(2 * number, process, 60)
            seen = {row["policy_version"] for row in rows_of(place) if row["policy_id"] == "p0"}
    process.terminate()
    process.communicate(timeout=60)
    assert process.returncode == 0


def edit(place: StreamPlace, version: int) -> None:
    file = place.folder / "policies" / "p0.md"
    new = file.with_suffix(".new")
    new.write_text(file.read_text().replace(f'version: "{version - 1}"', f'version: "{version}"'))
    new.replace(file)
