"""Tables that somebody else wrote to: what is in them is refused, left out or shown as text, never taken on trust."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from assay.errors import FatalError
from jobs.load import load_config
from jobs.report import ReportOptions, render, report_job
from jobs.report_html import report_html
from jobs.report_period import period_of
from jobs.report_record import Report
from jobs.sql import query
from sinks.policies import PolicyLog
from sinks.runs import RunLog, RunRecord, RunState
from tests.jobs.small_table import MONDAY, TUESDAY, case, no, policy, yes
from tests.report.weeks import DAYS, FIRST, Weeks
from tests.sinks.stand import open_sink

TERMINAL = "\x1b[2J\u202e"


def change(sink: str, table: str, how: Callable[[dict[str, object]], dict[str, object]]) -> None:
    """Rewrite each row of one table."""
    rows = DeltaTable(f"{sink}/{table}").to_pyarrow_table()
    changed = pa.Table.from_pylist([how(row) for row in rows.to_pylist()], schema=rows.schema)
    write_deltalake(f"{sink}/{table}", changed, mode="overwrite")


@pytest.mark.parametrize("form", ["html", "json", "md"])
def test_redacted_what_a_run_failed_of_is_left_out(few: Weeks, form: str) -> None:
    day = FIRST + timedelta(days=DAYS - 1)
    RunLog(few.sink).write(
        RunRecord("run-99", "nightly", RunState.FAILED, day, day, message="InputError: 'secret words'")
    )
    made = {redact: report_job(load_config(few.config), ReportOptions(redact=redact)) for redact in (False, True)}
    assert any("secret words" in run.message for run in made[False].audited.runs)
    assert "secret words" not in render(made[True], form)


@pytest.mark.parametrize("form", ["html", "json", "md"])
def test_the_name_of_a_policy_can_not_act_on_a_terminal(few: Weeks, form: str) -> None:
    change(few.sink, "verdicts", lambda row: {**row, "policy_id": f"{TERMINAL}{row['policy_id']}{'x' * 10_000}"})
    text = render(report_job(load_config(few.config), ReportOptions()), form)
    assert not {"\x1b", "\u202e"} & set(text)


@pytest.mark.parametrize(
    ("column", "value"), [("score", math.nan), ("judge", None), ("severity", None), ("judge_revision", None)]
)
def test_what_no_sink_writes_is_an_error_that_names_it(few: Weeks, column: str, value: object) -> None:
    change(few.sink, "verdicts", lambda row: {**row, "status": "verdict", "violation": True, column: value})
    with pytest.raises(FatalError, match=f"{column} is (nan|None), which assay never writes"):
        report_job(load_config(few.config), ReportOptions())


def test_a_score_that_is_no_probability_is_in_no_bin(tmp_path: Path) -> None:
    scores = [math.nan, math.inf, -5.0, 1.5, 0.0, 1.0]
    spam = policy("spam", 1)
    open_sink(str(tmp_path)).commit([case(n, spam, no(0.5)) for n in range(len(scores))], {})
    change(str(tmp_path), "verdicts", lambda row: {**row, "score": scores[int(str(row["position"]))]})
    bins = query(str(tmp_path), "SELECT bin_low, bin_high, verdicts FROM score_bins()").to_pylist()
    assert [tuple(row.values()) for row in bins] == [(0.0, 0.05, 1), (0.95, 1.0, 1)]


def test_words_are_those_of_the_text_that_judged(few: Weeks) -> None:
    def forge(row: dict[str, object]) -> dict[str, object]:
        return {**row, "text": str(row["text"]).replace("title: ", "title: Forged ")}

    change(few.sink, "policies", forge)
    report = report_job(load_config(few.config), ReportOptions())
    assert [each.title for each in report.policies] == ["", "", ""]
    assert all(not rule.text for each in report.policies for rule in each.rules)


@pytest.mark.parametrize(("since", "until"), [(date.min, date(2026, 3, 2)), (None, date.min), (date(2, 1, 1), None)])
def test_days_at_the_calendars_beginning_have_few_before_them(since: date | None, until: date | None) -> None:
    found = period_of(date.min, date(2026, 3, 2), since, until, compare=True)
    assert found.since_before == (None if found.since == date.min else date.min)


def test_a_version_is_named_as_it_is(few: Weeks) -> None:
    first, second = (
        one.model_copy(update={"version": f"2026/{n}.1"})
        for n, one in enumerate((policy("spam", 1), policy("spam", 2)))
    )
    open_sink(few.sink).commit([case(0, first, no(), MONDAY), case(1, second, yes("R1"), TUESDAY)], {})
    PolicyLog(few.sink).write([first, second], MONDAY)
    report = report_job(load_config(few.config), ReportOptions(since=TUESDAY.date(), until=TUESDAY.date()))
    html = report_html(report)
    assert events(report) == ["2026/1.1"]
    assert "version 2026/1.1 from" in html
    assert "Version 2026/1.1 decided" in html


def events(report: Report) -> list[str]:
    return [event.what for each in report.policies for event in each.events if event.kind == "policy"]
