"""What a run says of itself."""

from __future__ import annotations

import pytest

from actors.board import Status
from assay.contracts import Tally
from jobs.progress import Reporter
from jobs.summary import Summary, Work, lines, summarise
from sinks.counts import RunCount


def summary(cached: int, cacheable: int) -> Summary:
    tally = Tally(judged=8, prompt_tokens=1000, cached_tokens=cached, cacheable_tokens=cacheable)
    return summarise("run", "done", 5, 10, 1, RunCount(6, 2, {"length": 1}), Work(tally, 2.0))


def test_the_counts_add_up() -> None:
    result = summary(0, 0)
    assert result.cases == result.verdicts + result.rejected + result.skipped + result.left
    assert (result.skipped, result.left, result.rejected) == (2, 1, 1)
    assert "1 (1 length)" in lines(result, "job.yaml")


def test_a_cache_that_serves_less_than_half_is_warned_of() -> None:
    assert "49%" in summary(49, 100).warnings[0]
    assert summary(50, 100).warnings == []
    assert summary(0, 0).warnings == [], "nothing could be cached"


def test_progress_elsewhere_than_on_a_terminal_is_a_line_a_minute(capsys: pytest.CaptureFixture[str]) -> None:
    reporter = Reporter(None)
    tally = Tally(verdicts=40, flagged=3, rejected={"length": 2}, cached_tokens=9, cacheable_tokens=10)
    reporter.show(Status(tally, {}, {}, finished=False), 100)
    assert capsys.readouterr().err == ""
    reporter._shown -= 61
    reporter.show(Status(tally, {}, {}, finished=False), 100)
    reporter.show(Status(tally, {}, {}, finished=False), 100)
    (line,) = capsys.readouterr().err.splitlines()
    for fact in ("42 of 100 cases", "3 flagged", "2 rejected", "tokens/s", "90% of prefixes cached", "left"):
        assert fact in line


def test_more_is_cached_than_the_policies_where_contents_begin_alike(capsys: pytest.CaptureFixture[str]) -> None:
    reporter = Reporter(None)
    reporter._shown -= 61
    tally = Tally(verdicts=2, cached_tokens=11, cacheable_tokens=10)
    reporter.show(Status(tally, {}, {}, finished=False), 4)
    assert "100% of prefixes cached" in capsys.readouterr().err
