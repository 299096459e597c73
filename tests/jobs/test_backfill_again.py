"""What a second run judges after the policies, the items or the table have changed, and what it makes of bad rows."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from tests.jobs.workplace import POLICY, Workplace, write_items

pytestmark = pytest.mark.slow


def test_an_edited_policy_and_a_new_file_cost_only_themselves(place: Workplace) -> None:
    place.backfill()
    edited = POLICY.format(id="p0").replace('version: "1"', 'version: "2"') + "\nEdited.\n"
    (place.folder / "policies" / "p0.md").write_text(edited)
    write_items(place.folder / "data" / "part-9.parquet", 50, start=5000)
    summary = place.backfill()
    assert summary["judged"] == 600 + 2 * 50
    assert summary["skipped"] == 600


def test_another_column_is_other_content(place: Workplace) -> None:
    rows = {"id": ["a", "b"], "text": ["fine", "fine"], "other": ["free money", "good"]}
    pq.write_table(pa.table(rows), place.folder / "two.parquet")
    place.config["source"] = {"kind": "parquet", "path": "two.parquet", "columns": {"id": "id", "text": "text"}}
    assert place.backfill()["flagged"] == 0
    place.config["source"]["columns"]["text"] = "other"
    summary = place.backfill()
    assert (summary["judged"], summary["flagged"]) == (4, 2)


def test_bad_rows_are_rejected_and_the_rest_is_judged(place: Workplace) -> None:
    rows = {"id": ["a", None, "c", "a", "e"], "text": ["fine", "no id", "", "again", None]}
    pq.write_table(pa.table(rows), place.folder / "bad.parquet")
    place.config["source"] = {"kind": "parquet", "path": "bad.parquet", "columns": {"id": "id", "text": "text"}}
    summary = place.backfill()
    assert (summary["verdicts"], summary["rejected"], summary["judged"]) == (2, 8, 2)
    assert place.query(
        "select position, reason, decode(raw) raw from rejections where policy_id = 'p0' and reason <> 'empty' "
        "order by position"
    ) == [
        {"position": 1, "reason": "missing_id", "raw": "no id"},
        {"position": 3, "reason": "duplicate_id", "raw": "again"},
    ]
    assert place.backfill()["judged"] == 0


def test_a_trial_on_a_part_is_not_paid_twice(place: Workplace) -> None:
    place.config["source"] |= {"where": "lang = 'de'", "limit": 30}
    assert place.backfill()["judged"] == 60
    del place.config["source"]["where"], place.config["source"]["limit"]
    assert place.backfill()["judged"] == 1140
    assert place.query("select count(*) n, count(distinct (item_id, policy_id)) d from verdicts") == [
        {"n": 1200, "d": 1200}
    ]


def test_a_run_that_does_not_balance_fails_and_names_what_is_missing(place: Workplace) -> None:
    place.backfill()
    DeltaTable(str(place.folder / "out" / "audit" / "verdicts")).delete("item_id = 'm5' and policy_id = 'p1'")
    error = place.run("backfill", "CONFIG", code=1).stderr
    assert "does not balance" in error
    assert "part-0.parquet" in error
    assert "under policy p1: 1 of" in error
    assert place.query("select state from runs order by started_at desc limit 1") == [{"state": "failed"}]
