"""Wrong input ends with exit 2 and a message that names the file or key, before any model is loaded."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.jobs.workplace import Workplace, write_items


def refused(place: Workplace, command: str = "check") -> str:
    return place.run(command, "CONFIG", code=2).stderr


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"colour": "red"}, "colour: unknown key"),
        ({"name": None}, "name:"),
        ({"judge": {"kind": "oracle"}}, "judge"),
        ({"judge": {"kind": "scripted", "match": "("}}, "judge.match: not a regular expression"),
        ({"judge": {"kind": "vllm", "model": "./models/none"}}, "models/none"),
        ({"policies": ["rules/*.md"]}, "policies.0: no file matches"),
        ({"source": {"kind": "parquet", "path": "none/*.parquet", "columns": {"id": "id", "text": "text"}}}, "none"),
        (
            {"source": {"kind": "parquet", "path": "data", "columns": {"id": "id", "text": "body"}}},
            "source.columns.text",
        ),
        ({"source": {"kind": "parquet", "path": "data", "columns": {"id": "id"}}}, "name at least one of text"),
        ({"replicas": {"count": 0}}, "replicas.count"),
    ],
)
def test_a_wrong_config_is_refused_by_name(place: Workplace, change: dict[str, Any], says: str) -> None:
    place.config |= change
    assert says in refused(place)


def test_a_missing_key_is_named(place: Workplace) -> None:
    del place.config["source"]["columns"]["id"]
    assert "source.columns.id: missing; add it" in refused(place)


def test_a_policy_without_rules_is_refused(place: Workplace) -> None:
    (place.folder / "policies" / "p1.md").write_text("---\nid: p1\nversion: 1\nrules: []\n---\nNo.\n")
    assert "p1.md: rules:" in refused(place)


@pytest.mark.parametrize("key", ["text", "hash", "prose"])
def test_a_policy_does_not_say_itself_what_is_made_of_its_file(place: Workplace, key: str) -> None:
    (place.folder / "policies" / "p1.md").write_text(
        f"---\nid: p1\nversion: 1\n{key}: x\nrules: [{{id: R1}}]\n---\nNo.\n"
    )
    assert f"p1.md: {key}: not a key of the front matter" in refused(place)


def test_two_policies_of_one_id_are_refused(place: Workplace) -> None:
    text = (place.folder / "policies" / "p0.md").read_text()
    (place.folder / "policies" / "copy.md").write_text(text)
    assert "ids must differ" in refused(place)


def test_a_truncated_file_is_refused(place: Workplace) -> None:
    file = place.folder / "data" / "part-0.parquet"
    file.write_bytes(file.read_bytes()[:-50])
    assert "part-0.parquet" in refused(place, "backfill")


def test_more_replicas_than_the_cluster_holds_are_refused(place: Workplace) -> None:
    place.config["replicas"] = {"count": 2, "gpus": 1}
    assert "replicas.gpus" in refused(place, "backfill")


def test_a_cluster_that_is_not_there_is_noticed_at_once(place: Workplace) -> None:
    place.config["replicas"] = {"count": 1, "address": "127.0.0.1:1"}
    assert "replicas.address: no Ray cluster at 127.0.0.1:1" in refused(place, "backfill")


def test_a_sink_inside_the_source_is_refused(place: Workplace) -> None:
    place.config["source"]["path"] = "."
    assert "sink.path" in refused(place)


def test_yaml_that_is_none_is_refused(place: Workplace) -> None:
    for text in ("name: 2026-13-45", "[" * 3000, "- just a list"):
        (place.folder / "odd.yaml").write_text(text)
        assert "odd.yaml" in place.run("check", str(place.folder / "odd.yaml"), code=2).stderr


def test_content_cannot_act_on_the_terminal_through_an_error(place: Workplace) -> None:
    rows = {"id": ["\x1b[31mred"], "text": ["fine"]}
    pq.write_table(pa.table(rows), place.folder / "red.parquet")
    place.config["source"] = {"kind": "parquet", "path": "red.parquet", "columns": {"id": "id", "text": "text"}}
    place.backfill()
    error = place.run("sql", "CONFIG", "select item_id::int from verdicts", code=2).stderr
    assert "\x1b" not in error
    assert "\\x1b[31mred" in error


def test_a_damaged_table_is_named_and_not_a_traceback(place: Workplace) -> None:
    place.backfill()
    for file in (place.folder / "out" / "audit" / "verdicts").rglob("*.parquet"):
        if "_delta_log" not in str(file):
            file.write_bytes(b"PAR1" + b"x" * 100 + b"PAR1")
    assert "may be damaged" in place.run("sql", "CONFIG", "select * from verdicts", code=1).stderr
    assert "may be damaged" in place.run("backfill", "CONFIG", code=1).stderr


def test_a_file_that_changed_since_its_run_is_noticed(place: Workplace) -> None:
    place.backfill()
    write_items(place.folder / "data" / "part-1.parquet", 290, start=300)
    error = refused(place, "backfill")
    assert "part-1.parquet" in error
    assert "source.on_change: audit" in error
    place.config["source"]["on_change"] = "audit"
    again = place.backfill()
    assert (again["verdicts"], again["recalled"]) == (580, 580), "all of it is audited, and none of it is new"


def test_check_says_what_a_run_would_see_and_touches_nothing(place: Workplace) -> None:
    out = place.run("check", "CONFIG").stdout
    assert "600 items" in out
    assert "1,200" in out
    assert not (place.folder / "out").exists()


def test_sql_before_the_first_run_says_what_to_do(place: Workplace) -> None:
    assert "assay backfill" in place.run("sql", "CONFIG", "select 1", code=2).stderr
