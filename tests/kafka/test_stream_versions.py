"""Versions of policies and changes of the judge under a stream, on a real broker."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.kafka.broker import Topics
from tests.kafka.stream_place import StreamPlace, make_stream, messages, record, wait_until
from tests.kafka.traffic import Count, rows_of
from tests.ray_cluster import SharedCluster

pytestmark = pytest.mark.slow
EDIT = "\nAnd one thing more.\n"


@pytest.fixture
def place(tmp_path: Path, kafka: Topics, topic_name: str, ray_cluster: SharedCluster) -> StreamPlace:
    """One partition with five records, and a stream that takes in changed policies."""
    place = make_stream(tmp_path, kafka, topic_name).join(ray_cluster)
    place.config["policies_reload"] = True
    place.config["replicas"]["count"] = 1
    kafka.create_topic(topic_name)
    kafka.produce(topic_name, messages(1, 5))
    return place


def edit(place: StreamPlace, version: str) -> str:
    """Edit p0 in one step, so that nobody reads half of it; its text."""
    file = place.folder / "policies" / "p0.md"
    text = (place.folder / "policies" / "p1.md").read_text().replace("p1", "p0")
    beside = file.with_suffix(".new")
    beside.write_text(text.replace('version: "1"', f'version: "{version}"') + EDIT)
    beside.replace(file)
    return file.read_text()


def wait_for_text(place: StreamPlace, kafka: Topics, process: subprocess.Popen[str], text: str, count: Count) -> None:
    """Until something is judged by this text of p0."""

    def judged() -> bool:
        assert process.poll() is None, process.communicate()
        kafka.produce(place.topic, [(0, None, record(count.up()), (), None)])
        place.wait_for_count(2 * count.value, process)
        (known,) = place.query(f"select coalesce(max(hash), '') as hash from policies where text = {quoted(text)}")
        return any(row["policy_hash"] == known["hash"] for row in rows_of(place))

    wait_until(judged)


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def finish(process: subprocess.Popen[str]) -> str:
    process.terminate()
    _, said = process.communicate(timeout=90)
    assert process.returncode == 0, said
    return said


def test_an_edit_that_keeps_its_version_is_left_out_and_said_once(place: StreamPlace, kafka: Topics) -> None:
    process = place.start("stream", "CONFIG")
    place.wait_for_count(10, process)
    edit(place, "1")
    assert process.stderr is not None
    while "policies are left as they are" not in (line := process.stderr.readline()):
        assert process.poll() is None, process.communicate()
    assert "policies/p0.md: policy 'p0' was edited and is still version '1'" in line
    kafka.produce(place.topic, [(0, None, record(5), (), None)])
    place.wait_for_count(12, process)
    assert len({row["policy_hash"] for row in rows_of(place)}) == 2
    wait_for_text(place, kafka, process, edit(place, "2"), Count(6))
    assert "policies are left as they are" not in finish(process)
    versions = place.query("select id, version from policies order by id, version")
    assert [(row["id"], row["version"]) for row in versions] == [("p0", "1"), ("p0", "2"), ("p1", "1")]
    rows = rows_of(place)
    assert {row["policy_hash"] for row in rows} == {row["hash"] for row in place.query("select hash from policies")}


def test_an_edit_may_be_allowed(place: StreamPlace, kafka: Topics) -> None:
    process = place.start("stream", "CONFIG", "--allow-edited")
    place.wait_for_count(10, process)
    wait_for_text(place, kafka, process, edit(place, "1"), Count(5))
    assert "policies are left as they are" not in finish(process)
    assert place.stream()["state"] == "done"


def test_what_a_stream_may_not_take_in_it_may_not_start_with(place: StreamPlace) -> None:
    place.stream()
    edit(place, "1")
    said = place.run("stream", "CONFIG", "--until-end", code=2).stderr
    assert "policy 'p0' was edited and is still version '1'" in said


def test_another_judge_is_said_before_a_stream_starts(place: StreamPlace, kafka: Topics) -> None:
    assert place.stream()["judged"] == 10
    kafka.produce(place.topic, messages(1, 5, start=5))
    place.config["judge"]["match"] = "(?i)letters"
    said = place.run("stream", "CONFIG", "--until-end", code=2).stderr
    assert "to scripted (match (?i)letters): 10 verdicts can't be reused; --yes to go on" in said
    agreed = json.loads(place.run("stream", "CONFIG", "--until-end", "--yes", "--json").stdout)
    assert (agreed["judged"], place.rows()) == (10, place.expected([10]))
