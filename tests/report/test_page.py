"""The page shows the record's figures, says little where there is little, and does nothing that it is told."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest

from jobs import report_words as words
from jobs.load import load_config
from jobs.report import ReportOptions, render, report_job
from jobs.report_html import report_html
from jobs.report_record import Report
from jobs.report_summary import summary
from tests.report.hostile import LONG, SCRIPT, write_hostile
from tests.report.reading import PageReader
from tests.report.weeks import Weeks

HARMLESS = frozenset(
    (
        *("html", "head", "meta", "title", "style", "body", "header", "main", "footer", "nav", "section", "article"),
        *(
            "div",
            "p",
            "ul",
            "ol",
            "li",
            "dl",
            "dt",
            "dd",
            "a",
            "b",
            "i",
            "span",
            "small",
            "code",
            "h1",
            "h2",
            "h3",
            "h4",
        ),
        *("table", "caption", "thead", "tbody", "tr", "th", "td", "figure", "figcaption", "details", "summary"),
        *("label", "input", "blockquote", "bdi", "svg", "g", "path", "line", "rect", "text", "circle"),
    )
)


@pytest.fixture(scope="module")
def page(report: Report) -> PageReader:
    return PageReader(report_html(report))


def rate(value: float | None, low: float | None, high: float | None, n: int) -> str:
    """A rate as a cell of the page has it."""
    parts = (words.percent(value), words.between(low, high) if value is not None else "", words.few(n) if n else "")
    return " ".join(filter(None, parts))


def rows(page: PageReader, caption: str) -> list[list[str]]:
    """The table's rows without its heads."""
    return page.tables[caption][1:]


def column(found: Sequence[Sequence[str]], *numbers: int) -> list[tuple[str, ...]]:
    return [tuple(row[number] for number in numbers) for row in found]


def test_the_rates_are_those_of_the_record(page: PageReader, report: Report) -> None:
    found = rows(page, "Share of verdicts that flag a violation, with its interval; what moved for certain first")
    assert column(found, 1, 2, 3, 4, 5) == [
        (
            rate(it.rate, it.rate_low, it.rate_high, it.verdicts),
            rate(it.rate_before, it.rate_before_low, it.rate_before_high, it.verdicts_before),
            f"{words.points(it.change)} {words.points_between(it.change_low, it.change_high)}",
            f"{it.verdicts:,}",
            f"{it.flagged:,}",
        )
        for it in report.changes
    ]


def test_every_plot_has_its_figures_in_a_table(page: PageReader, report: Report) -> None:
    by_day = [
        (words.bucket(p.bucket, "day"), rate(p.rate, p.low, p.high, p.verdicts), f"{p.verdicts:,}", f"{p.flagged:,}")
        for policy in report.policies
        for p in policy.points
    ]
    assert [tuple(row) for row in page.tables["Rate by day"] if row[0] != "day"] == by_day
    by_score = [
        (words.decimals(b.bin_low, b.bin_high), f"{b.verdicts:,}", f"{b.flagged:,}")
        for policy in report.policies
        for b in policy.scores
    ]
    assert [tuple(row) for row in page.tables["Verdicts by score"] if row[0] != "score"] == by_score
    moved = rows(page, "Changes, ranked")
    assert column(moved, 2, 3) == [(words.chance(it.p_holm), "moved" * it.moved) for it in report.changes]
    days = rows(page, "Tokens by day")
    assert column(days, 1, 2, 3) == [
        (f"{d.prompt_tokens:,}", f"{d.cached_tokens:,}", f"{d.output_tokens:,}") for d in report.costs.days
    ]


def test_rules_actions_versions_and_mixes_are_those_of_the_record(page: PageReader, report: Report) -> None:
    rules = [row for row in page.tables["Rules, by how many violations cite them"] if row[0] != "rule"]
    assert column(rules, 0, 2) == [
        (f"{row.rule_id} {row.text}", rate(row.share, row.low, row.high, row.flagged))
        for policy in report.policies
        for row in policy.rules
    ]
    actions = [row for row in page.tables["What is to be done, of violations"] if row[0] != "severity"]
    assert [tuple(row) for row in actions] == [
        (str(row.severity), row.action, f"{row.verdicts:,}", rate(row.share, row.low, row.high, row.flagged))
        for policy in report.policies
        for row in policy.actions
    ]
    mixes = [row for row in page.tables["By lang"] if row[0] != "lang"]
    assert column(mixes, 0, 2, 6) == [
        (row.value, words.percent(row.share), words.points(row.brought))
        for policy in report.policies
        for mix in policy.mixes
        if mix.column == "lang"
        for row in mix.rows
    ]


