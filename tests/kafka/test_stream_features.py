"""`assay stream` on a real broker: what becomes of records that are odd, gone, late, slow or judged anew."""

from __future__ import annotations

import re
import subprocess
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from assay.config import DeltaConfig
from assay.contracts import Shard
from assay.ledger import fence_key
from sinks.delta import DeltaSink
from tests.kafka.broker import Topics
from tests.kafka.stream_place import StreamPlace, make_stream, messages, record, wait_until
from tests.kafka.traffic import MIB, Count, aborting, compacted, delete_before, produce_large, rows_of, told, visible
from tests.ray_cluster import SharedCluster

pytestmark = pytest.mark.slow

_ODD: tuple[tuple[str, bytes | None], ...] = (
    ("not_json", b'{"id": "cut", "text": "cut'),
    ("not_json", b"plain words"),
    ("not_json", b'{"id": "n", "text": NaN}'),
    ("wrong_type", b'["a", "list"]'),
    ("wrong_type", b'{"id": "w", "text": 5}'),
    ("wrong_type", b'{"id": ["w"], "text": "list for an id"}'),
    ("missing_id", b'{"text": "nameless"}'),
    ("not_json", b'{"id": "d", "text": "deep", "x": ' + b"[" * 10_000 + b"]" * 10_000 + b"}"),
    ("invalid_utf8", b'{"id": "u", "text": "\xff\xfe"}'),
    ("surrogate", b'{"id": "s", "text": "half \\ud83d of it"}'),
    ("tombstone", None),
    ("empty", b""),
)


@pytest.fixture
def place(tmp_path: Path, kafka: Topics, topic_name: str, ray_cluster: SharedCluster) -> StreamPlace:
    return make_stream(tmp_path, kafka, topic_name).join(ray_cluster)


def replace(file: Path, text: str) -> None:
    """In one step, so that nobody reads half of it."""
    beside = file.with_suffix(".new")
    beside.write_text(text)
    beside.replace(file)


def finish(process: subprocess.Popen[str]) -> str:
    """SIGTERM; what it said to stderr."""
    process.terminate()
    _, said = process.communicate(timeout=90)
    assert process.returncode == 0, said
    assert "Traceback" not in said
    return said


def test_a_thousand_poison_records_are_a_thousand_rejections_per_policy(place: StreamPlace, kafka: Topics) -> None:
    dead = place.config["source"]["dead_letter"] = f"{place.topic}-dead"
    for topic in (place.topic, dead):
        kafka.create_topic(topic, 3, max_message_bytes=8 * MIB)
    huge = b'{"id": "huge", "text": "' + b"x" * (5 * MIB) + b'"}'
    poison = [_ODD[number % len(_ODD)] for number in range(997)] + [("too_long", huge)] * 3
    sent = produce_large(kafka, place.topic, poison)
    good = produce_large(kafka, place.topic, [("", record(number)) for number in range(30)])
    sent |= produce_large(kafka, place.topic, [("not_json", b"the last")] * 3)
    summary = place.stream()
    assert (summary["state"], summary["items"], summary["verdicts"]) == ("done", 1033, 60)
    reasons = Counter(reason for reason, _ in sent.values())
    assert summary["rejected_by_reason"] == {reason: 2 * count for reason, count in reasons.items()}
    assert [part["lag"] for part in summary["partitions"]] == [0, 0, 0]
    rows = rows_of(place)
    rejected = [row for row in rows if row["status"] == "rejected"]
    assert len(rejected) == 2 * len(sent) == 2006
    for policy in ("p0", "p1"):
        found = {
            (row["source"], int(row["shard"]), row["position"]): (row["reason"], row["raw"])
            for row in rejected
            if row["policy_id"] == policy
        }
        assert found == {at: (reason, value or b"") for at, (reason, value) in sent.items()}
    judged = {(row["source"], int(row["shard"]), row["position"]) for row in rows if row["status"] == "verdict"}
    assert judged == set(good)
    letters = told(kafka, dead)
    named = [{name: value.decode() for name, value in letter.headers} for letter in letters]
    arrived = {
        (place.topic, int(of["assay-partition"]), int(of["assay-offset"])): (of["assay-reason"], letter.value)
        for of, letter in zip(named, letters, strict=True)
    }
    assert arrived == {at: (reason, value or b"") for at, (reason, value) in sent.items()}  # at least once
    assert all(of["assay-topic"] == place.topic and of["assay-detail"] for of in named)


