"""What `assay watch` says of a table: its figures, and that it reads no more than it has to."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from rich.console import Console

from assay.config import DeltaConfig
from assay.errors import FatalError
from assay.intervals import wilson
from assay.records import Reason, Rejection
from jobs.sql import opened, query, stored
from jobs.sql_table import Rows
from jobs.sql_views import named_in
from jobs.watch_loop import READING_SHARE, Watch, pause_after
from jobs.watch_reading import read_now
from jobs.watch_record import RunFigures, Watched
from jobs.watch_shown import as_drawn, as_text
from jobs.watch_view import SHOWN, Fact, Heading, Note, Part, age, view
from sinks.runs import RunLog, RunState
from sinks.upkeep import optimize
from tests.jobs.small_table import SPAM, case, yes
from tests.report.under_way import BEGAN, NOW, OUTCOMES, RUN, ago, job, streamed, write_under_way
from tests.sinks.stand import open_sink

TEXTS = ("rationale", "reasoning", "raw", "detail", "carried")
QUERIES = ("run", "figures", "rejections", "partitions", "delay")


@pytest.fixture
def path(tmp_path: Path) -> str:
    where = str(tmp_path / "out")
    write_under_way(where)
    return where


def seen(path: str, folder: Path, *, stream: bool = False) -> RunFigures:
    watched = read_now(job(path, folder, stream=stream), NOW)
    assert watched is not None
    assert watched.of_run is not None
    return watched.of_run


def said(watched: Watched | None, path: str = "out") -> str:
    return as_text(view(watched, path))


def drawn(watched: Watched | None, path: str = "out", width: int = 80) -> str:
    out = io.StringIO()
    Console(file=out, force_terminal=True, width=width).print(as_drawn(view(watched, path)))
    return out.getvalue()


def test_the_latest_run_of_the_job_is_counted_and_no_other(path: str, tmp_path: Path) -> None:
    found = seen(path, tmp_path)
    it = found.figures
    assert (found.run.run_id, found.run.state, found.run.items, found.run.cases) == ("run-b", "running", 6, 18)
    assert (it.items, it.settled, it.verdicts, it.rejected, it.judged, it.reused) == (6, 10, 7, 3, 9, 1)
    assert (it.per_second_lately, it.per_second) == (3 / 60, 7 / 900)
    assert (it.prompt_tokens, it.cached_tokens, it.output_tokens) == (900, 576, 90)
    assert {each.action: each.verdicts for each in it.actions} == {"allow": 3, "review": 1, "block": 1, "escalate": 1}
    assert [(each.reason, each.stage, each.rejected, each.item_id, each.policy_id) for each in found.rejections] == [
        ("malformed", "judge", 2, "i2", "harm"),
        ("length", "judge", 1, "i5", "spam"),
    ]
    assert [each.last_judged for each in found.rejections] == [ago(seconds=200), ago(seconds=10)]


def test_policies_have_their_shares_with_intervals(path: str, tmp_path: Path) -> None:
    found = [
        (it.policy_id, it.mode, it.verdicts, it.flagged, it.share, it.low, it.high, it.unsure, it.unsure_share)
        for it in seen(path, tmp_path).figures.policies
    ]
    limits = [(wilson(hits, of).low, wilson(hits, of).high) for hits, of in ((0, 1), (3, 5), (1, 1))]
    assert [row[:5] + row[7:] for row in found] == [
        ("harm", "live", 1, 0, 0.0, 0, 0.0),
        ("spam", "live", 5, 3, 0.6, 2, 0.4),
        ("spam", "shadow", 1, 1, 1.0, 0, 0.0),
    ]
    assert [row[5:7] for row in found] == [pytest.approx(pair) for pair in limits]


def test_the_figures_are_those_of_plain_sql(path: str, tmp_path: Path) -> None:
    found = seen(path, tmp_path)
    plain = (
        "SELECT policy_id, count(*), count(*) FILTER (violation), wilson(count(*) FILTER (violation), count(*)).high "
        "FROM verdicts WHERE run_id = 'run-b' GROUP BY policy_id ORDER BY policy_id"
    )
    live = [each for each in found.figures.policies if each.mode == "live"]
    assert [tuple(row.values()) for row in query(path, plain).to_pylist()] == [
        (each.policy_id, each.verdicts, each.flagged, each.high) for each in live
    ]
    of_run = "WHERE run_id = 'run-b' AND status <> 'forgotten'"
    totals = f"SELECT count(*), sum(prompt_tokens)::BIGINT, sum(output_tokens)::BIGINT FROM outcome_rows {of_run}"
    it = found.figures
    assert [*query(path, totals).to_pylist()[0].values()] == [it.settled, it.prompt_tokens, it.output_tokens]
    reasons = f"SELECT reason, count(*) FROM outcome_rows {of_run} AND reason IS NOT NULL GROUP BY ALL ORDER BY 2 DESC"
    assert [tuple(row.values()) for row in query(path, reasons).to_pylist()] == [
        (each.reason, each.rejected) for each in found.rejections
    ]


def test_the_view_shows_the_figures(path: str, tmp_path: Path) -> None:
    text = said(read_now(job(path, tmp_path), NOW))
    lines = [re.split(r" {2,}", line) for line in text.splitlines()]
    assert lines[0] == ["nightly: run run-b running for 20 min"]
    for line in (
        ["settled", "10 of 18 cases, 6 of 6 items"],
        ["verdicts", "7; 3 rejected; 9 judged, 1 reused"],
        ["rate", "0.05 verdicts/s over the last minute, 0.0078 verdicts/s since the first"],
        ["actions", "allow 3, review 1, block 1, escalate 1"],
        ["tokens", "900 read (576 of them cached), 90 written"],
        ["policy", "verdicts", "flagged", "share", "95 % interval", "unsure"],
        ["spam", "5", "3", "60 %", "23.1 to 88.2 %", "40 %"],
        ["spam (shadow)", "1", "1", "100 %", "20.7 to 100 %", "0 %"],
        ["malformed", "judge", "2", "3 min ago", "i2", "harm"],
        ["length", "judge", "1", "10 s ago", "i5", "spam"],
    ):
        assert line in lines, text


def test_on_a_terminal_of_80_columns_it_fits(path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    open_sink(path).commit(streamed(), {})
    shown = re.sub(r"\x1b\[[0-9;]*m", "", drawn(read_now(job(path, tmp_path, stream=True), NOW)))
    assert max(map(len, shown.splitlines())) <= 80
    assert re.search(r"│ spam +│ +5 │ +3 │ +60 % │ 23.1 to 88.2 % │ +40 % │", shown), shown
    assert re.search(r"│ events/2 +│ +2 │ +6 │", shown), shown


def test_a_stream_shows_how_fresh_its_partitions_are(tmp_path: Path) -> None:
    path = str(tmp_path / "out")
    open_sink(path).commit(streamed(), {})
    RunLog(path).write(replace(RUN, items=0, cases=0))
    watched = read_now(job(path, tmp_path, stream=True), NOW)
    assert watched is not None
    assert watched.of_run is not None
    assert [
        (it.source, it.shard, it.cases, it.next_offset, it.newest_item, it.last_judged)
        for it in watched.of_run.partitions
    ] == [
        ("events", "2", 2, 6, ago(seconds=44), ago(seconds=40)),
        ("events", "11", 2, 10, ago(seconds=36), ago(seconds=30)),
    ]
    delay = watched.of_run.delay
    assert delay is not None
    assert (delay.cases, delay.p50_seconds, delay.p99_seconds) == (3, 4, pytest.approx(5.96))
    text = said(watched)
    assert "newest     a record of 2026-03-04 00:09:24 UTC, 36 s old\n" in text
    assert "delay      4.00 s from a record's time to its verdict (p99 5.96 s), over the last minute\n" in text
    assert re.search(r"^events/2 +2 +6 +44 s old +40 s ago$", text, re.MULTILINE)
    assert "settled    4 cases, 4 items\n" in text


def test_of_many_reasons_and_partitions_some_are_shown(tmp_path: Path) -> None:
    path = str(tmp_path / "out")
    reasons = list(Reason)[: SHOWN + 3]
    open_sink(path).commit(
        [case(n, SPAM, Rejection(reason, ""), ago(seconds=n), run="run-b") for n, reason in enumerate(reasons)], {}
    )
    RunLog(path).write(RUN)
    assert "           and 3 more reasons\n" in said(read_now(job(path, tmp_path), NOW))


def test_a_run_that_ended_says_how(path: str, tmp_path: Path) -> None:
    message = "FatalError: \x1b[2Jthe disk is full\nfree some"
    ended = replace(RUN, state=RunState.FAILED, ended_at=ago(minutes=5), message=message, skipped=8, cost=1.5)
    RunLog(path).write(ended)
    watched = read_now(job(path, tmp_path), NOW + timedelta(hours=30))
    text = said(watched)
    why = "FatalError: \\x1b[2Jthe disk is full free some"
    assert text.startswith(f"nightly: run run-b failed 1 day ago, after 15 min: {why}\n")
    assert "10 of 18 cases, 6 of 6 items; 8 settled before\n" in text
    assert "cost       1.50\n" in text
    assert watched is not None
    assert watched.of_run is not None
    assert watched.of_run.figures.per_second == 7 / 880
    assert watched.of_run.figures.per_second_lately == 0
    assert "nothing has been committed" not in text


def test_a_run_that_commits_nothing_for_long_is_doubted(path: str, tmp_path: Path) -> None:
    watched = read_now(job(path, tmp_path), NOW)
    assert watched is not None
    assert watched.committed_at is not None
    soon = watched.model_copy(update={"read_at": watched.committed_at + timedelta(seconds=119)})
    late = watched.model_copy(update={"read_at": watched.committed_at + timedelta(minutes=61)})
    assert "nothing has been committed" not in said(soon)
    assert "committed  1 min ago\n" in said(soon)
    assert "! nothing has been committed for 1 h 1 min: nothing comes in, the judge is slow, or" in said(late)


def test_before_there_is_anything_it_says_so(tmp_path: Path) -> None:
    path = str(tmp_path / "out")
    config = job(path, tmp_path)
    assert read_now(config, NOW) is None
    assert said(None, path) == f"nothing yet: no table at {path}\n"
    sink = open_sink(path)
    assert said(read_now(config, NOW), path) == f"nothing yet: job nightly has had no run that wrote to {path}\n"
    RunLog(path).write(replace(RUN, started_at=BEGAN))
    text = said(read_now(config, NOW), path)
    assert "settled    0 of 18 cases, 0 of 6 items\n" in text
    assert "rate       0 verdicts/s over the last minute, - since the first\n" in text
    sink.commit([replace(OUTCOMES[0], run_id="run-b")], {})
    assert "settled    1 of 18 cases, 1 of 6 items\n" in said(read_now(config, NOW), path)


HOSTILE = "\x1b[2J\x1b]0;owned\x07\u202eevil\u202c\u200b\r\n[bold]x[/bold] :smile: \x9b31m مرحبا \u0301"


def test_what_others_wrote_cannot_act_on_the_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    path = str(tmp_path / "out")
    under = SPAM.model_copy(update={"id": HOSTILE})
    rejected = case(0, under, Rejection(Reason.LENGTH, HOSTILE), ago(seconds=1), run="run-b")
    flagged = case(1, under, yes("R1"), ago(seconds=1), run="run-b")
    open_sink(path).commit([replace(rejected, item=replace(rejected.item, id=HOSTILE)), flagged], {})
    RunLog(path).write(replace(RUN, state=RunState.FAILED, ended_at=NOW, message=HOSTILE * 50))
    watched = read_now(job(path, tmp_path), NOW)
    text, picture = said(watched, path), drawn(watched, path, 200)
    for shown in (text, re.sub(r"\x1b\[[0-9;]*m", "", picture)):
        unseen = {char for char in shown if not char.isprintable()} - {"\n", "\u200e"}
        assert not unseen
        assert "\\x1b[2J" in shown
        assert "\\u202e" in shown
        assert "[bold]x[/bold] :smile:" in shown
        assert len(shown) < 8000


def test_every_part_is_made_printable_where_it_is_shown() -> None:
    parts: list[Part] = [Heading(HOSTILE), Fact(HOSTILE, HOSTILE), Note(HOSTILE), Rows([HOSTILE], [[HOSTILE]], [False])]
    for part in parts:
        unseen = {char for char in as_text([part]) if not char.isprintable()} - {"\n", "\u200e"}
        assert not unseen, part


def test_no_text_is_read_but_ids(path: str, tmp_path: Path) -> None:
    """Not even by a view that selects everything: the plan has the columns that are fetched."""
    values = {"job": "nightly", "run": "run-b", "now": NOW, "ended": False, "first_day": BEGAN.date()}
    for name in QUERIES:
        sql = stored(f"watch/{name}")
        given = {key: value for key, value in values.items() if f"${key}" in sql}
        with opened(path, views=named_in(sql)) as connection:
            ((_, plan),) = connection.execute(f"EXPLAIN {sql}", given).fetchall()
        assert not [column for column in TEXTS if re.search(rf"\b{column}\b", plan)], plan
        assert ("item_id" in plan) == (name == "rejections")
    assert "It breaks" not in said(read_now(job(path, tmp_path), NOW))


def test_a_table_that_cannot_be_read_leaves_the_last_view(path: str, tmp_path: Path) -> None:
    watch = Watch(job(path, tmp_path))
    before = as_text(watch.look())
    file = next(Path(path, "verdicts").glob("*/*.parquet"))
    content = file.read_bytes()
    file.unlink()
    text = as_text(watch.look())
    assert "10 of 18 cases" in text
    assert re.match(r"! The table can't be read now: .*; this is how it stood \d+ s ago\nnightly: run run-b", text)
    file.write_bytes(content)
    assert "can't be read" in text
    assert "can't be read" not in as_text(watch.look())
    assert "can't be read" not in before


def test_a_table_that_never_could_be_read_is_an_error(path: str, tmp_path: Path) -> None:
    next(Path(path, "verdicts").glob("*/*.parquet")).unlink()
    with pytest.raises(FatalError):
        Watch(job(path, tmp_path)).look()


def test_joining_the_files_changes_nothing(path: str, tmp_path: Path) -> None:
    config = job(path, tmp_path)
    before = read_now(config, NOW)
    optimize(DeltaConfig(kind="delta", path=path), path)
    assert read_now(config, NOW) == before


@pytest.mark.parametrize(
    ("took", "every", "pause"), [(0.01, 2.0, 1.99), (0.2, 2.0, 1.8), (1.0, 2.0, 9.0), (5.0, 0.5, 45.0)]
)
def test_reading_takes_a_small_share_of_the_time(took: float, every: float, pause: float) -> None:
    assert pause_after(took, every) == pytest.approx(pause)
    assert took / (took + pause_after(took, every)) <= READING_SHARE + 1e-9


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-5, "0 s"), (0, "0 s"), (59, "59 s"), (60, "1 min"), (3600, "1 h"), (7_500, "2 h 5 min"), (200_000, "2 days")],
)
def test_ages_are_short(seconds: float, text: str) -> None:
    assert age(NOW - timedelta(seconds=seconds), NOW) == text
