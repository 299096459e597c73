"""What labels say of all items: the estimates get what the table and the files hold."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from assay.config import Labels
from assay.records import Reason, Rejection
from jobs.labelled_rates import labelled_rates
from jobs.sql import opened, query, stored
from measure.prevalence import Labelled, prevalence
from tests.jobs.small_table import CHANGED, HARM, SPAM, TUESDAY, case, no, yes
from tests.sinks.stand import open_sink

LABELS = """item_id,policy_id,label,weight
i0,spam,violates,1
i1,spam,allowed,1
i5,spam,violates,20
i6,spam,allowed,20
i30,spam,violates,20
i7,spam,,20
i0,harm,1,
unheard,of,1,
"""


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A sink with 30 verdicts under spam, five of them flagged, a rejection, and one verdict under harm."""
    where = str(tmp_path / "out")
    spam = [case(n, SPAM, yes("R1") if n < 5 else no()) for n in range(30)]
    cut = case(30, SPAM, Rejection(Reason.LENGTH, "cut off"))
    open_sink(where).commit([*spam, cut, case(0, HARM, no())], {})
    return where


def test_each_policy_with_labels_has_its_estimates(path: str, tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text(LABELS)
    with opened(path, Labels(path=f"{tmp_path}/labels.csv")) as connection:
        harm, spam = labelled_rates(connection, path)
    labels = [
        *(Labelled(True, True, 1.0), Labelled(False, True, 1.0), Labelled(True, None, 20.0)),
        *(Labelled(True, False, 20.0), Labelled(False, False, 20.0)),
    ]
    assert (harm.policy_id, spam.policy_id) == ("harm", "spam")
    assert spam.rates == prevalence(labels, 5, 30)
    assert harm.rates == prevalence([Labelled(True, False)], 0, 1)
    assert (spam.weighted, spam.left_out) == (True, 0)


def test_labels_without_a_weight_play_no_part_beside_others_and_are_counted(path: str, tmp_path: Path) -> None:
    more = "i8,spam,violates,\ni9,spam,violates,\ni10,spam,violates,\n"
    (tmp_path / "labels.csv").write_text(LABELS + more)
    (tmp_path / "plain.csv").write_text("item_id,policy_id,label\ni0,spam,violates\ni9,spam,allowed\n")
    with opened(path, Labels(path=f"{tmp_path}/labels.csv")) as connection:
        harm, spam = labelled_rates(connection, path)
    assert (spam.left_out, spam.weighted, harm.weighted) == (3, True, False)
    assert spam.rates.labelled.n == 5
    assert spam.rates.labelled.value == (1 + 20 + 20) / (1 + 1 + 20 + 20 + 20)
    with opened(path, Labels(path=f"{tmp_path}/plain.csv")) as connection:
        (spam,) = labelled_rates(connection, path)
    assert (spam.rates.labelled.n, spam.left_out, spam.weighted) == (2, 0, False)


def test_items_are_counted_by_id_as_they_are_drawn(tmp_path: Path) -> None:
    """Two places with one id are one item; where a rejection stands there is none."""
    where = str(tmp_path / "out")
    twice = replace(case(7, SPAM, yes("R1"), TUESDAY), item=replace(case(7, SPAM, no()).item, id="i0"))
    cut = case(1, SPAM, Rejection(Reason.LENGTH, "cut off"), TUESDAY, shard=CHANGED)
    open_sink(where).commit([case(0, SPAM, no()), twice, case(1, SPAM, yes("R1")), cut, case(2, SPAM, no())], {})
    (tmp_path / "labels.csv").write_text("item_id,policy_id,label\ni2,spam,allowed\n")
    with opened(where, Labels(path=f"{tmp_path}/labels.csv")) as connection:
        (spam,) = labelled_rates(connection, where)
    assert (spam.rates.raw.n, spam.rates.raw.value) == (2, 0.5)
    assert query(where, stored("to_label"), params={"policy": "spam"})["item_id"].to_pylist() == ["i0", "i2"]


def test_of_rows_without_the_texts_hash_the_last_counts_too(tmp_path: Path) -> None:
    """As another program may write them."""
    where, nameless = str(tmp_path / "out"), SPAM.model_copy(update={"hash": None})
    open_sink(where).commit([case(0, nameless, yes("R1")), case(0, SPAM, no(), TUESDAY)], {})
    (tmp_path / "labels.csv").write_text("item_id,policy_id,label\ni0,spam,allowed\n")
    with opened(where, Labels(path=f"{tmp_path}/labels.csv")) as connection:
        (spam,) = labelled_rates(connection, where)
    assert (spam.rates.raw.n, spam.rates.raw.value) == (1, 0)


def test_without_labels_there_are_none(path: str) -> None:
    with opened(path) as connection:
        assert labelled_rates(connection, path) == ()