def test_offsets_that_hold_no_item_are_no_loss(place: StreamPlace, kafka: Topics) -> None:
    wide, thin, undone = place.topic, f"{place.topic}-compacted", f"{place.topic}-undone"
    place.config["source"]["topics"] = [wide, thin, undone]
    place.config["replicas"] |= {"count": 3, "cpus": 0.3}
    kafka.create_topic(wide, 12)
    twice = [(11, None, record(7), (), None), (11, None, record(7), (), None)]
    kafka.produce(wide, [*messages(12, 20), *twice])
    compacted(kafka, thin)
    aborting(kafka, undone)
    summary = place.stream()
    assert summary["state"] == "done"
    seen = {at for topic in (wide, thin, undone) for at in visible(kafka, topic)}
    rows = rows_of(place)
    found = Counter((row["source"], int(row["shard"]), row["position"], row["policy_id"]) for row in rows)
    assert found == Counter({(*at, policy): 1 for at in seen for policy in ("p0", "p1")})
    assert {at for at in seen if at[0] == undone} == {(undone, 0, offset) for offset in (0, 1, 2, 8)}
    assert {part["partition"] for part in summary["partitions"] if part["topic"] == wide} == set(range(12))
    assert {part["lag"] for part in summary["partitions"]} == {0}
    doubled = [row for row in rows if (row["source"], row["shard"], row["policy_id"]) == (wide, "11", "p0")]
    doubled = [row for row in doubled if row["position"] >= 20]
    assert [row["item_id"] for row in doubled] == ["m7", "m7"]
    assert len({row["content_hash"] for row in doubled}) == 1


def test_a_stream_may_start_at_the_present(place: StreamPlace, kafka: Topics) -> None:
    place.config["source"]["start"] = "latest"
    kafka.create_topic(place.topic, 1)
    kafka.produce(place.topic, messages(1, 5))
    assert place.stream()["items"] == 0
    kafka.produce(place.topic, messages(1, 3))
    assert place.stream()["items"] == 3
    assert place.rows() == [(0, offset, policy) for offset in (5, 6, 7) for policy in ("p0", "p1")]


def test_a_start_in_time_and_a_gap(place: StreamPlace, kafka: Topics) -> None:
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    place.config["source"]["start"] = noon.isoformat()
    kafka.create_topic(place.topic, 1)
    moments = [noon + timedelta(minutes=number - 4) for number in range(10)]
    kafka.produce(place.topic, [(0, None, record(n), (), int(at.timestamp() * 1000)) for n, at in enumerate(moments)])
    assert place.stream()["items"] == 6
    assert {offset for _, offset, _ in place.rows()} == set(range(4, 10))
    kafka.produce(place.topic, messages(1, 10))
    delete_before(kafka, place.topic, 15)
    refused = place.run("stream", "CONFIG", "--until-end", code=2).stderr
    assert f"topic {place.topic}, partition 0: the records from offset 10 to before 15 were deleted" in refused
    assert "source.on_gap: skip" in refused
    place.config["source"]["on_gap"] = "skip"
    summary = place.stream()
    assert (summary["state"], summary["rejected_by_reason"]) == ("done", {"gap": 2})
    gaps = [row for row in rows_of(place) if row["reason"] == "gap"]
    assert [(row["position"], row["policy_id"]) for row in sorted(gaps, key=lambda row: row["policy_id"])] == [
        (10, "p0"),
        (10, "p1"),
    ]
    assert all("offset 10 to before 15" in row["detail"] for row in gaps)
    assert {offset for _, offset, _ in place.rows()} == {*range(4, 11), *range(15, 20)}


