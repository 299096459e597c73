"""Files of labels: what is read, and what is refused with its place."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assay.errors import InputError
from assay.formulas import shielded
from authoring.labels_file import Label, read_labels

HEAD = "item_id,policy_id,label,who,when,weight\n"


def written(folder: Path, rows: str, head: str = HEAD) -> Path:
    path = folder / "labels.csv"
    path.write_text(head + rows, encoding="utf-8")
    return path


def test_a_row_is_a_label(tmp_path: Path) -> None:
    path = written(tmp_path, "m1,spam,violates,Ann,2026-11-20T09:30:00Z,12.5\nm2,spam,,,,\n")
    assert read_labels([path]) == (
        Label("m1", "spam", True, "Ann", datetime(2026, 11, 20, 9, 30, tzinfo=UTC), 12.5, f"{path}:2"),
        Label("m2", "spam", None, where=f"{path}:3"),
    )


def test_three_columns_are_enough_and_others_are_left_alone(tmp_path: Path) -> None:
    path = written(tmp_path, "m1,spam,0,EN\n", "item_id,policy_id,label,lang\n")
    assert read_labels([path]) == (Label("m1", "spam", False, where=f"{path}:2"),)


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    path = tmp_path / "labels.parquet"
    row = {"item_id": "m1", "policy_id": "spam", "label": True, "when": datetime(2026, 11, 20), "weight": 3.0}
    pq.write_table(pa.Table.from_pylist([row]), path)
    found = read_labels([path])
    assert found[0].violation is True
    assert found[0].weight == 3.0
    assert found[0].when == datetime(2026, 11, 20, tzinfo=UTC)


def test_several_people_may_label_one_item(tmp_path: Path) -> None:
    assert len(read_labels([written(tmp_path, "m1,spam,1,Ann,,\nm1,spam,0,Bob,,\nm1,scam,0,Ann,,\n")])) == 3


@pytest.mark.parametrize(
    ("rows", "place", "says"),
    [
        (",spam,1,,,\n", ":2", "item_id: empty"),
        ("m1, ,1,,,\n", ":2", "policy_id: empty"),
        ("m1,spam,1,,,\nm2,spam,maybe,,,\n", ":3", "label: .*maybe"),
        ("m1,spam,1,,soon,\n", ":2", "when: 'soon'"),
        ("m1,spam,1,,,much\n", ":2", "weight: 'much' is no number"),
        ("m1,spam,1,,,0.5\n", ":2", "weight: 0.5; .*at least 1"),
        ("m1,spam,1,,,nan\n", ":2", "weight: nan"),
        ("m1,spam,1,,,inf\n", ":2", "weight: inf"),
        ("m1,spam,1,,,1e200\n", ":2", "weight: 1e200; an item stands for at most"),
        ("m1,spam,1,Ann,,\nm1,spam,0,Ann,,\n", ":3", "Ann labels 'm1' under 'spam' twice, first at .*:2"),
    ],
)
def test_what_is_wrong_is_named_with_line_and_column(tmp_path: Path, rows: str, place: str, says: str) -> None:
    with pytest.raises(InputError, match=f"labels.csv{place}: .*{says}"):
        read_labels([written(tmp_path, rows)])


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no column label; there are: item_id, policy_id"):
        read_labels([written(tmp_path, "m1,spam\n", "item_id,policy_id\n")])


@pytest.mark.parametrize("name", ["=1+1", "-x", "'=x", "+4", "@you", "m1", "'m1", "\uff1d2"])
def test_an_id_that_looks_like_a_formula_comes_back_as_it_was(tmp_path: Path, name: str) -> None:
    assert not shielded(name).startswith(("=", "+", "-", "@", "\uff1d"))
    assert read_labels([written(tmp_path, f"{shielded(name)},spam,1,,,\n")])[0].item_id == name


def test_an_id_in_parquet_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "labels.parquet"
    pq.write_table(pa.table({"item_id": ["'=x"], "policy_id": ["spam"], "label": ["1"]}), path)
    assert read_labels([path])[0].item_id == "'=x"


def test_a_person_may_think_again(tmp_path: Path) -> None:
    assert len(read_labels([written(tmp_path, "m1,spam,1,Ann,2026-11-20,\nm1,spam,0,Ann,2026-11-21,\n")])) == 2
