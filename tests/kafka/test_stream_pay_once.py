"""Pay once on a real broker: a stream reuses what it judged a moment ago, in an earlier run, and in a backfill."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.jobs.workplace import Workplace, make_workplace
from tests.kafka.broker import Produced, Topics
from tests.kafka.stream_place import StreamPlace, make_stream
from tests.ray_cluster import SharedCluster


def repeated(numbers: range, texts: int) -> list[Produced]:
    """Records with ids of their own, whose texts are few: those of a backfill's first items."""
    found: list[Produced] = []
    for number in numbers:
        text = f"message {number % texts}" + " with free money" * (number % texts % 10 == 0)
        found.append((number % 4, None, json.dumps({"id": f"r{number}", "text": text}).encode(), (), None))
    return found


def test_a_repost_costs_nothing(tmp_path: Path, kafka: Topics, topic_name: str, ray_cluster: SharedCluster) -> None:
    kafka.create_topic(topic_name, 4)
    place = make_stream(tmp_path, kafka, topic_name).join(ray_cluster)
    place.config["replicas"]["count"] = 1
    kafka.produce(topic_name, repeated(range(200), 25))
    first = place.stream()
    assert (first["judged"], first["reused"], first["repeated"]) == (50, 350, 350)
    kafka.produce(topic_name, repeated(range(200, 400), 40))
    second = place.stream()
    assert (second["judged"], second["recalled"], second["verdicts"]) == (30, 250, 400)
    assert place.rows() == place.expected([100] * 4)
    flagged = place.query("select count(distinct content_hash) as n from verdicts where violation")
    assert flagged[0]["n"] == 4, "texts 0, 10, 20 and 30"


def test_what_a_backfill_judged_a_stream_reuses(
    tmp_path: Path, kafka: Topics, topic_name: str, ray_cluster: SharedCluster
) -> None:
    kafka.create_topic(topic_name, 4)
    nightly = make_workplace(tmp_path / "nightly", files=1, items=40).join(ray_cluster)
    assert nightly.backfill()["judged"] == 80
    live = stream_beside(nightly, tmp_path, kafka, topic_name).join(ray_cluster)
    kafka.produce(topic_name, repeated(range(120), 60))
    summary = live.stream()
    assert (summary["recalled"], summary["judged"], summary["repeated"]) == (160, 40, 40)
    flagged = live.query("select count(*) as n from verdicts where violation and stage = 'reused'")
    assert flagged[0]["n"] == summary["flagged"] - 4


def test_what_comes_by_kafka_while_a_backfill_runs_is_judged_once(
    tmp_path: Path, kafka: Topics, topic_name: str, ray_cluster: SharedCluster
) -> None:
    kafka.create_topic(topic_name, 4)
    nightly = make_workplace(tmp_path / "nightly", files=2, items=200).join(ray_cluster)
    nightly.config["judge"] |= {"latency_ms": 40, "window": 8, "journal": str(tmp_path / "journal")}
    live = stream_beside(nightly, tmp_path, kafka, topic_name).join(ray_cluster)
    live.config["replicas"]["count"] = 1  # two would share out the partitions anew, and drop what they were judging
    kafka.produce(topic_name, repeated(range(500), 500))  # 400 of them are the backfill's
    process = nightly.start("backfill", "CONFIG", "--json")
    summary = live.stream()
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert summary["verdicts"] == 1000
    assert json.loads(out)["verdicts"] == 800
    assert len((tmp_path / "journal").read_bytes()) == 1000
    assert summary["judged"] + json.loads(out)["judged"] == 1000


def stream_beside(nightly: Workplace, folder: Path, kafka: Topics, topic: str) -> StreamPlace:
    """A stream into the table of a backfill, under the same policies by the same judge."""
    (folder / "live").mkdir()
    live = make_stream(folder / "live", kafka, topic)
    judge: dict[str, Any] = nightly.config["judge"]
    live.config |= {"policies": [str(nightly.folder / "policies" / "*.md")], "judge": judge}
    live.config["sink"]["path"] = str(nightly.folder / "out" / "audit")
    return live
