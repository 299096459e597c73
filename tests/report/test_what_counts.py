"""What a report counts: each item once, as it stood at the end of a period; and few values where anybody may write."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

from assay.contracts import Shard
from assay.records import Reason, Rejection
from sinks.runs import RunLog, RunRecord, RunState
from tests.jobs.small_table import CHANGED, FILE, HARM, MONDAY, SPAM, SPAM2, TUESDAY, case, no, yes
from tests.report.test_queries import DAYS, NEXT_DAY, ask
from tests.sinks.outcomes import JUDGE
from tests.sinks.stand import open_sink


def rejudged(where: str) -> None:
    """On one day 20 items: all flagged, half of them then not under an edited text, the others not by another judge.

    Two judges of one name and revision have other settings, two of one revision and settings other names.
    """
    noon, evening = MONDAY + timedelta(hours=2), MONDAY + timedelta(hours=8)
    first = [case(n, SPAM, yes("R1", score=0.6)) for n in range(20)]
    edited = [case(n, SPAM2, no(), noon) for n in range(10)]
    renamed = replace(JUDGE, name="another")
    other = [replace(case(n, SPAM, no(0.4), evening), judge=renamed) for n in range(10, 20)]
    cut = [case(n, HARM, Rejection(Reason.LENGTH, "cut off")) for n in range(4)]
    retried = [case(n, HARM, no(), noon, shard=CHANGED) for n in range(4)]
    open_sink(where).commit([*first, *edited, *other, *cut, *retried], {})


def test_an_item_that_was_judged_twice_in_a_period_counts_once_everywhere(tmp_path: Path) -> None:
    where = str(tmp_path / "out")
    rejudged(where)
    monday = {**DAYS, "until": date(2026, 3, 2)}
    assert ask(where, "totals", "cases verdicts flagged rejected", **monday) == [(24, 24, 0, 0)]
    assert ask(where, "sources", "items cases rejected", **monday) == [(20, 24, 0)]
    assert ask(where, "changes", "policy_id verdicts flagged", **monday) == [("harm", 4, 0), ("spam", 20, 0)]
    assert ask(where, "series", "policy_id verdicts flagged", **monday) == [("harm", 4, 0), ("spam", 20, 0)]
    assert sum(row[0] for row in ask(where, "scores", "verdicts", **monday)) == 24
    assert ask(where, "unsure", "policy_id verdicts", **monday) == [("harm", 4), ("spam", 20)]
    assert sum(row[0] for row in ask(where, "judges", "cases", **monday)) == 24
    for empty in ("rules", "actions", "rejections"):
        assert ask(where, empty, "share", **monday) == []
    columns = "policy_id policy_version verdicts flagged rejected"
    assert ask(where, "policies", columns, **monday) == [
        ("harm", "1", 4, 0, 0),
        ("spam", "1", 20, 10, 0),
        ("spam", "2", 10, 0, 0),
    ]
    before = {**NEXT_DAY, "carried_key": "lang"}
    open_sink(where).commit([case(n, SPAM, no(), TUESDAY) for n in range(30, 40)], {})
    assert ask(where, "mix", "policy_id verdicts_before verdicts", **before) == [("spam", 20, 10)]


def test_cases_of_two_judges_of_one_revision_are_told_apart(tmp_path: Path) -> None:
    where = str(tmp_path / "out")
    rejudged(where)
    found = ask(where, "cases", "kind rank copies policy_version judge violation", **DAYS)
    assert found == [("unsure", 1, 10, "1", "another", False)]


def test_items_of_a_file_that_was_cut_anew_count_once(tmp_path: Path) -> None:
    where = str(tmp_path / "out")
    cut = Rejection(Reason.LENGTH, "cut off")
    again = [case(n, SPAM, cut, TUESDAY, shard=CHANGED) for n in range(3)]
    open_sink(where).commit(
        [*(case(n, SPAM, cut) for n in range(3)), *(case(n, HARM, cut) for n in range(3)), *again], {}
    )
    assert ask(where, "sources", "items cases rejected", **DAYS) == [(3, 6, 6)]
    assert ask(where, "rejections", "rejected items policies", **DAYS) == [(6, 3, 2)]


def test_what_a_killed_or_failed_run_left_open_a_later_one_makes_up(tmp_path: Path) -> None:
    where = str(tmp_path / "out")
    open_sink(where).commit([case(n, SPAM, no(), run="again" if n else "killed") for n in range(3)], {})
    log, later = RunLog(where), MONDAY + timedelta(hours=3)
    killed = RunRecord("killed", "nightly", RunState.RUNNING, MONDAY)
    done = RunRecord("again", "nightly", RunState.DONE, later, later, cases=3, verdicts=2, skipped=1)
    for run in (
        killed,
        replace(killed, run_id="failed", state=RunState.FAILED, ended_at=MONDAY),
        replace(killed, run_id="elsewhere", job="other"),
        done,
        replace(killed, run_id="after", started_at=later + timedelta(hours=1)),
    ):
        log.write(run)
    found = dict(ask(where, "runs", "run_id made_up", **DAYS))
    assert found == {"killed": True, "failed": True, "elsewhere": False, "again": False, "after": False}


def test_going_back_to_an_earlier_text_is_an_event_and_going_on_with_one_is_none(tmp_path: Path) -> None:
    where, days = str(tmp_path / "out"), [MONDAY + timedelta(days=n) for n in (0, 1, 2, 4, 5)]
    texts = (SPAM, SPAM2, SPAM, SPAM, SPAM)
    open_sink(where).commit(
        [case(n, text, no(), day) for n, (text, day) in enumerate(zip(texts, days, strict=True))], {}
    )
    values = {**NEXT_DAY, "until": date(2026, 3, 9)}
    assert ask(where, "events", "kind what moment", **values) == [("policy", "2", days[1]), ("policy", "1", days[2])]


def test_a_week_that_the_period_begins_in_is_parted(tmp_path: Path) -> None:
    where, wednesday = str(tmp_path / "out"), MONDAY + timedelta(days=2)
    texts = [case(0, SPAM, no()), case(1, SPAM, yes("R1"), TUESDAY), case(2, SPAM2, yes("R1"), wednesday)]
    open_sink(where).commit(texts, {})
    values = {"since": date(2026, 3, 4), "until": date(2026, 3, 10), "since_before": date(2026, 2, 25),
              "until_before": date(2026, 3, 3), "every": "week"}  # fmt: skip
    assert ask(where, "series", "bucket is_now verdicts flagged", **values) == [
        (datetime(2026, 3, 2), False, 2, 1),
        (datetime(2026, 3, 4), True, 1, 1),
    ]
    assert ask(where, "events", "what bucket", **values) == [("2", datetime(2026, 3, 4))]


def test_of_thousands_of_values_the_most_frequent_have_a_row(tmp_path: Path) -> None:
    where = str(tmp_path / "out")
    values = [f"v{n:05}" for n in range(10_000)]
    before = [
        case(n, SPAM, yes("R1") if n % 3 else no(), MONDAY, lang="en" if n % 2 else values[n]) for n in range(10_000)
    ]
    after = [case(10_000 + n, SPAM, no(), TUESDAY, lang="en" if n % 2 else values[n]) for n in range(10_000)]
    open_sink(where).commit([*before, *after], {})
    columns = "value verdicts_before verdicts rate_before rate brought_by_mix"
    found = ask(where, "mix", columns, **NEXT_DAY, carried_key="lang")
    assert len(found) == 51
    assert (found[0][:3], found[1][:3]) == (("en", 5000, 5000), ("v00000", 1, 1))
    assert found[-1][:3] == (None, 5000 - 49, 5000 - 49)
    assert sum(row[1] for row in found) == sum(row[2] for row in found) == 10_000
    assert {row[5] for row in found} == {0.0}


def test_sources_explain_a_change_only_where_both_periods_have_them(tmp_path: Path) -> None:
    where, values = str(tmp_path / "out"), {**NEXT_DAY, "carried_key": None}
    days, ads, news = (Shard(f"{name}.parquet", "0-100:aaaa", 100) for name in ("today", "ads", "news"))
    monday = [case(n, SPAM, yes("R1"), shard=ads if n < 2 else news) for n in range(10)]
    tuesday = [case(100 + n, SPAM, yes("R1"), TUESDAY, shard=ads if n < 8 else news) for n in range(10)]
    daily = [case(n, HARM, no(), shard=FILE) for n in range(5)] + [
        case(n, HARM, no(), TUESDAY, shard=days) for n in range(5)
    ]
    open_sink(where).commit([*monday, *tuesday, *daily], {})
    assert ask(where, "mix", "policy_id value verdicts_before verdicts", **values) == [
        ("spam", "ads.parquet", 2, 8),
        ("spam", "news.parquet", 8, 2),
    ]


def test_files_that_come_each_hour_are_no_explanation_however_many_they_are(tmp_path: Path) -> None:
    where = str(tmp_path / "out")
    files = [Shard(f"hour-{n:03}.parquet", "0-100:aaaa", 100) for n in range(140)]
    hours = [case(n, SPAM, no(), TUESDAY if n % 2 else MONDAY, shard=file) for n, file in enumerate(files)]
    open_sink(where).commit(hours, {})
    assert ask(where, "mix", "value", **NEXT_DAY, carried_key=None) == []
