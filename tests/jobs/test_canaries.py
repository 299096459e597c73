"""Canaries with the real command: a judge that gets the policies' own examples wrong is noticed before any item."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.jobs.workplace import POLICY, Workplace, make_workplace
from tests.ray_cluster import SharedCluster

EXAMPLES = """
# Examples

Violates:

- "Here is free money" (R1)
- "Take this free money" (R1)

Does not violate:

- "Lunch at noon?"
- "The bank is closed."
"""


@pytest.fixture
def place(tmp_path: Path, ray_cluster: SharedCluster) -> Workplace:
    """A file of 40 items under p0, which has four examples, and p1, which has none."""
    place = make_workplace(tmp_path, files=1, items=40)
    (tmp_path / "policies" / "p0.md").write_text(POLICY.format(id="p0") + EXAMPLES)
    place.config["judge"]["journal"] = str(tmp_path / "journal")
    place.config["replicas"]["count"] = 1
    return place.join(ray_cluster)


def asked(place: Workplace) -> int:
    return len((place.folder / "journal").read_bytes())


def test_canaries_are_no_cases_and_a_scripted_judge_has_none_unless_they_are_asked_for(place: Workplace) -> None:
    plain = json.loads(place.run("backfill", "CONFIG", "--policies", "p1", "--json").stdout)
    assert (plain["canaries"], asked(place)) == (None, 40)
    place.config["on_canary_failure"] = "stop"
    summary = place.backfill()
    assert (summary["cases"], summary["skipped"], summary["verdicts"], summary["judged"]) == (80, 40, 40, 40)
    assert (summary["canaries"]["judged"], summary["canaries"]["wrong"], asked(place)) == (4, 0, 84)
    assert place.query("select count(*) as n from outcome_rows") == [{"n": 80}]
    assert place.backfill()["canaries"] is None, "no engine was started"


def test_a_judge_that_fails_is_warned_of_and_the_run_goes_on(place: Workplace) -> None:
    place.config |= {"on_canary_failure": "warn"}
    place.config["judge"]["match"] = "(?!)"
    done = place.run("backfill", "CONFIG", "--json")
    summary = json.loads(done.stdout)
    assert (summary["state"], summary["verdicts"]) == ("done", 80)
    said = "policy p0 1: 2 of 4 examples came out wrong (canary_bound: 0.34)"
    assert said in done.stderr
    assert "warning: canaries failed: of policy p0 1, 2 of 4 examples came out wrong" in done.stderr
    (policy,) = summary["canaries"]["policies"]
    assert (policy["policy"], policy["judged"], policy["wrong"], policy["failed"]) == ("p0", 4, 2, True)
    assert [(each["text"], each["came"]) for each in policy["examples"]] == [
        ("Here is free money", "allowed"),
        ("Take this free money", "allowed"),
    ]
    assert place.query("select canaries, canaries_wrong from runs") == [{"canaries": 4, "canaries_wrong": 2}]


def test_stop_judges_nothing_and_says_what_came_back(place: Workplace) -> None:
    place.config |= {"on_canary_failure": "stop"}
    place.config["judge"]["match"] = "(?!)"
    failed = place.run("backfill", "CONFIG", "--json", code=1)
    assert failed.stdout == ""
    assert "policy p0 1: 2 of 4 examples" in failed.stderr
    assert '"Here is free money": a violation by the policy, allowed by the judge' in failed.stderr
    assert asked(place) == 4
    assert place.query("select count(*) as n from outcome_rows") == [{"n": 0}]
    (run,) = place.query("select state, message from runs")
    assert run["state"] == "failed"
    assert "policy p0 1: 2 of 4 examples" in run["message"]
    place.config["canary_bound"] = 0.5
    assert place.backfill()["verdicts"] == 80
