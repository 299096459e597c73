"""Shadow policies and canaries in a stream, with the real command."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from sinks.policies import policy_versions
from tests.jobs.workplace import POLICY
from tests.kafka.broker import Topics
from tests.kafka.stream_place import StreamPlace, make_stream, messages, record
from tests.kafka.traffic import rows_of, told
from tests.ray_cluster import SharedCluster

pytestmark = pytest.mark.slow

EXAMPLES = '\n# Examples\n\nViolates:\n\n- "Here is {what}" (R1)\n\nDoes not violate:\n\n- "Lunch at noon?"\n'


@pytest.fixture
def place(tmp_path: Path, kafka: Topics, topic_name: str, ray_cluster: SharedCluster) -> StreamPlace:
    place = make_stream(tmp_path, kafka, topic_name)
    kafka.create_topic(topic_name, 2)
    return place.join(ray_cluster)


def test_a_shadow_is_in_the_table_and_on_no_topic(place: StreamPlace, kafka: Topics) -> None:
    verdicts, letters = f"{place.topic}-verdicts", f"{place.topic}-letters"
    for topic in (verdicts, letters):
        kafka.create_topic(topic, 1)
    (place.folder / "next.md").write_text(POLICY.format(id="p0").replace('version: "1"', 'version: "2"'))
    place.config["policies"] = ["policies/*.md", {"path": "next.md", "mode": "shadow"}]
    place.config["source"]["dead_letter"] = letters
    place.config["sink"]["verdict_topic"] = {"topic": verdicts}
    kafka.produce(place.topic, [*messages(2, 10), (0, None, b"not json", (), None)])
    summary = place.stream()
    assert (summary["items"], summary["cases"], summary["verdicts"], summary["rejected"]) == (21, 63, 60, 3)
    assert (summary["flagged"], summary["shadow"], summary["shadow_flagged"]) == (4, 20, 2)
    assert Counter(row["mode"] for row in place.query("select mode from outcome_rows")) == {"live": 42, "shadow": 21}
    assert messages_told(kafka, verdicts) == {("p0", "1"): 20, ("p1", "1"): 20}
    assert {message.value for message in told(kafka, letters)} == {b"not json"}
    place.config["policies"] = ["next.md", "policies/p1.md"]
    kafka.produce(place.topic, messages(2, 5, 20))
    promoted = place.stream()
    assert (promoted["items"], promoted["cases"], promoted["shadow"]) == (10, 20, 0)
    assert messages_told(kafka, verdicts) == {("p0", "1"): 20, ("p0", "2"): 10, ("p1", "1"): 30}


def messages_told(kafka: Topics, topic: str) -> Counter[tuple[str, str]]:
    """How many items were told of under each policy and version. A message may come again."""
    bodies = [json.loads(message.value) for message in told(kafka, topic)]
    each = {(body["policy_id"], body["policy_version"], body["item_id"]) for body in bodies}
    return Counter((policy_id, version) for policy_id, version, _ in each)


def test_a_changed_policy_whose_canaries_fail_is_refused_and_the_stream_goes_on(
    place: StreamPlace, kafka: Topics
) -> None:
    edit(place, 1, "free money")
    place.config |= {"policies_reload": True, "on_canary_failure": "stop"}
    place.config["replicas"]["count"] = 1
    process = place.start("stream", "CONFIG", "--json")
    kafka.produce(place.topic, [(0, None, record(0), (), None)])
    place.wait_for_count(2, process)
    edit(place, 2, "a bargain")
    number = 1
    while "2" not in {each.version for each in policy_versions(str(place.folder / "out" / "audit"))}:
        number = one_more(place, kafka, process, number)
    for _ in range(3):
        number = one_more(place, kafka, process, number)
    edit(place, 3, "more free money")
    seen: set[str] = set()
    while "3" not in seen:
        assert number < 100, seen
        number = one_more(place, kafka, process, number)
        seen = {row["policy_version"] for row in rows_of(place) if row["policy_id"] == "p0"}
    process.terminate()
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert seen == {"1", "3"}
    assert "the changed policies are left out: canaries failed" in err
    assert 'policy p0 2: 1 of 2 examples came out wrong (canary_bound: 0.34): line 17 "Here is a bargain"' in err
    found = json.loads(out)["canaries"]["policies"]
    assert [(each["version"], each["judged"], each["wrong"]) for each in found] == [
        ("1", 2, 0),
        ("2", 2, 1),
        ("3", 2, 0),
    ]


def one_more(place: StreamPlace, kafka: Topics, process: subprocess.Popen[str], number: int) -> int:
    """Send record `number`, wait for its rows, and return the next number."""
    kafka.produce(place.topic, [(0, None, record(number), (), None)])
    place.wait_for_count(2 * (number + 1), process)
    return number + 1


def edit(place: StreamPlace, version: int, what: str) -> None:
    file = place.folder / "policies" / "p0.md"
    new = file.with_suffix(".new")
    text = POLICY.format(id="p0").replace('version: "1"', f'version: "{version}"')
    new.write_text(text + EXAMPLES.format(what=what))
    new.replace(file)
