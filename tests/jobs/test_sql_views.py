"""Every view and macro of `assay sql`, on one small table whose answers were counted by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable

from assay.intervals import wilson
from assay.records import JudgeIdentity, Mode, Reason, Rejection
from jobs.sql import query
from tests.jobs.small_table import (
    CHANGED,
    HARM,
    MONDAY,
    MONDAYS,
    SPAM,
    SPAM2,
    TUESDAY,
    case,
    no,
    write_small_table,
    yes,
)
from tests.sinks.stand import open_sink


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> str:
    where = str(tmp_path_factory.mktemp("small") / "out")
    write_small_table(where)
    return where


def rows(path: str, sql: str) -> list[tuple[Any, ...]]:
    """The answer, with limits and shares rounded."""
    return [
        tuple(round(value, 9) if isinstance(value, float) else value for value in row.values())
        for row in query(path, sql).to_pylist()
    ]


def limits(hits: int, of: int) -> tuple[float, float]:
    found = wilson(hits, of)
    return round(found.low, 9), round(found.high, 9)


def share(hits: int, of: int) -> tuple[float, float, float]:
    return (round(hits / of, 9), *limits(hits, of))


def test_latest_outcomes_are_one_for_each_item_and_policy(path: str) -> None:
    assert rows(
        path, "SELECT item_id, source, policy_id, policy_version, status FROM latest_outcomes ORDER BY ALL"
    ) == [
        ("i0", "events", "harm", "1", "verdict"),
        ("i0", "events", "harm", "1", "verdict"),
        ("i0", "items.parquet", "harm", "1", "verdict"),
        ("i0", "items.parquet", "spam", "2", "verdict"),
        ("i1", "events", "harm", "1", "verdict"),
        ("i1", "items.parquet", "harm", "1", "verdict"),
        ("i1", "items.parquet", "spam", "2", "verdict"),
        ("i2", "items.parquet", "harm", "1", "rejected"),
        ("i2", "items.parquet", "spam", "2", "verdict"),
        ("i3", "items.parquet", "spam", "1", "verdict"),
        ("i4", "items.parquet", "spam", "1", "verdict"),
        ("i5", "items.parquet", "spam", "1", "rejected"),
    ]
    assert rows(path, "SELECT count(*), count(*) FILTER (item_id = 'i2') FROM latest_verdicts") == [(10, 1)]
    assert query(path, "FROM latest_outcomes").schema == query(path, "FROM outcomes").schema


def test_what_was_judged_last_stands_whoever_judged_it(tmp_path: Path) -> None:
    other = JudgeIdentity("other", "r9", "9" * 64)
    earlier = [case(place, SPAM, no()) for place in range(4)]
    later = [
        replace(case(0, SPAM, yes("R1"), TUESDAY), judge=other),
        case(1, SPAM, yes("R2"), TUESDAY, shard=CHANGED),
        case(2, SPAM, Rejection(Reason.LENGTH, "cut off"), TUESDAY, shard=CHANGED),
    ]
    open_sink(str(tmp_path)).commit([*later, *earlier], {})
    found = rows(str(tmp_path), "SELECT position, rule_ids, reason FROM latest_outcomes ORDER BY position")
    assert found == [(0, ["R1"], None), (1, ["R2"], None), (2, None, "length"), (3, [], None)]


def test_what_stood_at_the_end_of_some_days(path: str) -> None:
    """On Monday the first text of spam; of both days the second, where it decided; of each text what it said."""
    columns = "SELECT policy_id, count(*), count(*) FILTER (violation)"
    assert rows(path, f"{columns} FROM standing({MONDAYS}) GROUP BY ALL ORDER BY ALL") == [
        ("harm", 4, 1),
        ("spam", 6, 2),
    ]
    assert rows(path, f"{columns} FROM standing() GROUP BY ALL ORDER BY ALL") == [("harm", 6, 2), ("spam", 6, 1)]
    by_text = f"{columns}, policy_version FROM standing(of_each_text := true) GROUP BY ALL ORDER BY ALL"
    assert rows(path, by_text) == [("harm", 6, 2, "1"), ("spam", 3, 1, "2"), ("spam", 6, 2, "1")]
    assert query(path, "FROM standing()").schema == query(path, "FROM outcomes").schema


def test_two_periods_are_compared_each_as_it_stood(path: str) -> None:
    days = "'2026-03-03', '2026-03-03', '2026-03-02', '2026-03-02'"
    counted = "SELECT is_now, policy_id, count(*) FROM compared({}) GROUP BY ALL ORDER BY ALL"
    before, now = [(False, "harm", 4), (False, "spam", 6)], [(True, "harm", 2), (True, "spam", 3)]
    assert rows(path, counted.format(days)) == [*before, *now]
    assert rows(path, counted.format("'2026-03-03', '2026-03-03', NULL, NULL")) == now


def test_a_partition_is_a_streams_own(path: str) -> None:
    sql = "SELECT DISTINCT source, partition_of(shard) AS it FROM outcomes ORDER BY ALL"
    assert rows(path, sql) == [("events", "10"), ("events", "3"), ("items.parquet", "")]


def test_flagged(path: str) -> None:
    found = query(path, "SELECT * FROM flagged ORDER BY policy_id, source, position").to_pylist()
    assert [(row["policy_id"], row["item_id"], row["rule_ids"]) for row in found] == [
        ("harm", "i1", ["R2"]),
        ("harm", "i1", ["R2"]),
        ("spam", "i1", ["R3", "R1"]),
    ]
    assert (found[2]["rationale"], found[2]["reasoning"], found[2]["policy_version"]) == (
        "It breaks R3, R1.",
        "Thought.",
        "2",
    )


def test_decided_is_of_days(path: str) -> None:
    assert rows(path, "SELECT count(*) FROM decided()") == [(15,)]
    assert rows(path, "SELECT count(*) FROM decided(since := '2026-03-03')") == [(5,)]
    assert rows(path, "SELECT count(*) FROM decided(until := DATE '2026-03-02')") == [(10,)]
    assert rows(path, "SELECT count(*) FROM decided(until := '2026-03-02', latest := true)") == [(7,)]


def test_prevalence_by_day(path: str) -> None:
    one, two = datetime(2026, 3, 2), datetime(2026, 3, 3)
    assert rows(path, "FROM prevalence()") == [
        ("harm", "1", one, 3, 1, 1, *share(1, 3)),
        ("harm", "1", two, 2, 1, 0, *share(1, 2)),
        ("spam", "1", one, 5, 2, 1, *share(2, 5)),
        ("spam", "2", two, 3, 1, 0, *share(1, 3)),
    ]


def test_prevalence_in_other_buckets(path: str) -> None:
    assert rows(path, "SELECT policy_id, policy_version, bucket, verdicts FROM prevalence(every := 'all')") == [
        ("harm", "1", None, 5),
        ("spam", "1", None, 5),
        ("spam", "2", None, 3),
    ]
    sql = "SELECT bucket, verdicts FROM prevalence(every := 'hour', by_item_time := true) WHERE policy_version = '2'"
    assert rows(path, sql) == [(datetime(2026, 3, 3, 9), 3)]
    sql = f"SELECT policy_id, bucket, verdicts, flagged FROM prevalence(every := 'week', latest := true, {MONDAYS})"
    assert rows(path, sql) == [("harm", datetime(2026, 3, 2), 3, 1), ("spam", datetime(2026, 3, 2), 2, 0)]


def test_prevalence_of_rejections_alone_has_no_rate(tmp_path: Path) -> None:
    open_sink(str(tmp_path)).commit([case(0, SPAM, Rejection(Reason.LENGTH, "cut off"))], {})
    assert rows(str(tmp_path), "FROM prevalence()") == [("spam", "1", datetime(2026, 3, 2), 0, 0, 1, None, 0.0, 1.0)]


def test_prevalence_keeps_policies_apart_whose_rows_lack_the_texts_hash(tmp_path: Path) -> None:
    under = [each.model_copy(update={"hash": None}) for each in (SPAM, HARM)]
    open_sink(str(tmp_path)).commit([case(n, each, yes("R1")) for n, each in enumerate(under)], {})
    found = rows(str(tmp_path), "SELECT policy_id, verdicts, flagged FROM prevalence(every := 'all')")
    assert found == [("harm", 1, 1), ("spam", 1, 1)]


def test_prevalence_by_a_carried_column(path: str) -> None:
    assert rows(path, "FROM prevalence_by('lang') WHERE policy_id = 'spam'") == [
        ("spam", "1", "de", 2, 1, 0, *share(1, 2)),
        ("spam", "1", "en", 3, 1, 0, *share(1, 3)),
        ("spam", "1", None, 0, 0, 1, None, 0.0, 1.0),
        ("spam", "2", "de", 2, 1, 0, *share(1, 2)),
        ("spam", "2", "en", 1, 0, 0, *share(0, 1)),
    ]
    assert rows(path, "SELECT DISTINCT value FROM prevalence_by('market')") == [(None,)]


def test_rules(path: str) -> None:
    assert rows(path, "FROM rule_citations()") == [
        ("harm", "1", "R2", 2, 2, 0, *share(2, 2)),
        ("spam", "1", "R1", 2, 1, 1, *share(2, 2)),
        ("spam", "1", "R2", 1, 0, 1, *share(1, 2)),
        ("spam", "2", "R1", 1, 0, 1, *share(1, 1)),
        ("spam", "2", "R3", 1, 0, 1, *share(1, 1)),
    ]
    assert rows(path, "FROM rule_pairs()") == [("spam", "1", "R1", "R2", 1), ("spam", "2", "R1", "R3", 1)]


def test_actions_and_confidences(path: str) -> None:
    assert rows(path, "FROM actions() WHERE policy_version = '1' AND policy_id = 'spam'") == [
        ("spam", "1", "block", 3, 1, *share(1, 5)),
        ("spam", "1", "review", 2, 1, *share(1, 5)),
        ("spam", "1", "allow", 0, 3, *share(3, 5)),
    ]
    assert rows(path, f"FROM confidences({MONDAYS}) WHERE policy_id = 'spam'") == [
        ("spam", "1", "high", 4, 2, *share(4, 5)),
        ("spam", "1", "low", 1, 0, *share(1, 5)),
    ]


def test_score_bins(path: str) -> None:
    assert rows(path, "FROM score_bins(bins := 10) WHERE policy_id = 'spam'") == [
        ("spam", "1", 0.1, 0.2, 1, 0),
        ("spam", "1", 0.5, 0.6, 1, 0),
        ("spam", "1", 0.9, 1.0, 2, 2),
        ("spam", "2", 0.1, 0.2, 1, 0),
        ("spam", "2", 0.2, 0.3, 1, 0),
        ("spam", "2", 0.9, 1.0, 1, 1),
    ]
    assert rows(path, "SELECT DISTINCT round(bin_high - bin_low, 9) FROM score_bins()") == [(0.05,)]


def test_rejection_reasons(path: str) -> None:
    assert rows(path, "FROM rejection_reasons()") == [
        ("harm", "1", "judge", "malformed", 1, *share(1, 6), "i2", "not JSON"),
        ("spam", "1", "source", "invalid_utf8", 1, *share(1, 6), "i5", "byte 0"),
    ]


def test_reuse(path: str) -> None:
    assert rows(path, "FROM reuse()") == [
        ("harm", "1", 6, 5, 1, round(1 / 6, 9), 1),
        ("spam", "1", 5, 5, 0, 0.0, 0),
        ("spam", "2", 3, 3, 0, 0.0, 0),
    ]


def test_costs_add_up_to_those_of_the_run(path: str) -> None:
    one, two = date(2026, 3, 2), date(2026, 3, 3)
    assert rows(path, "FROM costs") == [
        ("run-1", "nightly", "harm", one, 3, 2, 1, 200, 128, 20, 2.0, round(2 / 7, 9)),
        ("run-1", "nightly", "spam", one, 6, 5, 0, 500, 320, 50, 5.0, round(5 / 7, 9)),
        ("run-2", "nightly", "harm", one, 1, 1, 0, 100, 64, 10, None, round(1 / 6, 9)),
        ("run-2", "nightly", "harm", two, 2, 2, 0, 200, 128, 20, None, round(2 / 6, 9)),
        ("run-2", "nightly", "spam", two, 3, 3, 0, 300, 192, 30, None, round(3 / 6, 9)),
    ]


def test_latencies(path: str) -> None:
    assert rows(path, "FROM latencies() WHERE policy_id = 'spam'") == [("spam", None, 8, 15.0, 43.0, 49.3, 50.0)]
    assert rows(path, "SELECT bucket, judged, p50_ms FROM latencies(every := 'day') WHERE policy_id = 'spam'") == [
        (datetime(2026, 3, 2), 5, 30.0),
        (datetime(2026, 3, 3), 3, 10.0),
    ]


def test_versions_side_by_side(path: str) -> None:
    columns = (
        "policy_id, policy_version, judge, first_judged, last_judged, verdicts, flagged, rate, low, high, rejected"
    )
    assert rows(path, f"SELECT {columns} FROM policy_versions") == [
        ("harm", "1", "scripted", MONDAY, TUESDAY, 5, 2, *share(2, 5), 1),
        ("spam", "1", "scripted", MONDAY, MONDAY, 5, 2, *share(2, 5), 1),
        ("spam", "2", "scripted", TUESDAY, TUESDAY, 3, 1, *share(1, 3), 0),
    ]
    found = query(path, "FROM version_pairs('spam', 1, 2)").to_pylist()
    assert [(row["item_id"], row["flipped"], row["rule_ids_before"], row["rule_ids_after"]) for row in found] == [
        ("i0", True, ["R1"], []),
        ("i1", False, ["R1", "R2"], ["R3", "R1"]),
        ("i2", False, [], []),
    ]


def test_tracks(path: str) -> None:
    """Spam's first text has a rejection as its last case; its second came a day later."""
    columns = "audit_day, source, partition, policy_id, policy_version, judge, cases, verdicts, low, high, first_judged"
    monday, tuesday = MONDAY.date(), TUESDAY.date()
    assert rows(path, f"SELECT {columns} FROM tracks_by_day ORDER BY ALL") == [
        (monday, "events", "3", "harm", "1", "scripted", 1, 1, 0, 0, MONDAY),
        (monday, "items.parquet", "", "harm", "1", "scripted", 3, 2, 0, 2, MONDAY),
        (monday, "items.parquet", "", "spam", "1", "scripted", 6, 5, 0, 5, MONDAY),
        (tuesday, "events", "10", "harm", "1", "scripted", 1, 1, 0, 0, TUESDAY),
        (tuesday, "events", "3", "harm", "1", "scripted", 1, 1, 1, 1, TUESDAY),
        (tuesday, "items.parquet", "", "spam", "2", "scripted", 3, 3, 0, 2, TUESDAY),
    ]
    assert rows(path, "SELECT count(DISTINCT shard) FROM tracks_by_day") == [(3,)]


