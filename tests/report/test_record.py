"""A report's record says what plain SQL over the same table says, and no more than it was asked for."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from scipy.stats import fisher_exact
from statsmodels.stats.multitest import multipletests

from assay.errors import InputError
from assay.intervals import wilson
from jobs.load import load_config
from jobs.report import ReportOptions, report_job
from jobs.report_cases import CONTENT_CHARS
from jobs.report_html import report_html
from jobs.report_markdown import report_markdown
from jobs.report_period import period_of
from jobs.report_record import Report
from jobs.report_rows import UnmatchedLabels
from jobs.sql import query
from tests.jobs.small_table import SPAM, case, yes
from tests.report.reading import PageReader
from tests.report.weeks import Weeks
from tests.sinks.stand import open_sink

WEEK = "audit_day BETWEEN '2026-11-16' AND '2026-11-22'"
BEFORE = "audit_day BETWEEN '2026-11-09' AND '2026-11-15'"


def counts(weeks: Weeks, sql: str) -> list[tuple[object, ...]]:
    return [tuple(row.values()) for row in query(weeks.sink, sql).to_pylist()]


def made(weeks: Weeks, options: ReportOptions | None = None) -> Report:
    return report_job(load_config(weeks.config), options or ReportOptions())


def test_the_period_is_the_last_week_beside_the_one_before(report: Report) -> None:
    it = report.period
    assert (it.since, it.until) == (date(2026, 11, 16), date(2026, 11, 22))
    assert (it.since_before, it.until_before, it.every) == (date(2026, 11, 9), date(2026, 11, 15), "day")


def test_the_totals_are_those_of_the_table(weeks: Weeks, report: Report) -> None:
    (expected,) = counts(
        weeks,
        f"SELECT count(*), count(*) FILTER (status = 'verdict'), count(*) FILTER (violation), "
        f"count(*) FILTER (status = 'rejected') FROM outcomes WHERE {WEEK}",
    )
    totals = report.audited.totals
    assert (totals.cases, totals.verdicts, totals.flagged, totals.rejected) == expected
    ((items,),) = counts(weeks, f"SELECT count(DISTINCT (source, position)) FROM outcomes WHERE {WEEK}")
    assert report.audited.items == items
    assert sum(row.cases for row in report.audited.sources) == totals.cases
    assert sum(row.rejected for row in report.quality.rejections) == totals.rejected
    assert not report.audited.unbalanced
    assert not report.audited.open_runs


def test_rates_and_what_moved_are_those_of_the_table(weeks: Weeks, report: Report) -> None:
    sql = (
        f"SELECT policy_id, count(*) FILTER ({WEEK}), count(*) FILTER (violation AND {WEEK}), "
        f"count(*) FILTER ({BEFORE}), count(*) FILTER (violation AND {BEFORE}) FROM verdicts GROUP BY ALL"
    )
    counted = {str(row[0]): tuple(map(int, row[1:])) for row in counts(weeks, sql)}  # type: ignore[call-overload]
    assert len(counted) == len(report.changes) == len(report.policies)
    p_values = [
        fisher_exact([[flagged, n - flagged], [flagged_before, n_before - flagged_before]]).pvalue
        for n, flagged, n_before, flagged_before in counted.values()
    ]
    corrected = dict(zip(counted, multipletests(p_values, method="holm")[1], strict=True))
    for change in report.changes:
        n, flagged, n_before, flagged_before = counted[change.policy_id]
        assert (change.verdicts, change.flagged) == (n, flagged)
        assert change.rate == flagged / n
        assert (change.rate_low, change.rate_high) == pytest.approx(wilson(flagged, n))
        assert change.change == pytest.approx(flagged / n - flagged_before / n_before)
        assert change.p_holm == pytest.approx(corrected[change.policy_id], rel=1e-5)
        assert change.moved == (corrected[change.policy_id] < 0.05)
    assert [change.policy_id for change in report.changes if change.moved] == ["spam"]


def test_the_parts_of_a_policy_add_up_to_its_rate(report: Report) -> None:
    for policy in report.policies:
        rate, period = policy.rate, report.period
        now = [point for point in policy.points if point.bucket.date() >= period.since]
        assert len(policy.points) == 2 * len(now) == 2 * period.days
        assert sum(point.verdicts for point in now) == rate.verdicts
        assert sum(point.flagged for point in now) == rate.flagged
        assert sum(row.verdicts for row in policy.actions) == rate.flagged
        assert sum(row.flagged for row in policy.versions) == rate.flagged
        assert sum(row.verdicts for row in policy.scores) == rate.verdicts
        assert all(row.text for row in policy.rules)
        for mix in policy.mixes:
            assert mix.brought == pytest.approx(sum(row.brought for row in mix.rows))


def test_what_could_explain_a_change_is_named(report: Report) -> None:
    events = [(event.policy_id, event.kind, event.what) for policy in report.policies for event in policy.events]
    assert events == [("spam", "policy", "1.2")]
    mixes = {(mix.policy_id, mix.column): mix.brought for policy in report.policies for mix in policy.mixes}
    assert max(mixes, key=lambda name: mixes[name]) == ("harassment", "lang")


def test_costs_are_those_of_the_runs(weeks: Weeks, report: Report) -> None:
    ((hours, cost, saved),) = counts(
        weeks, f"SELECT sum(gpu_seconds) / 3600, sum(cost), sum(saved_cost) FROM runs WHERE run_id IN "
        f"(SELECT run_id FROM outcomes WHERE {WEEK})"
    )  # fmt: skip
    total = report.costs.total
    assert total is not None
    assert (total.gpu_hours, total.cost, total.saved_cost) == pytest.approx((hours, cost, saved))
    assert sum(row.prompt_tokens for row in report.costs.days) == total.prompt_tokens
    assert sum(row.cost or 0 for row in report.costs.policies) == pytest.approx(total.cost)


def test_cases_are_there_with_content_and_rules_and_the_earlier_verdict(report: Report) -> None:
    found = [each for policy in report.policies for each in policy.cases]
    assert {each.kind for each in found} == {"risk", "unsure", "differs"}
    for each in found:
        text = pq.read_table(each.source.removeprefix("file://"))["text"][each.position].as_py()
        assert each.content == text[:CONTENT_CHARS]
        assert [rule.rule_id for rule in each.rules] == list(each.rule_ids)
        assert all(rule.text for rule in each.rules)
        assert (each.before_violation is not None) == (each.kind == "differs")


def test_labels_are_those_of_the_config(report: Report) -> None:
    (row,) = report.quality.labels
    assert (row.policy_id, row.labelled) == ("spam", row.tp + row.fp + row.fn + row.tn)
    (rates,) = report.quality.true_rates
    assert rates.labelled_share.n == row.labelled
    assert report.quality.unmatched_labels == UnmatchedLabels(labels=0, other_content=0)


def test_labels_that_count_for_nothing_are_counted(few: Weeks) -> None:
    labels = few.config.parent / "labels.csv"
    labels.write_text(labels.read_text() + "nobody,spam,allowed,ana\nnobody,spma,allowed,ana\n")
    config = load_config(few.config)
    found = report_job(config, ReportOptions())
    assert found.quality.unmatched_labels == UnmatchedLabels(labels=2, other_content=0)
    assert "2 labels count for nothing" in PageReader(report_html(found)).text
    assert "2 labels count for nothing" in report_markdown(found)
    held = report_job(config, ReportOptions(policies=("spam",)))
    assert held.quality.unmatched_labels.labels == 1


def test_redacted_nothing_of_the_source_is_in_it(weeks: Weeks, report: Report) -> None:
    redacted = made(weeks, ReportOptions(redact=True))
    text = redacted.json()
    for each in (each for policy in report.policies for each in policy.cases):
        assert each.content is not None
        assert each.rationale is not None
        assert each.content[:25] not in text
        assert each.rationale not in text
    assert all(row.detail is None for row in redacted.quality.rejections)
    assert redacted.audited == report.audited
    assert redacted.changes == report.changes
    mixes = [mix for policy in redacted.policies for mix in policy.mixes]
    assert mixes
    assert all(mix.rows == () for mix in mixes)


def test_content_is_shown_only_if_it_is_what_was_judged(few: Weeks) -> None:
    (folder,) = {Path(few.config).parent / "data"}
    for path in folder.iterdir():
        rows = pq.read_table(path)
        pq.write_table(rows.set_column(1, "text", [["something else"] * rows.num_rows]), path)
    cases = [case for policy in made(few).policies for case in policy.cases]
    assert cases == [] or all(case.content is None and "no longer" in case.why_no_content for case in cases)
    next(folder.iterdir()).unlink()
    assert all(case.content is None for policy in made(few).policies for case in policy.cases)


def test_only_files_of_the_config_are_read(few: Weeks, tmp_path: Path) -> None:
    config = load_config(few.config)
    elsewhere = config.source.model_copy(update={"path": (str(tmp_path / "other" / "*.parquet"),)})
    found = report_job(config.model_copy(update={"source": elsewhere}), ReportOptions())
    assert all(case.content is None for policy in found.policies for case in policy.cases)


def test_it_can_be_held_to_a_policy(weeks: Weeks, report: Report) -> None:
    held = made(weeks, ReportOptions(policies=("harassment",)))
    (policy,) = held.policies
    (same,) = (each for each in report.policies if each.policy_id == "harassment")
    assert policy == same
    assert held.audited.totals.cases == policy.rate.verdicts + sum(each.rejected for each in policy.versions)
    assert {row.policy_id for row in held.costs.policies} == {"harassment"}


def test_a_policy_that_decided_nothing_is_refused(weeks: Weeks) -> None:
    with pytest.raises(InputError, match="--policy nobody"):
        made(weeks, ReportOptions(policies=("nobody",)))


def test_days_without_verdicts_are_an_empty_report(weeks: Weeks) -> None:
    found = made(weeks, ReportOptions(since=date(2027, 1, 1), until=date(2027, 1, 3)))
    assert found.audited.totals.cases == 0
    assert found.policies == ()
    assert found.costs.total is None


def test_without_comparison_nothing_is_said_of_before(weeks: Weeks) -> None:
    found = made(weeks, ReportOptions(compare=False))
    assert found.period.since_before is None
    assert all(change.change is None and not change.moved for change in found.changes)
    assert all(len(policy.points) == 7 and not policy.mixes for policy in found.policies)


def test_a_policy_whose_text_is_not_on_record_has_rules_without_words(tmp_path: Path) -> None:
    where = str(tmp_path / "out")
    open_sink(where).commit([case(0, SPAM, yes("R1"))], {})
    config = load_config(Path("configs/demo.yaml"))
    sink = config.sink.model_copy(update={"path": where})
    found = report_job(config.model_copy(update={"sink": sink}), ReportOptions())
    (policy,) = found.policies
    assert (policy.title, policy.rules[0].text, policy.cases[0].rules[0].text) == ("", "", "")


def test_without_a_table_it_says_what_to_do(tmp_path: Path, few: Weeks) -> None:
    config = load_config(few.config)
    with pytest.raises(InputError, match="nothing audited yet"):
        report_job(config.model_copy(update={"sink": config.sink.model_copy(update={"path": str(tmp_path / "no")})}),
                   ReportOptions())  # fmt: skip


@pytest.mark.parametrize(
    ("first", "last", "since", "until", "expected"),
    [
        ("2026-01-01", "2026-03-08", "", "", "2026-03-02 2026-03-08 2026-02-23 2026-03-01 day"),
        ("2026-03-07", "2026-03-08", "", "", "2026-03-07 2026-03-08 2026-03-05 2026-03-06 day"),
        ("2026-03-08", "2026-03-08", "", "", "2026-03-08 2026-03-08 2026-03-07 2026-03-07 hour"),
        ("2026-01-01", "2026-03-08", "2026-03-01", "", "2026-03-01 2026-03-08 2026-02-21 2026-02-28 day"),
        ("2026-01-01", "2026-03-08", "", "2026-02-01", "2026-01-26 2026-02-01 2026-01-19 2026-01-25 day"),
        ("2025-01-01", "2026-03-08", "2025-07-01", "", "2025-07-01 2026-03-08 2024-10-23 2025-06-30 week"),
    ],
)
def test_which_days_a_report_is_about(first: str, last: str, since: str, until: str, expected: str) -> None:
    def day(text: str) -> date | None:
        return date.fromisoformat(text) if text else None

    it = period_of(day(first), day(last), day(since), day(until), compare=True)
    assert " ".join(map(str, (it.since, it.until, it.since_before, it.until_before, it.every))) == expected


def test_a_period_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(InputError, match="swap them"):
        period_of(None, None, date(2026, 3, 2), date(2026, 3, 1), compare=True)


def test_the_record_can_be_read_back(report: Report) -> None:
    assert Report.model_validate_json(report.json()) == report
