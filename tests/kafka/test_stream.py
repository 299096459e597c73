"""`assay stream` on a real broker: what is produced is in the table, once, whatever happens in between."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kafka.broker import Topics
from tests.kafka.stream_place import StreamPlace, make_stream, messages, record
from tests.ray_cluster import SharedCluster

pytestmark = pytest.mark.slow


@pytest.fixture
def place(tmp_path: Path, kafka: Topics, topic_name: str) -> StreamPlace:
    return make_stream(tmp_path, kafka, topic_name)


def test_a_topic_is_audited_to_its_end_and_a_second_run_goes_on_from_there(
    place: StreamPlace, kafka: Topics, ray_cluster: SharedCluster
) -> None:
    place.join(ray_cluster)
    kafka.create_topic(place.topic, 3)
    kafka.produce(place.topic, messages(3, 100))
    summary = place.stream()
    assert (summary["state"], summary["items"], summary["verdicts"], summary["flagged"]) == ("done", 300, 600, 60)
    assert place.rows() == place.expected([100, 100, 100])
    assert [part["lag"] for part in summary["partitions"]] == [0, 0, 0]
    assert place.stream()["judged"] == 0
    kafka.produce(place.topic, [(1, None, record(7), (), None)])
    again = place.stream()
    assert (again["items"], again["judged"], again["recalled"]) == (1, 0, 2), "its text was there before"
    assert place.rows() == place.expected([100, 101, 100])
    (row,) = place.query("select * from verdicts where shard = '1' and position = 100 and policy_id = 'p0'")
    assert (row["source"], row["item_id"], row["carried"]) == (place.topic, "m7", {"user.lang": "en"})
    (run,) = place.query(f"select state, items, verdicts from runs where run_id = '{again['run_id']}'")
    assert run == {"state": "done", "items": 1, "verdicts": 2}


def test_sigterm_ends_a_stream_with_everything_committed(place: StreamPlace, kafka: Topics) -> None:
    kafka.create_topic(place.topic, 2)
    process = place.start("stream", "CONFIG", "--json")
    kafka.produce(place.topic, messages(2, 50))
    place.wait_for_count(200, process)
    summary = place.finish(process)
    assert (summary["state"], summary["items"]) == ("stopped", 100)
    assert place.rows() == place.expected([50, 50])
