"""What is forgotten is gone from evaluations too, and an evaluation can be made again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jobs.evaluate import keep_report
from jobs.forget_trials import forget_trials
from jobs.sql import query
from jobs.trial import trial_table
from sinks.forget import Forgotten, Wanted
from tests.jobs.workplace import Workplace

pytestmark = pytest.mark.slow

SECRET = "free money for Zebedee"


def holding(folder: Path, text: str) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file() and text.encode() in file.read_bytes()]


def test_an_item_is_forgotten_in_trials_too(place: Workplace) -> None:
    lines = [{"item_id": "kept", "policy_id": "p0", "label": "allowed", "text": "hello there"}]
    lines += [{"item_id": 'it"s', "policy_id": "p0", "label": "allowed", "text": SECRET}]
    golden = place.folder / "golden.jsonl"
    golden.write_text("".join(json.dumps(line) + "\n" for line in lines))
    place.backfill()
    place.run("eval", "CONFIG", "--golden", str(golden), "--json")
    golden.write_text(json.dumps(lines[0]) + "\n")
    place.run("eval", "CONFIG", "--golden", str(golden), "--json")
    evals = place.folder / "out" / "audit" / "evals"
    assert {file.parent.name for file in holding(evals, "hello there")} == {"items"}
    said = json.loads(place.run("forget", "CONFIG", "--item", 'it"s', "--json").stdout)
    assert said["trials"] == {"rows": 1, "files": 2}
    assert len(list((evals / "items").iterdir())) == len(list((evals / "reports").iterdir())) == 1
    said = json.loads(place.run("forget", "CONFIG", "--item", 'it"s', "--json").stdout)
    assert said["trials"] == {"rows": 0, "files": 0}
    again = json.loads(place.run("eval", "CONFIG", "--golden", str(golden), "--json").stdout)
    assert again["items"] == 1


@pytest.mark.parametrize(
    ("name", "files"), [("x", 1), ("x (0a1b2c3d)", 1), ("x#p0.zero_width", 1), ("xy", 0), ("x (y)", 0)]
)
def test_a_report_of_what_no_trial_judged_is_forgotten_by_its_items_and_their_copies(
    tmp_path: Path, name: str, files: int
) -> None:
    keep_report(str(tmp_path), "run", json.dumps({"policies": [{"changes": [{"item_id": name}]}]}))
    assert forget_trials(str(tmp_path), Wanted(item="x")) == (Forgotten(), files)
    assert len(list((tmp_path / "evals" / "reports").iterdir())) == 1 - files


def test_what_attacks_made_of_an_item_is_forgotten_with_it(place: Workplace) -> None:
    golden = place.folder / "golden.csv"
    golden.write_text(f"item_id,policy_id,label,text\nx,p0,violates,{SECRET}\ny,p0,violates,free money\n")
    place.backfill()
    place.run("eval", "CONFIG", "--golden", str(golden), "--adversarial", "--attack", "case", "--json")
    table = trial_table(str(place.folder / "out" / "audit"))
    made = query(table, "select distinct item_id from outcome_rows where item_id like 'x%'").to_pylist()
    assert "x" in {row["item_id"] for row in made}
    assert len(made) > 1, "and what the attacks made of it"
    place.run("forget", "CONFIG", "--item", "x", "--json")
    left = query(table, "select distinct item_id[1] as first from outcome_rows where item_id is not null").to_pylist()
    assert left == [{"first": "y"}], "the others' ids are gone"
    assert not holding(place.folder / "out" / "audit" / "evals" / "items", SECRET)


def test_where_only_evaluations_are_an_item_is_forgotten_in_them(place: Workplace) -> None:
    golden = place.folder / "golden.csv"
    golden.write_text(f"item_id,policy_id,label,text\nx,p0,violates,{SECRET}\ny,p0,violates,free money\n")
    place.run("eval", "CONFIG", "--golden", str(golden), "--json")
    said = json.loads(place.run("forget", "CONFIG", "--item", "x", "--json").stdout)
    assert (said["rows"], said["trials"]) == (0, {"rows": 1, "files": 1})
    assert "nothing audited yet" in place.run("forget", "CONFIG", "--item", "x", code=2).stderr