def test_quality_and_cost_are_those_of_the_record(page: PageReader, report: Report) -> None:
    (label,) = report.quality.labels
    (found,) = rows(page, "Over all days; a rejection counts as the wrong answer")
    assert found[2:] == [
        f"{words.decimal(label.precision)} {words.decimals(label.precision_low, label.precision_high)}",
        f"{words.decimal(label.recall)} {words.decimals(label.recall_low, label.recall_high)}",
        f"{words.decimal(label.kappa)} {words.decimals(label.kappa_low, label.kappa_high)}",
        f"{label.fn:,}",
        f"{label.fp:,}",
    ]
    unsure = rows(page, "Verdicts of low confidence, or that the policy escalates")
    assert column(unsure, 1) == [(rate(u.share, u.low, u.high, u.verdicts),) for u in report.quality.unsure]
    rejected = rows(page, "Rejections by reason, each with an example")
    assert column(rejected, 1, 3) == [(f"{row.rejected:,}", f"{row.items:,}") for row in report.quality.rejections]
    assert all(
        row.detail and row.detail in text[4] for row, text in zip(report.quality.rejections, rejected, strict=True)
    )
    costs = rows(page, "By policy; shadow policies and rejections take their tokens too")
    assert report.costs.total is not None
    assert column(costs, 0, 6, 7) == [
        (row.policy_id or "all policies", words.hours(row.gpu_hours), words.money(row.cost))
        for row in (report.costs.total, *report.costs.policies)
    ]
    assert words.percent(report.quality.reuse.share) in page.text


def test_what_was_audited_is_that_of_the_record(page: PageReader, report: Report) -> None:
    sources = rows(page, "Sources, by items")
    assert [tuple(row) for row in sources] == [
        (words.source(row.source), f"{row.items:,}", f"{row.cases:,}", f"{row.rejected:,}")
        for row in report.audited.sources
    ]
    heads, *versions = page.tables["Policies, as they decided"]
    assert heads[-1] == "verdicts"
    assert [row[-1].split()[0] for row in versions] == [
        f"{version.verdicts:,}" for policy in report.policies for version in policy.versions
    ]
    runs = rows(page, "Runs, the latest first")
    assert column(runs, 2, 3, 4, 6, 7) == [
        (f"{run.cases:,}", f"{run.verdicts:,}", f"{run.rejected:,}", f"{run.in_table:,}", "yes")
        for run in report.audited.runs
    ]


def test_the_summary_says_what_moved_and_whether_all_is_there(report: Report) -> None:
    said = [each.text for each in summary(report)]
    assert said[0].startswith("2,400 items from 8 sources came under 3 policies, judged by gpt-oss-safeguard-20b:")
    assert said[1] == "What went in came out: every case of every run has its one outcome in the table."
    assert re.fullmatch(r"Violations under spam rose from .* %: \+.* percentage points \(\+.*\), more than .*", said[2])


def test_the_page_can_do_nothing(report: Report) -> None:
    html = report_html(report)
    page = PageReader(html)
    assert page.tags <= HARMLESS, page.tags - HARMLESS
    assert not [name for name, _ in page.attributes if name.startswith("on") or name in ("src", "style", "srcset")]
    assert all(value and value.startswith("#") for name, value in page.attributes if name == "href")
    assert "default-src 'none'; style-src 'sha256-" in html
    assert "://" not in re.sub(r'xmlns(:xlink)?="[^"]*"', "", html)


def test_hostile_content_stays_text_and_short(tmp_path: Path) -> None:
    report = report_job(write_hostile(tmp_path), ReportOptions(since=date(2026, 3, 3)))
    html = report_html(report)
    page = PageReader(html)
    assert page.tags <= HARMLESS, page.tags - HARMLESS
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert SCRIPT in page.text
    assert LONG[:2000] not in html
    assert "\u202e" not in html
    assert "\x1b" not in html
    assert "\\u202e" in html
    assert len(html) < 400_000
    assert {case.kind for policy in report.policies for case in policy.cases} == {"risk", "unsure", "differs"}
    markdown = render(report, "md")
    assert "\u202e" not in markdown
    assert LONG[:2000] not in markdown


