"""Which policies' rates moved between two periods, as `drift` has it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from scipy.stats import fisher_exact
from statsmodels.stats.multitest import multipletests

from assay.records import JudgeIdentity
from jobs.sql import query
from tests.jobs.small_table import HARM, SPAM, SPAM2, TUESDAY, case, no, yes
from tests.sinks.stand import open_sink

DRIFT = "drift('2026-03-03', '2026-03-03', '2026-03-02', '2026-03-02')"


def test_an_item_that_was_judged_twice_in_a_period_counts_once_in_drift(tmp_path: Path) -> None:
    other = JudgeIdentity("other", "r9", "9" * 64)
    noon = TUESDAY + timedelta(hours=2)
    before = [case(n, SPAM, no()) for n in range(10)]
    first = [case(100 + n, SPAM, yes("R1"), TUESDAY) for n in range(10)]
    again = [replace(case(100 + n, SPAM, no(), noon), judge=other) for n in range(5)]
    edited = [case(100 + n, SPAM2, no(), noon) for n in range(5, 10)]
    open_sink(str(tmp_path)).commit([*before, *first, *again, *edited], {})
    (found,) = query(str(tmp_path), f"FROM {DRIFT}").to_pylist()
    columns = ("verdicts_before", "flagged_before", "verdicts", "flagged", "p")
    assert [found[each] for each in columns] == [10, 0, 10, 0, 1.0]


def test_drift_says_what_moved_and_is_not_fooled_by_many_looks(tmp_path: Path) -> None:
    """Policy p0 moves clearly; p1 would by itself (p < 0.05), but not as one of four; p3 has nothing before."""
    counts = {
        "p0": (2, 40, 30, 40),
        "p1": (1, 30, 7, 30),
        "p2": (5, 20, 5, 20),
        "p3": (0, 0, 3, 10),
        "p4": (1, 9, 1, 9),
    }
    outcomes = []
    for id, (hits_before, before, hits, now) in counts.items():
        under = HARM.model_copy(update={"id": id})
        outcomes += [case(n, under, yes("R1") if n < hits_before else no()) for n in range(before)]
        outcomes += [case(100 + n, under, yes("R1") if n < hits else no(), TUESDAY) for n in range(now)]
    open_sink(str(tmp_path)).commit(outcomes, {})
    found = query(str(tmp_path), f"FROM {DRIFT}").to_pylist()
    assert [
        (row["policy_id"], row["flagged_before"], row["verdicts_before"], row["flagged"], row["verdicts"])
        for row in found
    ] == [(id, *count) for id, count in counts.items()]
    compared = [row for row in found if row["policy_id"] != "p3"]
    expected = [fisher_exact([[a, n - a], [b, m - b]]).pvalue for id, (b, m, a, n) in counts.items() if id != "p3"]
    assert [row["p"] for row in compared] == pytest.approx(expected, rel=1e-6)
    assert [row["p_holm"] for row in compared] == pytest.approx(multipletests(expected, method="holm")[1], rel=1e-6)
    assert [row["policy_id"] for row in found if row["moved"]] == ["p0"]
    assert found[1]["low"] > 0
    assert found[0]["change"] == pytest.approx(0.7)
    assert (found[3]["rate"], found[3]["change"], found[3]["low"], found[3]["p_holm"]) == (0.3, None, None, None)
