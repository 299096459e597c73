"""What `assay plan` says, against what the run after it does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.load import load_job
from jobs.plan import plan_job
from jobs.plan_file import planned_for
from tests.jobs.workplace import Workplace, make_workplace, write_items
from tests.ray_cluster import SharedCluster

SUM = ("settled", "rejected", "reused", "duplicates", "to_judge")


@pytest.fixture
def place(tmp_path: Path, ray_cluster: SharedCluster) -> Workplace:
    """Two files of 60 items each under two policies, in one of them 20 copies and 4 rows that make no sense."""
    place = make_workplace(tmp_path, files=2, items=60)
    rows = pq.read_table(tmp_path / "data" / "part-1.parquet").to_pylist()
    for row in rows[:20]:
        row["text"] = f"message {int(row['id'][1:]) % 7}"
    for row in rows[20:24]:
        row["text"] = None
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "data" / "part-1.parquet", row_group_size=25)
    place.config["source"]["duplicate_ids"] = "keep"
    place.config["replicas"]["count"] = 1
    return place.join(ray_cluster)


def plan(place: Workplace, *options: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(place.run("plan", "CONFIG", "--json", *options).stdout)
    for part in (found, *found["policies"]):
        assert part["cases"] == sum(part[name] for name in SUM)
    return found


def test_a_plan_says_what_the_run_then_does_and_after_it_nothing_is_left(place: Workplace) -> None:
    before = plan(place)
    assert not (place.folder / "out" / "audit" / "verdicts").exists(), "a plan writes no table"
    assert (before["items"], before["cases"], before["rejected"], before["duplicates"]) == (120, 240, 8, 38)
    assert before["prompt_tokens"] == before["cost"] == before["gpu_hours"] == 0
    assert [each["if_changed"]["to_judge"] for each in before["policies"]] == [97, 97]
    done = place.backfill()
    assert (done["judged"], done["reused"]) == (before["to_judge"], before["duplicates"])
    after = plan(place)
    assert (after["settled"], after["to_judge"], after["duplicates"]) == (240, 0, 0)
    assert [each["if_changed"]["to_judge"] for each in after["policies"]] == [97, 97]
    text = place.run("plan", "CONFIG").stdout
    assert "120 items under 2 policies, judge scripted" in text
    assert "as 194 cases in" in text


def test_an_edit_and_a_new_file_cost_what_the_plan_says(place: Workplace) -> None:
    place.backfill()
    policy = place.folder / "policies" / "p0.md"
    policy.write_text(policy.read_text().replace('version: "1"', 'version: "2"') + "\nAnd one thing more.\n")
    write_items(place.folder / "data" / "third.parquet", 70)  # 60 of them as in the first file
    before = plan(place)
    edited, same = before["policies"]
    assert (edited["settled"], edited["to_judge"]) == (0, 107)
    assert (same["settled"], same["reused"], same["to_judge"]) == (120, 60, 10)
    part = plan(place, "--policies", "p1")
    assert [each["id"] for each in part["policies"]] == ["p1"]
    assert part["cases"] == 190
    plan(place)
    done = place.backfill()
    assert (done["judged"], done["reused"]) == (before["to_judge"], before["reused"] + before["duplicates"])


def test_a_plan_foresees_which_known_cases_are_judged_again(place: Workplace) -> None:
    place.backfill()
    write_items(place.folder / "data" / "third.parquet", 60)
    place.config["reuse_audit"] = 0.3
    before = plan(place)
    assert 0 < before["audited"] == before["to_judge"] < 60
    done = place.backfill()
    assert done["audited"] == done["judged"] == before["to_judge"]
    rows = place.query(
        "select policy_id, count(*) as n from outcomes "
        f"where run_id = '{done['run_id']}' and stage = 'judge' group by 1 order by 1"
    )
    assert [row["n"] for row in rows] == [each["audited"] for each in before["policies"]]


def test_a_plan_counts_what_a_trial_run_settled(place: Workplace) -> None:
    place.config["source"]["where"] = "lang = 'de'"
    trial = place.backfill()
    del place.config["source"]["where"]
    before = plan(place)
    assert before["settled"] == trial["cases"] == 80
    assert place.backfill()["judged"] == before["to_judge"]


def test_what_is_too_old_or_to_be_fresh_is_judged_anew(place: Workplace) -> None:
    place.backfill()
    write_items(place.folder / "data" / "third.parquet", 60)
    assert plan(place)["reused"] == 120
    assert plan(place, "--fresh")["to_judge"] == 120
    place.config["reuse"] = {"max_age": "1s"}
    assert plan(place)["to_judge"] == 120


@pytest.mark.parametrize("known", [False, True])
def test_a_sample_brackets_the_truth(tmp_path: Path, ray_cluster: SharedCluster, known: bool) -> None:
    place = make_workplace(tmp_path, files=1, items=50).join(ray_cluster)
    place.config["source"] |= {"duplicate_ids": "keep", "columns": {"id": "id", "text": "text"}}
    if known:
        place.backfill()
    texts = [f"message {number * number % 1777}" for number in range(4000)]
    table = pa.table({"id": [f"n{number}" for number in range(4000)], "text": texts})
    pq.write_table(table, tmp_path / "data" / "more.parquet", row_group_size=500)
    place.run("check", "CONFIG")
    job = load_job(place.path)
    truth, missed = plan_job(job).total, 0
    for seed in range(20):
        guess = plan_job(job, 0.1, seed).total
        assert (guess.cases, guess.settled, guess.rejected) == (truth.cases, truth.settled, truth.rejected)
        parts = sum(getattr(guess, name).value for name in SUM)
        assert parts == guess.cases.value
        for name in ("to_judge", "duplicates"):
            found, true = getattr(guess, name), getattr(truth, name).value
            assert found.low <= found.value <= found.high
            missed += not found.low <= true <= found.high
    assert missed <= 6, "of 40 intervals of 95 %, which come in pairs"


def test_what_was_planned_is_there_for_the_run_that_follows_and_for_no_other(place: Workplace) -> None:
    before = plan(place)
    job = load_job(place.path)
    judge = plan_job(job).judge
    found = planned_for(job, judge)
    assert found is not None
    assert (found.cases, found.judged) == (before["cases"], before["to_judge"])
    assert planned_for(job.under("p0"), judge) is None
    place.backfill()
    assert planned_for(job, judge) is None, "another run has done what was planned"
    plan(place)
    assert planned_for(job, judge) is not None
    (place.folder / "out" / "audit" / "plans" / "nightly.json").write_text("{")
    assert planned_for(job, judge) is None


def test_what_a_run_refuses_a_plan_refuses(place: Workplace) -> None:
    failed = place.run("plan", "CONFIG", "--sample", "1.5", code=2)
    assert "--sample: 1.5 is no share" in failed.stderr
    place.backfill()
    write_items(place.folder / "data" / "part-0.parquet", 61)
    assert "the file changed since it was audited" in place.run("plan", "CONFIG", code=2).stderr
    place.config["source"] = {
        "kind": "kafka",
        "bootstrap": "nowhere:9092",
        "topics": ["items"],
        "group": "audit",
        "columns": {"id": "id", "text": "text"},
    }
    assert "a plan reads Parquet" in place.run("plan", "CONFIG", code=2).stderr
