"""Human labels in SQL: what is read, what is refused, and agreement with the judge."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from assay.config import Labels
from assay.errors import InputError
from assay.intervals import wilson
from assay.records import Reason, Rejection, Turn
from jobs.load import load_config
from jobs.sql import query
from jobs.sql_command import run_sql
from jobs.sql_output import Look
from measure.agreement import kappa
from measure.answers import Answer
from tests.jobs.small_table import CHANGED, SPAM, SPAM2, TUESDAY, case, no, write_small_table, yes
from tests.sinks.stand import open_sink

NONE = Rejection(Reason.LENGTH, "cut off")
SAID = [yes("R1")] * 6 + [no()] * 10 + [NONE] * 2
TRUTH = [True] * 5 + [False] + [True] * 2 + [False] * 8 + [True, False]


def write_csv(path: Path, lines: Sequence[Sequence[object]], head: str = "item_id,policy_id,label") -> str:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([head.split(","), *lines])
    return str(path)


@pytest.fixture
def judged(tmp_path: Path) -> str:
    """A sink with 18 cases: 6 flagged, 10 not, 2 rejected."""
    path = str(tmp_path / "out")
    open_sink(path).commit([case(n, SPAM, said) for n, said in enumerate(SAID)], {})
    return path


def test_csv_and_parquet_become_one_view(judged: str, tmp_path: Path) -> None:
    (tmp_path / "labels").mkdir()
    head = "label,item_id,policy_id,who,when,weight,note"
    lines = [
        ("violates", "i0", "spam", "ann", "2026-03-04T05:00:00+01:00", "2.5", "x"),
        ("No", "i1", "spam", "", "", "", ""),
    ]
    write_csv(tmp_path / "labels" / "a.csv", [*lines, ("", "i2", "spam", "bob", "2026-03-05", "", "")], head)
    typed = pa.table({"item_id": ["i3"], "policy_id": ["spam"], "label": [True], "weight": [3]})
    pq.write_table(typed, tmp_path / "labels" / "b.parquet")
    given = Labels(path=(f"{tmp_path}/labels/*.csv", f"{tmp_path}/labels/*.parquet"))
    table = query(judged, "SELECT * FROM labels ORDER BY item_id", labels=given)
    assert [tuple(row.values()) for row in table.to_pylist()] == [
        ("i0", "spam", True, "ann", datetime(2026, 3, 4, 4, tzinfo=UTC), 2.5, None),
        ("i1", "spam", False, None, None, None, None),
        ("i2", "spam", None, "bob", datetime(2026, 3, 5, tzinfo=UTC), None, None),
        ("i3", "spam", True, None, None, 3.0, None),
    ]
    assert table.schema == query(judged, "SELECT * FROM labels").schema


@pytest.mark.parametrize(
    ("lines", "head", "problem"),
    [
        ([("i0", "spam")], "item_id,policy_id", "no column label"),
        ([("i0", "spam", "1"), ("i1", "spam", "bad")], "item_id,policy_id,label", "bad.csv:3: label: the label 'bad'"),
        ([("", "spam", "1")], "item_id,policy_id,label", "bad.csv:2: item_id: empty"),
        ([("i0", "", "1")], "item_id,policy_id,label", "bad.csv:2: policy_id: empty"),
        ([("i0", "spam", "1", "soon")], "item_id,policy_id,label,when", "bad.csv:2: when: 'soon'"),
        ([("i0", "spam", "1", "0")], "item_id,policy_id,label,weight", "bad.csv:2: weight: 0;"),
        ([("i0", "spam", "1", "nan")], "item_id,policy_id,label,weight", "bad.csv:2: weight: nan;"),
        ([("i0", "spam", "1", "x")], "item_id,policy_id,label,weight", "bad.csv:2: weight: 'x'"),
    ],
)
def test_what_is_no_label_is_refused(judged: str, tmp_path: Path, lines: list[object], head: str, problem: str) -> None:
    file = write_csv(tmp_path / "bad.csv", lines, head)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"labels.path: .*bad\.csv") as refused:
        query(judged, "SELECT 1", labels=Labels(path=file))
    assert problem in str(refused.value)


def test_files_that_are_not_there_or_no_labels_are_refused(judged: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no file matches"):
        query(judged, "SELECT 1", labels=Labels(path=f"{tmp_path}/*.csv"))
    (tmp_path / "labels.xlsx").write_bytes(b"x")
    with pytest.raises(InputError, match=r"labels\.xlsx: the name of such a file ends in \.csv, .*\.parquet"):
        query(judged, "SELECT 1", labels=Labels(path=f"{tmp_path}/labels.xlsx"))
    (tmp_path / "labels.parquet").write_bytes(b"x")
    with pytest.raises(InputError, match="can't be read"):
        query(judged, "SELECT 1", labels=Labels(path=f"{tmp_path}/labels.parquet"))


def test_a_label_file_stays_out_of_reach_of_queries(judged: str, tmp_path: Path) -> None:
    file = write_csv(tmp_path / "labels.csv", [("i0", "spam", "1")])
    for attack in (f"SELECT * FROM '{file}'", f"SELECT * FROM read_csv('{file}')", f"COPY labels TO '{file}'"):
        with pytest.raises(InputError):
            query(judged, attack, labels=Labels(path=file))


@pytest.mark.parametrize("format", ["csv", "json"])
def test_the_command_sees_labels_and_gives_their_ids_back(judged: str, tmp_path: Path, format: str) -> None:
    file = write_csv(tmp_path / "labels.csv", [("'=1+1", "spam", "1"), ("''=1", "spam", "1"), ("'a", "spam", "1")])
    out = io.BytesIO()
    asked = "SELECT item_id FROM labels ORDER BY item_id DESC"
    run_sql(judged, asked, None, [], Look(format), out, Labels(path=file))
    expected = {
        "csv": "item_id\n'=1+1\n'a\n''=1\n",
        "json": '[{"item_id": "=1+1"},\n {"item_id": "\'a"},\n {"item_id": "\'=1"}]\n',
    }
    assert out.getvalue().decode() == expected[format]


def test_agreement_is_that_of_the_measurements(judged: str, tmp_path: Path) -> None:
    lines = [(f"i{n}", "spam", int(truth)) for n, truth in enumerate(TRUTH)]
    given = Labels(path=write_csv(tmp_path / "l.csv", [*lines, ("i99", "spam", 1), ("i1", "other", 1)]))
    (row,) = query(judged, "FROM label_agreement", labels=given).to_pylist()
    assert [row[name] for name in ("policy_id", "labelled", "tp", "fp", "fn", "tn", "rejected")] == [
        *("spam", 18, 5, 2, 3, 8, 2)
    ]
    for name, hits, of in (("precision", 5, 7), ("recall", 5, 8)):
        assert row[name] == pytest.approx(hits / of)
        assert (row[f"{name}_low"], row[f"{name}_high"]) == pytest.approx(wilson(hits, of))
    verdicts = [None if isinstance(said, Rejection) else said.violation for said in SAID]
    answers = [Answer(f"i{n}", "", "spam", *both) for n, both in enumerate(zip(TRUTH, verdicts, strict=True))]
    expected = kappa(answers)
    assert (row["kappa"], row["kappa_low"], row["kappa_high"]) == pytest.approx(
        (expected.value, expected.low, expected.high)
    )


def test_labels_that_count_for_nothing_are_listed(judged: str, tmp_path: Path) -> None:
    """i0 and a later word on it count, so do rejections; unknown labels are of nothing."""
    lines = [
        ("i0", "spam", 1, "ann", ""),
        ("i0", "spam", 0, "bob", ""),
        ("i17", "spam", 1, "ann", ""),
        ("i99", "spam", 1, "ann", ""),
        ("i98", "spam", "", "ann", ""),
        ("i1", "spma", 0, "ann", ""),
        ("i2", "spam", 0, "ann", "f" * 64),
    ]
    given = Labels(path=write_csv(tmp_path / "l.csv", lines, "item_id,policy_id,label,who,content_hash"))
    found = query(judged, "SELECT item_id, policy_id, label, other_content FROM unmatched_labels", labels=given)
    assert [tuple(row.values()) for row in found.to_pylist()] == [
        ("i2", "spam", False, True),
        ("i99", "spam", True, False),
        ("i1", "spma", False, False),
    ]


def test_weights_weigh_and_widen(judged: str, tmp_path: Path) -> None:
    """Four flagged, two of them rightly. Of w * (w - 1) it is 20 and 2 for those, 2 and 0 for the false alarms."""
    lines = [("i0", "spam", 1, 5), ("i1", "spam", 1, 2), ("i2", "spam", 0, 2), ("i3", "spam", 0, 1)]
    given = Labels(path=write_csv(tmp_path / "l.csv", lines, "item_id,policy_id,label,weight"))
    (row,) = query(judged, "FROM label_agreement", labels=given).to_pylist()
    assert row["precision"] == pytest.approx(0.7)
    labels = 0.7 * 0.3 * 10**2 / (22 * 0.3**2 + 2 * 0.7**2)
    low, high = wilson(0.7 * labels, labels)
    assert (row["precision_low"], row["precision_high"]) == pytest.approx((low, high))
    assert row["recall"] == 1, "without a miss"
    assert row["recall_low"] == pytest.approx(wilson(7**2 / 29, 7**2 / 29).low)


@pytest.mark.parametrize(
    ("found", "missed", "labels"),
    [
        ([20] * 5, 60, 100 * 60 / (5 * 20 * 19 * 0.375**2 + 60 * 59 * 0.625**2)),  # that of the variance
        ([5], 2, 7**2 / 29),  # Kish's
    ],
)
def test_recall_takes_the_smaller_number(
    judged: str, tmp_path: Path, found: list[int], missed: int, labels: float
) -> None:
    lines = [*((f"i{n}", "spam", 1, weight) for n, weight in enumerate(found)), ("i8", "spam", 1, missed)]
    given = Labels(path=write_csv(tmp_path / "l.csv", lines, "item_id,policy_id,label,weight"))
    (row,) = query(judged, "FROM label_agreement", labels=given).to_pylist()
    low, high = wilson(row["recall"] * labels, labels)
    assert (row["recall_low"], row["recall_high"]) == pytest.approx((low, high))


def test_what_was_drawn_for_certain_is_known(judged: str, tmp_path: Path) -> None:
    lines = [("i0", "spam", 1, 1), ("i1", "spam", 0, 1), ("i7", "spam", 0, 40), ("i8", "spam", 0, 40)]
    given = Labels(path=write_csv(tmp_path / "l.csv", lines, "item_id,policy_id,label,weight"))
    (row,) = query(judged, "FROM label_agreement", labels=given).to_pylist()
    assert (row["precision"], row["precision_low"], row["precision_high"]) == pytest.approx((0.5, 0.5, 0.5), abs=1e-6)
    assert row["recall_low"] < 0.3, "of misses that were not drawn nothing is known"


@pytest.mark.parametrize(("weights", "known"), [((2, 2, 2), True), ((2, 2, 3), False), (("", "", ""), True)])
def test_kappa_has_limits_unless_weights_differ(
    judged: str, tmp_path: Path, weights: tuple[object, ...], known: bool
) -> None:
    lines = [("i0", "spam", 1, weights[0]), ("i1", "spam", 0, weights[1]), ("i8", "spam", 0, weights[2])]
    given = Labels(path=write_csv(tmp_path / "l.csv", lines, "item_id,policy_id,label,weight"))
    (row,) = query(judged, "FROM label_agreement", labels=given).to_pylist()
    assert row["kappa"] is not None
    assert (row["kappa_low"] is not None, row["kappa_high"] is not None) == (known, known)


def test_what_can_not_be_had_is_null(judged: str, tmp_path: Path) -> None:
    given = Labels(path=write_csv(tmp_path / "l.csv", [("i8", "spam", 0), ("i9", "spam", 0)]))
    columns = "tn, precision, precision_low, recall, recall_high, kappa, kappa_low"
    (row,) = query(judged, f"SELECT {columns} FROM label_agreement", labels=given).to_pylist()
    assert list(row.values()) == [2, None, None, None, None, None, None]
    assert query(judged, "FROM label_agreement").num_rows == 0


def test_the_last_label_and_the_last_outcome_of_a_pair_count_once(tmp_path: Path) -> None:
    path = str(tmp_path / "out")
    open_sink(path).commit([case(0, SPAM, yes("R1")), case(0, SPAM2, no(), TUESDAY)], {})
    lines = [("i0", "spam", 1, "2026-03-01"), ("i0", "spam", 0, "2026-03-02"), ("i0", "spam", "", "2026-03-03")]
    given = Labels(path=write_csv(tmp_path / "l.csv", lines, "item_id,policy_id,label,when"))
    found = query(path, "SELECT policy_version, label, violation, said FROM labelled", labels=given).to_pylist()
    assert found == [{"policy_version": "2", "label": False, "violation": False, "said": False}]


def test_a_label_is_of_the_content_that_it_names(tmp_path: Path) -> None:
    path = str(tmp_path / "out")
    before = case(0, SPAM, yes("R1"))
    edited = replace(case(0, SPAM, no(), TUESDAY, shard=CHANGED).item, judged=(Turn("user", "something else"),))
    open_sink(path).commit([before, replace(case(0, SPAM, no(), TUESDAY, shard=CHANGED), item=edited)], {})
    head, old, new = "item_id,policy_id,label,who,content_hash", before.item.content_hash, edited.content_hash
    first = write_csv(tmp_path / "first.csv", [("i0", "spam", 1, "ann", old)], head)
    second = write_csv(tmp_path / "second.csv", [("i0", "spam", 0, "ann", new)], head)
    plain = write_csv(tmp_path / "plain.csv", [("i0", "spam", 1, "zoe", "")], head)
    for files, expected in (((first,), []), ((first, second), [False]), ((second, plain), [True]), ((plain,), [True])):
        found = query(path, "SELECT label FROM labelled", labels=Labels(path=files))
        assert found["label"].to_pylist() == expected


def test_the_config_names_the_files(tmp_path: Path) -> None:
    write_small_table(str(tmp_path / "out"))
    text = (
        "{name: t, source: {kind: parquet, path: x, columns: {id: id, text: text}}, policies: [p],"
        " judge: {kind: scripted}, sink: {kind: delta, path: out}, labels: {path: labels/*.csv}}"
    )
    (tmp_path / "job.yaml").write_text(text)
    labels = load_config(tmp_path / "job.yaml").labels
    assert labels == Labels(path=(f"{tmp_path}/labels/*.csv",))
    with pytest.raises(ValidationError):
        Labels.model_validate({"path": "x", "paths": "y"})
