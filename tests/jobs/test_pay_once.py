"""Pay once, with the real command: across runs, files and policies. The judge's journal says what it was asked."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.jobs.workplace import Workplace, make_workplace, replicas_of, wait_for_rows, write_items
from tests.ray_cluster import SharedCluster


@pytest.fixture
def place(tmp_path: Path, ray_cluster: SharedCluster) -> Workplace:
    """Two files of 60 items each under two policies, judged with a journal."""
    return paid_once(tmp_path).join(ray_cluster)


def paid_once(folder: Path) -> Workplace:
    place = make_workplace(folder, files=2, items=60)
    place.config["judge"]["journal"] = str(folder / "journal")
    place.config["source"]["duplicate_ids"] = "keep"
    return place


def asked(place: Workplace) -> int:
    """How many cases the judge has been asked, in all runs."""
    return len((place.folder / "journal").read_bytes())


def test_content_that_was_seen_costs_nothing_wherever_it_comes_again(place: Workplace) -> None:
    first = place.backfill()
    assert (first["judged"], first["reused"], asked(place)) == (240, 0, 240)
    write_items(place.folder / "data" / "third.parquet", 150)  # 120 of them as in the other files, 30 new
    second = place.backfill()
    assert (second["cases"], second["skipped"], second["verdicts"]) == (540, 240, 300)
    assert (second["reused"], second["recalled"], second["repeated"]) == (240, 240, 0)
    assert second["judged"] == asked(place) - 240 == 60
    rows = place.query(
        "select v.violation, v.rationale, v.reused_run, v.reused_item, v.prompt_tokens, o.violation as there, "
        "o.rationale as reason from outcomes v join outcomes o on o.run_id = v.reused_run and o.case_key = v.case_key "
        "and o.stage = 'judge' where v.stage = 'reused'"
    )
    assert len(rows) == second["reused"]
    for row in rows:
        assert (row["violation"], row["rationale"]) == (row["there"], row["reason"])
        assert (row["reused_run"], row["prompt_tokens"]) == (first["run_id"], 0)
    (run,) = place.query(f"select judged, reused, recalled from runs where run_id = '{second['run_id']}'")
    assert (run["judged"], run["reused"], run["recalled"]) == (second["judged"], second["reused"], second["recalled"])


def test_a_file_that_grows_costs_what_is_new(place: Workplace) -> None:
    place.backfill()
    write_items(place.folder / "data" / "part-1.parquet", 90, start=60)  # as it was, and 30 more in new row groups
    place.config["source"]["on_change"] = "audit"
    grown = place.backfill()
    assert (grown["judged"], grown["recalled"], grown["skipped"]) == (60, 120, 120)


def test_an_edited_policy_costs_itself_and_an_edited_title_costs_nothing(place: Workplace) -> None:
    place.backfill()
    policy = place.folder / "policies" / "p0.md"
    text = policy.read_text()
    policy.write_text(text.replace("---\n", "---\n# a comment\n", 1))
    again = place.backfill()
    assert (again["skipped"], again["judged"], again["reused"]) == (120, 0, 120)
    policy.write_text(text.replace('version: "1"', 'version: "2"') + "\nAnd one thing more.\n")
    edited = place.backfill()
    assert (edited["skipped"], edited["judged"], edited["reused"]) == (120, 120, 0)
    policy.unlink()
    removed = place.backfill()
    assert (removed["cases"], removed["judged"], removed["skipped"]) == (120, 0, 120)
    versions = Counter(row["policy_hash"] for row in place.query("select policy_hash from outcomes"))
    assert sorted(versions.values()) == [120, 120, 120, 120]


def test_a_part_of_the_policies_can_be_run_alone(place: Workplace) -> None:
    part = json.loads(place.run("backfill", "CONFIG", "--policies", "p1", "--json").stdout)
    assert (part["cases"], part["judged"]) == (120, 120)
    assert {row["policy_id"] for row in place.query("select policy_id from outcomes")} == {"p1"}
    rest = place.backfill()
    assert (rest["cases"], rest["skipped"], rest["judged"]) == (240, 120, 120)
    failed = place.run("backfill", "CONFIG", "--policies", "p1,p7", code=2)
    assert "--policies: no policy has the id 'p7'; there are: p0, p1" in failed.stderr


def test_fresh_judges_anew_and_an_audit_judges_a_share(place: Workplace) -> None:
    place.backfill()
    write_items(place.folder / "data" / "third.parquet", 60)
    fresh = json.loads(place.run("backfill", "CONFIG", "--fresh", "--json").stdout)
    assert (fresh["judged"], fresh["recalled"]) == (120, 0)
    write_items(place.folder / "data" / "fourth.parquet", 60)
    place.config["reuse_audit"] = 0.3
    audited = place.backfill()
    assert 0 < audited["audited"] == audited["agreed"] == audited["judged"] < 120
    assert 0.8 < audited["agreed_low"] < audited["agreed_high"] == 1.0
    assert audited["recalled"] + audited["judged"] == 120
    place.config |= {"reuse": {"max_age": "1s"}, "reuse_audit": 0}
    write_items(place.folder / "data" / "fifth.parquet", 60)
    assert place.backfill()["judged"] == 120


def test_what_is_forgotten_is_reused_no_more_and_the_counts_still_balance(place: Workplace) -> None:
    place.backfill()
    said = json.loads(place.run("forget", "CONFIG", "--item", "m7", "--json").stdout)
    assert said["rows"] == 2
    assert place.query("select count(*) as n from outcomes where item_id = 'm7' or rationale is null")[0]["n"] == 0
    assert place.query("select count(*) as n from outcome_rows where status = 'forgotten'")[0]["n"] == 2
    assert place.backfill()["skipped"] == 240, "its places are settled all the same"
    write_items(place.folder / "data" / "third.parquet", 60)
    third = place.backfill()
    assert (third["judged"], third["recalled"]) == (2, 118)
    rebuilt = place.run("rebuild-lookup", "CONFIG").stdout
    assert "240 verdicts can be reused" in rebuilt
    failed = place.run("forget", "CONFIG", code=2)
    assert "one of --item ID, --content-hash SHA256, --older-than 90d" in failed.stderr
    assert "no duration" in place.run("forget", "CONFIG", "--older-than", "soon", code=2).stderr


def with_copies(place: Workplace, files: int, items: int, distinct: int) -> None:
    """Items whose texts come again and again, within files and across them."""
    for number in range(files):
        write_items(place.folder / "data" / f"part-{number}.parquet", items, start=number * items)
        table = pq.read_table(place.folder / "data" / f"part-{number}.parquet")
        texts = [f"message {(number * items + at) * 7 % distinct}" for at in range(items)]
        at = table.column_names.index("text")
        table = table.set_column(at, "text", pa.array(texts))
        pq.write_table(table, place.folder / "data" / f"part-{number}.parquet", row_group_size=40)


def test_three_replicas_judge_each_content_once(place: Workplace) -> None:
    with_copies(place, 3, 300, 360)
    place.config["replicas"] |= {"count": 3, "cpus": 0.3}
    place.config["judge"] |= {"latency_ms": 30, "window": 16}
    summary = place.backfill()
    assert (summary["cases"], summary["judged"], summary["reused"]) == (1800, 720, 1080)
    assert asked(place) == 720


def test_a_run_that_is_killed_and_resumed_judges_again_only_what_was_not_committed(tmp_path: Path) -> None:
    place = paid_once(tmp_path)
    with_copies(place, 3, 300, 360)
    place.config["judge"] |= {"latency_ms": 60, "window": 16}
    place.config["sink"]["flush_seconds"] = 0.2
    process = place.start("backfill", "CONFIG", "--json")
    wait_for_rows(place, process, 5)
    replicas = replicas_of(process)
    process.kill()
    for replica in replicas:
        replica.kill()
    process.communicate()
    before, (kept,) = asked(place), place.query("select count(*) as n from outcomes where stage = 'judge'")
    summary = place.backfill()
    assert summary["verdicts"] + summary["skipped"] == 1800
    judged = place.query("select count(*) as n, count(distinct case_key) as keys from outcomes where stage = 'judge'")
    assert (judged[0]["n"], judged[0]["keys"]) == (720, 720)
    assert asked(place) - before == summary["judged"] == 720 - kept["n"] > 0