def test_a_policy_may_change_under_a_stream(place: StreamPlace, kafka: Topics) -> None:
    place.config["policies_reload"] = True
    kafka.create_topic(place.topic, 2)
    kafka.produce(place.topic, messages(2, 20))
    file = place.folder / "policies" / "p0.md"
    text = file.read_text()
    process = place.start("stream", "CONFIG")
    place.wait_for_count(80, process)
    replace(file, text.replace('version: "1"', 'version: "2"'))
    count = Count(40)

    def changed(partition: int) -> bool:
        assert process.poll() is None, process.communicate()
        kafka.produce(place.topic, [(partition, None, record(count.up()), (), None)])
        place.wait_for_count(2 * count.value, process)
        return any(row["policy_version"] == "2" and row["shard"] == str(partition) for row in rows_of(place))

    wait_until(lambda: changed(0))
    wait_until(lambda: changed(1))
    replace(file, "---\nid: p0\nrules: []\n---\nNo.\n")
    for _ in range(4):
        kafka.produce(place.topic, [(0, None, record(count.up()), (), None)])
        place.wait_for_count(2 * count.value, process)
        time.sleep(0.5)
    said = finish(process)
    rows = rows_of(place)
    assert set(Counter((row["shard"], row["position"], row["policy_id"]) for row in rows).values()) == {1}
    assert len(rows) == 2 * count.value
    versions = {("p0", "1"), ("p0", "2"), ("p1", "1")}
    assert {(row["policy_id"], row["policy_version"]) for row in rows} == versions
    assert len({(row["policy_id"], row["policy_hash"]) for row in rows}) == 3
    logged = re.findall(r"policy p0: version 2 \(\w+\) begins: (.*)", said)
    places = re.findall(rf"{place.topic}/(\d) at (\d+)", " ".join(logged))
    for shard in ("0", "1"):
        of = sorted(
            (row["position"], row["policy_version"])
            for row in rows
            if row["shard"] == shard and row["policy_id"] == "p0"
        )
        began = min(position for position, version in of if version == "2")
        assert [version for _, version in of] == ["1"] * began + ["2"] * (len(of) - began)
        assert [at for name, at in places if name == shard] == [str(began)]
    assert said.count("policies are left as they are") == 1
    assert "p0.md: version:" in said


def test_a_policy_that_changes_while_replicas_start_is_not_missed(place: StreamPlace, kafka: Topics) -> None:
    place.config["policies_reload"] = True
    kafka.create_topic(place.topic)
    file = place.folder / "policies" / "p0.md"
    process = place.start("stream", "CONFIG")
    assert process.stderr is not None
    while "auditing" not in process.stderr.readline():
        assert process.poll() is None, process.communicate()
    replace(file, file.read_text().replace('version: "1"', 'version: "2"'))
    count = Count(0)

    def changed() -> bool:
        kafka.produce(place.topic, [(0, None, record(count.up()), (), None)])
        place.wait_for_count(2 * count.value, process)
        return any(row["policy_version"] == "2" for row in rows_of(place))

    wait_until(changed, 120)
    began = min(row["position"] for row in rows_of(place) if row["policy_version"] == "2")
    assert re.search(rf"policy p0: version 2 \(\w+\) begins: {place.topic}/0 at {began}\n", finish(process))


def test_a_judge_that_never_answers_delays_the_ledger_by_its_deadline(place: StreamPlace, kafka: Topics) -> None:
    place.config["judge"] |= {"latency_ms": 60_000, "deadline_seconds": 1}
    kafka.create_topic(place.topic, 2)
    kafka.produce(place.topic, messages(2, 5))
    summary = place.stream()
    assert (summary["state"], summary["verdicts"], summary["rejected_by_reason"]) == ("done", 0, {"deadline": 20})
    assert [part["position"] for part in summary["partitions"]] == [5, 5]
    assert {row["raw"] for row in rows_of(place)} == {
        f"message {number}{' with free money' if number == 0 else ''}".encode() for number in range(10)
    }


def test_a_judge_slower_than_the_session_keeps_its_partition(place: StreamPlace, kafka: Topics) -> None:
    place.config["judge"] |= {"latency_ms": 5_000, "window": 4}
    place.config["source"]["session_seconds"] = 2
    place.config["replicas"]["count"] = 1
    kafka.create_topic(place.topic, 1)
    kafka.produce(place.topic, messages(1, 4))
    summary = place.stream()
    assert (summary["state"], summary["judged"], summary["resubscribed"]) == ("done", 8, 0)
    assert place.rows() == place.expected([4])
    sink = DeltaSink(DeltaConfig(kind="delta", path="-"), str(place.folder / "out" / "audit"))
    key = fence_key(Shard(place.topic, "0", stream=True))
    assert sink.ledger([key]) == {key: 1}
    sink.close()
