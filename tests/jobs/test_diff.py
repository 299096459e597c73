"""`assay diff` with the real command and a scripted judge that follows two patterns."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from scipy.stats import binomtest

from tests.jobs.workplace import Workplace, make_workplace
from tests.ray_cluster import SharedCluster

pytestmark = pytest.mark.slow
ITEMS = 300
SAMPLE = 120
OLD, NEW = "free money", "message [0-9]*5( |$)"


@pytest.fixture
def place(tmp_path: Path, ray_cluster: SharedCluster) -> Workplace:
    """A job whose judge flags every tenth item, and another whose judge flags every tenth, but five later.

    The new text of p0 has another first rule, which is what the judge cites.
    """
    place = make_workplace(tmp_path, files=1, items=ITEMS).join(ray_cluster)
    place.config["judge"] |= {"match": OLD, "journal": str(tmp_path / "journal")}
    place.config["replicas"]["count"] = 1
    other = place.config | {"judge": place.config["judge"] | {"match": NEW}}
    (tmp_path / "other.yaml").write_text(yaml.safe_dump(other))
    first = "rules:\n  - {id: R0, text: Nothing at all, severity: 1, action: warn}\n"
    old = (tmp_path / "policies" / "p0.md").read_text()
    (tmp_path / "new.md").write_text(old.replace("rules:\n", first, 1).replace('version: "1"', 'version: "2"'))
    return place


def asked(place: Workplace) -> int:
    """How many cases the judges have been asked, in all runs."""
    journal = place.folder / "journal"
    return len(journal.read_bytes()) if journal.exists() else 0


def diff(place: Workplace, *options: str) -> dict[str, Any]:
    run = place.run("diff", "CONFIG", "--json", *options)
    (kept,) = [line for line in run.stderr.splitlines() if line.startswith("kept as ")]
    assert Path(kept.removeprefix("kept as ")).read_text(encoding="utf-8") == run.stdout
    found: dict[str, Any] = json.loads(run.stdout)
    return found


def test_what_flips_in_the_source_is_what_must_and_the_old_side_is_not_paid_for_again(place: Workplace) -> None:
    place.backfill()
    assert asked(place) == 2 * ITEMS
    options = ("--policy", "new.md", "--judge", "other.yaml", "--sample", str(SAMPLE))
    (policy,) = diff(place, *options)["policies"]
    assert asked(place) == 2 * ITEMS + SAMPLE, "the table has the old side"
    assert (policy["before"]["recalled"], policy["after"]["recalled"], policy["items"]) == (SAMPLE, 0, SAMPLE)
    numbers = {change["item_id"]: int(change["item_id"][1:]) for change in policy["changes"]}
    flips = {"allowed now": 0, "flagged now": 5}
    for change in policy["changes"]:
        assert numbers[change["item_id"]] % 10 == flips[change["kind"]]
        assert change["before"]["rationale"] != change["after"]["rationale"]
    kinds = [change["kind"] for change in policy["changes"]]
    assert kinds == sorted(kinds), "a step of severity from 3 to 0 before one from 0 to 1"
    gained, lost = kinds.count("flagged now"), kinds.count("allowed now")
    assert (policy["flagged"]["gained"], policy["flagged"]["lost"]) == (gained, lost)
    assert 5 < gained < 20
    assert policy["flagged"]["p_value"] == pytest.approx(binomtest(gained, gained + lost).pvalue)
    cited = {rule["rule_id"]: (rule["cited"]["gained"], rule["cited"]["lost"]) for rule in policy["rules"]}
    assert cited == {"R0": (gained, 0), "R1": (0, lost), "R2": (0, 0)}
    assert policy["whole"]["gained"]["low"] <= ITEMS / 10 <= policy["whole"]["gained"]["high"]
    assert policy["whole"]["rollout"]["to_judge"]["value"] == ITEMS
    shown = [place.run("diff", "CONFIG", *options, "--format", "md").stdout for _ in range(2)]
    assert shown[0] == shown[1]
    assert asked(place) == 2 * ITEMS + SAMPLE, "nor is anything asked twice"


def test_labels_say_which_flips_are_improvements(place: Workplace) -> None:
    with open(place.folder / "golden.csv", "w", newline="", encoding="utf-8") as stream:
        rows = csv.writer(stream)
        rows.writerow(["item_id", "policy_id", "label", "text"])
        for number in range(40):
            text = f"message {number}" + (" free money" if number % 10 == 0 else "")
            rows.writerow([f"g{number}", "p1", "violates" if number % 10 == 5 else "allowed", text])
            rows.writerow([f"g{number}", "p0", "violates" if number % 20 == 0 else "", text])
    report = diff(place, "--judge", "other.yaml", "--items", "golden.csv")
    p0, p1 = report["policies"]
    assert (report["golden"], report["seed"], p0["whole"]) == (["golden.csv"], None, None)
    assert asked(place) == 4 * 40
    assert (p1["right"]["gained"], p1["right"]["lost"]) == (8, 0)
    assert p1["right"]["after"]["value"] == 1
    assert (p0["right"]["gained"], p0["right"]["lost"], p0["unknown"]) == (0, 2, 38)
    improved = {change["item_id"]: change["improved"] for change in p0["changes"]}
    assert len(improved) == 8
    assert (improved["g0"], improved["g5"]) == (False, None)
    text = place.run("diff", "CONFIG", "--judge", "other.yaml", "--items", "golden.csv", "--policies", "p1").stdout
    assert "8 improvements and 0 regressions among 40" in text
    assert asked(place) == 4 * 40, "fewer policies are no other items"
