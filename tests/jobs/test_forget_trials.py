"""What is forgotten is gone from evaluations too, and an evaluation can be made again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

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
