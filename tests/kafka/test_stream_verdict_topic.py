"""The verdict topic of `assay stream`: what the table has is told, once per case where nothing fails."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.kafka.broker import Topics
from tests.kafka.stream_place import StreamPlace, make_stream, messages, wait_until
from tests.kafka.traffic import rows_of, told
from tests.ray_cluster import SharedCluster

pytestmark = pytest.mark.slow

_TOLD = (
    "item_id",
    "policy_id",
    "policy_version",
    "policy_hash",
    "violation",
    "rule_ids",
    "severity",
    "action",
    "run_id",
)


@pytest.fixture
def place(tmp_path: Path, kafka: Topics, topic_name: str, ray_cluster: SharedCluster) -> StreamPlace:
    place = make_stream(tmp_path, kafka, topic_name).join(ray_cluster)
    place.config["sink"]["verdict_topic"] = {"topic": f"{topic_name}-verdicts"}
    kafka.create_topic(topic_name, 3)
    kafka.create_topic(f"{topic_name}-verdicts", 2)
    return place


def test_every_verdict_is_told_with_what_its_consumer_needs(place: StreamPlace, kafka: Topics) -> None:
    kafka.produce(place.topic, [*messages(3, 20), (0, None, b"no verdict", (), None)])
    assert place.stream()["verdicts"] == 120
    found = told(kafka, f"{place.topic}-verdicts")
    bodies = [json.loads(message.value) for message in found]
    assert [message.key.decode() for message in found] == [body["item_id"] for body in bodies]
    cases = [dict(message.headers)["assay-case"].decode() for message in found]
    assert cases == [body["case"] for body in bodies]
    assert len(set(cases)) == 120
    rows = {
        (row["source"], int(row["shard"]), row["position"], row["policy_id"]): row
        for row in rows_of(place)
        if row["status"] == "verdict"
    }
    for body in bodies:
        row = rows[body["topic"], body["partition"], body["offset"], body["policy_id"]]
        assert {key: body[key] for key in _TOLD} == {key: row[key] for key in _TOLD}
    assert len(rows) == 120
    assert place.stream()["verdicts"] == 0
    assert len(told(kafka, f"{place.topic}-verdicts")) == len(found), "nothing is told again when all of it was told"


def test_only_violations_are_told_if_the_config_says_so(place: StreamPlace, kafka: Topics) -> None:
    place.config["sink"]["verdict_topic"]["only"] = "violations"
    kafka.produce(place.topic, messages(3, 20))
    summary = place.stream()
    assert (summary["verdicts"], summary["flagged"]) == (120, 12)
    bodies = [json.loads(message.value) for message in told(kafka, f"{place.topic}-verdicts")]
    assert len({body["case"] for body in bodies}) == 12
    assert {(body["violation"], body["action"], *body["rule_ids"]) for body in bodies} == {(True, "block", "R1")}


def test_a_verdict_topic_that_is_deleted_is_named_and_the_next_start_tells_what_was_not_told(
    place: StreamPlace, kafka: Topics
) -> None:
    verdicts = f"{place.topic}-verdicts"
    kafka.produce(place.topic, messages(3, 5))
    process = place.start("stream", "CONFIG")
    place.wait_for_count(30, process)
    wait_until(lambda: len({message.value for message in told(kafka, verdicts)}) >= 30)
    admin = kafka.admin()
    admin.delete_topics([verdicts])
    admin.close()
    kafka.produce(place.topic, messages(3, 5, 15))
    _, said = process.communicate(timeout=90)
    assert process.returncode == 2, said
    assert f"sink.verdict_topic.topic: {verdicts}: there is no such topic; create it" in said
    assert "Traceback" not in said
    kafka.create_topic(verdicts, 2)
    place.stream()
    bodies = [json.loads(message.value) for message in told(kafka, verdicts)]
    untold = {
        (partition, offset, policy) for partition in range(3) for offset in range(5, 10) for policy in ("p0", "p1")
    }
    assert untold <= {(body["partition"], body["offset"], body["policy_id"]) for body in bodies}
    assert place.rows() == place.expected([10, 10, 10])