def test_a_track_has_the_first_moment_and_the_outermost_places(tmp_path: Path) -> None:
    later = [case(place, SPAM, no(), MONDAY + timedelta(hours=place)) for place in (4, 2, 7)]
    open_sink(str(tmp_path)).commit(later, {})
    found = rows(str(tmp_path), "SELECT low, high, first_judged FROM tracks_by_day")
    assert found == [(2, 7, MONDAY + timedelta(hours=2))]


def test_stream_ages(path: str) -> None:
    columns = "source, shard, cases, next_offset, last_judged, p50_delay_seconds, p99_delay_seconds, age_seconds > 0"
    assert rows(path, f"SELECT {columns} FROM stream_ages") == [
        ("events", "3", 2, 2, TUESDAY, 3600.0, 3600.0, True),
        ("events", "10", 1, 1, TUESDAY, 3600.0, 3600.0, True),
    ]
    written = datetime.fromtimestamp(DeltaTable(f"{path}/verdicts").history(1)[0]["timestamp"] / 1000, UTC)
    assert rows(path, "SELECT DISTINCT last_commit, commit_age_seconds >= 0 FROM stream_ages") == [(written, True)]


def test_only_live_outcomes_with_a_shadow_are_looked_at(tmp_path: Path) -> None:
    where, noon = str(tmp_path / "out"), MONDAY + timedelta(hours=3)
    shadow = SPAM2.model_copy(update={"mode": Mode.SHADOW})
    live = [case(n, SPAM, no()) for n in range(4)]
    open_sink(where).commit([*live, case(1, SPAM2, yes("R1"), noon), case(1, shadow, no()), case(2, shadow, no())], {})
    sql = "SELECT item_id, live_version, flipped FROM shadow_beside_live ORDER BY item_id"
    assert rows(where, sql) == [("i1", "2", True), ("i2", "1", False)]
    assert "Join Type: SEMI" in query(where, f"EXPLAIN {sql}")["explain_value"][0].as_py()
