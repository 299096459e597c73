"""The page says no more than is known, and what others wrote can't bend what it says."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace

import pytest

from jobs import report_words as words
from jobs.load import load_config
from jobs.report import ReportOptions, render, report_job
from jobs.report_html import report_html
from jobs.report_record import Report
from jobs.report_rows import RunRow
from jobs.report_summary import summary
from tests.report.reading import PageReader
from tests.report.weeks import Weeks


def test_json_can_not_act_on_a_terminal(report: Report) -> None:
    said = "\u009b31m \u202e \x7f \x1b[2J"
    lying = report.model_copy(update={"job": said})
    text = render(lying, "json")
    assert text.isascii()
    assert text.replace("\n", "").isprintable()
    assert Report.model_validate_json(text) == lying


def test_a_page_after_a_kill_and_a_rerun_says_that_all_is_there(report: Report) -> None:
    done = report.audited.runs[0]
    killed = done.model_copy(update={"run_id": "killed", "state": "running", "balances": None, "made_up": True})
    failed = killed.model_copy(update={"run_id": "failed", "state": "failed", "balances": False})
    text = PageReader(report_html(with_runs(report, done, killed, failed))).text
    assert "1 run balances." in text
    assert text.count("ended by a later run") == 2
    assert "failed or lost" not in text
    assert "not come to an end" not in text
    assert "What went in came out: every case" in text


@pytest.mark.parametrize(("state", "balances"), [("running", None), ("failed", False), ("done", False)])
def test_what_no_run_made_up_is_not_called_whole(report: Report, state: str, balances: bool | None) -> None:
    left = report.audited.runs[0].model_copy(update={"state": state, "balances": balances, "made_up": state == "done"})
    quality = report.quality.model_copy(update={"rejections": ()})
    text = PageReader(report_html(with_runs(report, left).model_copy(update={"quality": quality}))).text
    assert "every case of these days has a verdict" not in text
    assert "above left open is not known here" in text
    assert ("some items may not be judged yet" in text) == (state == "running")
    assert ("failed or lost something" in text) == (state != "running")


def with_runs(report: Report, *runs: RunRow) -> Report:
    return report.model_copy(update={"audited": report.audited.model_copy(update={"runs": runs})})


def test_what_others_wrote_is_veiled_without_a_script(report: Report) -> None:
    html = report_html(report)
    boxes = re.findall(r'<div class="veiled">\s*<input type="checkbox" id="(\w[\w-]*)"><label for="([\w-]+)">', html)
    assert len(boxes) == sum(len(policy.cases) for policy in report.policies) + len(report.quality.rejections)
    assert all(id == named for id, named in boxes)
    assert len({id for id, _ in boxes}) == len(boxes)
    assert ":has(" not in html
    assert html.count(".veiled input:not(:checked) ~ .text {") == 2
    row = report.quality.rejections[0]
    assert re.search(rf'<div class="text">\s*<p class="said" dir="auto">{re.escape(row.detail or "")}</p>', html)


def test_values_from_right_to_left_do_not_turn_a_change_round(report: Report) -> None:
    html = report_html(with_values(report, "\u0639\u0631\u0628\u064a"))
    assert re.search(r"<bdi>\u0639\u0631\u0628\u064a</bdi> [\d.]+ % \u2192 [\d.]+ %", html)
    assert re.search(r"is <bdi>\u0639\u0631\u0628\u064a</bdi> the rate moved by itself: ", html)
    assert "unicode-bidi: isolate" in html


def with_values(report: Report, value: str | None) -> Report:
    """With this value, which moved, in each mix."""
    policies = []
    for policy in report.policies:
        mixes = tuple(
            mix.model_copy(
                update={"rows": tuple(row.model_copy(update={"value": value, "moved": True}) for row in mix.rows)}
            )
            for mix in policy.mixes
        )
        policies.append(policy.model_copy(update={"mixes": mixes}))
    return report.model_copy(update={"policies": tuple(policies)})


def test_rare_values_are_told_together_and_sources_by_their_paths(report: Report) -> None:
    assert "(all others)" in PageReader(report_html(with_values(report, None))).text
    policies = [
        policy.model_copy(update={"mixes": tuple(mix.model_copy(update={"column": None}) for mix in policy.mixes)})
        for policy in with_values(report, "s3://b/dt=1/part-0.parquet").policies
    ]
    page = PageReader(report_html(report.model_copy(update={"policies": tuple(policies)})))
    assert "The mix of sources brought" in page.text
    assert "dt=1/part-0.parquet" in {row[0] for row in page.tables["By source"]}
    assert "s3:" not in page.text


def test_an_estimate_that_labels_can_not_correct_is_not_given_twice(report: Report) -> None:
    (row,) = report.quality.true_rates
    caption = "How much really violates, over all days: three estimates"

    def cells(**update: object) -> list[str]:
        quality = report.quality.model_copy(update={"true_rates": (row.model_copy(update=update),)})
        page = PageReader(report_html(report.model_copy(update={"quality": quality})))
        return page.tables[caption][1]

    plain = cells(as_people_find=True, weighted=False)
    assert "if these labels were drawn at random" in plain[2]
    assert plain[3] == "- too few misses to correct by: as people find"
    other = cells(as_people_find=False, weighted=True, left_out=3)
    assert other[2].endswith("weighted")
    assert other[3].startswith(words.percent(row.prediction_powered.value))
    assert other[4].endswith("3 without a weight left out")


def test_a_rate_that_labels_contradict_is_said_at_the_top(report: Report) -> None:
    (row,) = report.quality.true_rates

    def said(flags: tuple[float, float, float]) -> str:
        low, value, high = flags
        share = replace(row.flagged_share, value=value, low=low, high=high)
        quality = report.quality.model_copy(update={"true_rates": (row.model_copy(update={"flagged_share": share}),)})
        return " ".join(each.text for each in summary(report.model_copy(update={"quality": quality})))

    finds = row.labelled_share
    assert finds.low is not None
    assert finds.high is not None
    assert f"Over all days the judge flags 99.5 % under {row.policy_id}" in said(((finds.high + 1) / 2, 0.995, 1.0))
    assert "the judge flags" not in said((finds.low, finds.low, 1.0))


def test_held_to_a_policy_it_says_what_is_of_all(weeks: Weeks, report: Report) -> None:
    held = report_job(load_config(weeks.config), ReportOptions(policies=("spam",)))
    assert PageReader(report_html(held)).text.count("Of all policies:") == 2
    assert "Of all policies:" not in PageReader(report_html(report)).text


def test_a_chat_needs_no_plots() -> None:
    code = "import sys, jobs.report_markdown; print('altair' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
