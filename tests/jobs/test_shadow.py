"""Shadow policies, with the real command: judged and kept beside the live ones, and acted on by nobody."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
import yaml

from jobs.load import load_job
from tests.jobs.workplace import POLICY, Workplace, make_workplace
from tests.ray_cluster import SharedCluster

NEWER = POLICY.format(id="p0").replace('version: "1"', 'version: "2"') + "\nWhoever asks for coins breaks R1 too.\n"


@pytest.fixture
def place(tmp_path: Path, ray_cluster: SharedCluster) -> Workplace:
    """One file of 60 items under p0 and p1, and under a shadow of p0 with another text; the judge has a journal."""
    place = make_workplace(tmp_path, files=1, items=60)
    place.config["judge"]["journal"] = str(tmp_path / "journal")
    (tmp_path / "next").mkdir()
    (tmp_path / "next" / "p0.md").write_text(NEWER)
    place.config["policies"] = ["policies/*.md", {"path": "next/*.md", "mode": "shadow"}]
    place.config["replicas"]["count"] = 1
    return place.join(ray_cluster)


def asked(place: Workplace) -> int:
    return len((place.folder / "journal").read_bytes())


def test_a_shadow_of_a_live_policy_is_judged_and_kept_apart(place: Workplace) -> None:
    summary = place.backfill()
    assert (summary["cases"], summary["verdicts"], summary["judged"], asked(place)) == (180, 180, 180, 180)
    assert (summary["flagged"], summary["shadow"], summary["shadow_flagged"]) == (12, 60, 6)
    seen = Counter((row["policy_id"], row["policy_version"]) for row in place.query("from verdicts"))
    assert seen == {("p0", "1"): 60, ("p1", "1"): 60}, "an enforcement query sees live verdicts only"
    assert {row["mode"] for row in place.query("from outcomes union all by name from rejections")} == {"live"}
    shadow = place.query("select policy_version, mode, count(*) as n from shadow_verdicts group by all")
    assert shadow == [{"policy_version": "2", "mode": "shadow", "n": 60}]
    (run,) = place.query("select cases, verdicts, flagged, shadow, shadow_flagged, policies from runs")
    assert (run["cases"], run["verdicts"], run["flagged"], run["shadow"], run["shadow_flagged"]) == (
        180,
        180,
        12,
        60,
        6,
    )
    assert [each.endswith(" shadow") for each in run["policies"]] == [False, False, True]
    again = place.backfill()
    assert (again["cases"], again["skipped"], asked(place)) == (180, 180, 180)


def test_a_shadow_stands_beside_the_live_version_item_by_item(place: Workplace) -> None:
    place.config["judge"]["noise"] = 0.2
    place.backfill()
    rows = place.query("from shadow_beside_live")
    assert len({row["item_id"] for row in rows}) == len(rows) == 60
    assert {(row["policy_id"], row["live_version"], row["shadow_version"]) for row in rows} == {("p0", "1", "2")}
    flipped = [row for row in rows if row["flipped"]]
    assert 0 < len(flipped) < 60
    assert flipped == [row for row in rows if row["live_violation"] != row["shadow_violation"]]
    differ = place.query(
        "select item_id, live_action, shadow_action from shadow_beside_live "
        "where flipped or live_action <> shadow_action"
    )
    assert {row["item_id"] for row in differ} >= {row["item_id"] for row in flipped}
    live = {row["item_id"]: row for row in place.query("from verdicts where policy_id = 'p0'")}
    shadow = {row["item_id"]: row for row in place.query("from shadow_verdicts")}
    for row in rows:
        for mode, whole in (("live", live), ("shadow", shadow)):
            for name in ("violation", "severity", "action", "rationale"):
                assert row[f"{mode}_{name}"] == whole[row["item_id"]][name]


def test_promotion_costs_nothing(place: Workplace) -> None:
    place.backfill()
    place.config["policies"] = ["policies/p1.md", "next/p0.md"]
    promoted = place.backfill()
    assert (promoted["judged"], promoted["reused"], promoted["skipped"], promoted["flagged"]) == (0, 60, 60, 6)
    assert asked(place) == 180
    rows = place.query("select stage, mode, count(*) as n from verdicts where policy_version = '2' group by all")
    assert rows == [{"stage": "reused", "mode": "live", "n": 60}]
    place.config["policies"] = ["policies/p1.md", {"path": "policies/p0.md", "mode": "shadow"}, "next/p0.md"]
    swapped = place.backfill()
    assert (swapped["judged"], swapped["reused"], swapped["shadow"]) == (0, 60, 60)
    assert asked(place) == 180


def test_the_option_policies_takes_an_id_in_both_modes_and_a_plan_counts_both(place: Workplace) -> None:
    planned = json.loads(place.run("plan", "CONFIG", "--policies", "p0", "--json").stdout)
    assert (planned["cases"], planned["to_judge"]) == (120, 120)
    assert [(each["id"], each["mode"], each["to_judge"]) for each in planned["policies"]] == [
        ("p0", "live", 60),
        ("p0", "shadow", 60),
    ]
    assert "p0 (shadow)" in place.run("plan", "CONFIG").stdout
    part = json.loads(place.run("backfill", "CONFIG", "--policies", "p0", "--json").stdout)
    assert (part["cases"], part["shadow"]) == (120, 60)
    after = json.loads(place.run("plan", "CONFIG", "--json").stdout)
    assert [(each["mode"], each["to_judge"]) for each in after["policies"]] == [
        ("live", 0),
        ("live", 60),
        ("shadow", 0),
    ]


def test_what_is_forgotten_of_a_shadow_stays_a_shadow(place: Workplace) -> None:
    place.backfill()
    said = json.loads(place.run("forget", "CONFIG", "--item", "m7", "--json").stdout)
    assert said["rows"] == 3
    rows = place.query("select mode, count(*) as n from outcome_rows where status = 'forgotten' group by 1 order by 1")
    assert rows == [{"mode": "live", "n": 2}, {"mode": "shadow", "n": 1}]
    assert place.backfill()["skipped"] == 180
    place.config["policies"] = ["policies/*.md"]
    assert place.backfill()["skipped"] == 120


def test_check_names_modes_and_says_what_is_wrong_with_them(place: Workplace) -> None:
    assert "p0@1, p1@1, p0@2 (shadow)" in place.run("check", "CONFIG").stdout
    place.config["policies"] = ["policies/*.md", "next/p0.md"]
    assert "unless one of them is a shadow" in place.run("check", "CONFIG", code=2).stderr
    place.config["policies"] = ["policies/p0.md", {"path": "policies/p0.md", "mode": "shadow"}]
    assert "is live and a shadow; keep one of them" in place.run("check", "CONFIG", code=2).stderr
    place.config["policies"] = ["policies/p0.md", {"path": "next/p0.md", "mode": "shade"}]
    assert "policies.1.mode: Input should be 'live' or 'shadow'" in place.run("check", "CONFIG", code=2).stderr
    (place.folder / "next" / "p0.md").write_text(NEWER.replace('version: "2"', 'version: "1"'))
    place.config["policies"] = ["policies/p0.md", {"path": "next/p0.md", "mode": "shadow"}]
    assert "give one of them another version" in place.run("backfill", "CONFIG", code=2).stderr


def test_a_file_that_is_named_as_a_shadow_is_none_of_those_that_a_pattern_matches(place: Workplace) -> None:
    (place.folder / "policies" / "p0-next.md").write_text(NEWER)
    place.config["policies"] = ["policies/*.md", {"path": "policies/p0-next.md", "mode": "shadow"}]
    assert "p0@2 (shadow), p0@1, p1@1" in place.run("check", "CONFIG").stdout


def test_an_evaluation_takes_one_policy_of_each_id_the_live_one_if_there_are_two(place: Workplace) -> None:
    (place.folder / "next" / "p7.md").write_text(POLICY.format(id="p7"))
    place.path.write_text(yaml.safe_dump(place.config))
    job = load_job(place.path)
    assert [policy.name for policy in job.policies] == ["p0", "p1", "p0 (shadow)", "p7 (shadow)"]
    assert [policy.name for policy in job.as_live().policies] == ["p0", "p1", "p7"]
    assert {name: Path(file).parent.name for name, file in job.as_live().files.items()} == {
        "p0": "policies",
        "p1": "policies",
        "p7": "next",
    }
    assert [policy.version for policy in job.under("p0").policies] == ["1", "2"]