def test_redacted_the_page_has_neither_content_nor_rationale(weeks: Weeks, report: Report) -> None:
    html = report_html(report_job(load_config(weeks.config), ReportOptions(redact=True)))
    for policy in report.policies:
        for case in policy.cases:
            assert case.content is not None
            assert case.content[:25] not in html
    assert "It says:" not in html
    assert "left out of this report" in html
    assert "<input" not in html


def test_few_verdicts_say_how_few(few: Weeks) -> None:
    report = report_job(load_config(few.config), ReportOptions())
    page = PageReader(report_html(report))
    assert "n = 6" in page.text
    assert "there are no verdicts in the period before" in page.text
    assert "There is nothing to compare with" in page.text


def test_days_without_verdicts_read_well(weeks: Weeks) -> None:
    options = ReportOptions(since=date(2027, 1, 1), until=date(2027, 1, 3))
    page = PageReader(report_html(report_job(load_config(weeks.config), options)))
    assert "No verdicts in this period. The table has outcomes of 26 October to 22 November 2026." in page.text
    assert page.text.count("No verdicts yet.") == 3
    assert "None" not in page.text
    assert "nan" not in page.text


def test_a_period_after_one_with_verdicts_reads_well(weeks: Weeks) -> None:
    options = ReportOptions(since=date(2026, 11, 23), until=date(2026, 11, 25))
    page = PageReader(report_html(report_job(load_config(weeks.config), options)))
    assert page.text.count("No verdicts in this period.") == 4
    assert "no policy has verdicts in both periods" in page.text


def test_markdown_is_short_and_always_the_same(weeks: Weeks, report: Report) -> None:
    again = report_job(load_config(weeks.config), ReportOptions())
    assert again.made_at != report.made_at
    markdown = render(report, "md")
    assert markdown == render(again, "md")
    assert len(markdown.splitlines()) < 45
    for it in report.changes:
        assert (
            f"| `{it.policy_id}` | {words.percent(it.rate)} ({words.between(it.rate_low, it.rate_high)}) |" in markdown
        )
    assert "It says:" not in markdown


def test_json_is_the_record(report: Report) -> None:
    assert Report.model_validate_json(render(report, "json")) == report


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *((0.0, "0 %"), (8.8e-9, "0.00000088 %"), (0.00012, "0.012 %"), (0.0012, "0.12 %"), (0.0312, "3.1 %")),
        *((0.5, "50 %"), (1.0, "100 %")),
    ],
)
def test_percentages_have_the_digits_that_count(value: float, text: str) -> None:
    assert words.percent(value) == text


@pytest.mark.parametrize(
    ("change", "text"),
    [
        *((0.018, "+1.80"), (-0.0123, "\u22121.23"), (0.00004, "+0.004"), (-0.0000123, "\u22120.0012"), (0.0, "0.00")),
        *((1e-17, "0.00"), (5e-8, "+0.000005"), (None, "-")),
    ],
)
def test_changes_have_the_digits_that_count(change: float | None, text: str) -> None:
    assert words.points(change) == text


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("s3://bucket/audit/dt=2026-03-02/part-0.parquet", "dt=2026-03-02/part-0.parquet"),
        ("file:///items.parquet", "file:/items.parquet"),
        ("events", "events"),
        ("/", "/"),
    ],
)
def test_a_source_is_called_by_the_last_two_parts_of_its_path(path: str, text: str) -> None:
    assert words.source(path) == text


@pytest.mark.parametrize(
    ("since", "until", "text"),
    [
        ("2026-11-09", "2026-11-15", "9 to 15 November 2026"),
        ("2026-11-15", "2026-11-15", "15 November 2026"),
        ("2026-10-30", "2026-11-05", "30 October to 5 November 2026"),
        ("2025-12-30", "2026-01-05", "30 December 2025 to 5 January 2026"),
    ],
)
def test_days_are_written_as_short_as_they_can_be(since: str, until: str, text: str) -> None:
    assert words.days(date.fromisoformat(since), date.fromisoformat(until)) == text
