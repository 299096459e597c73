"""Every query of a report, on the small table whose answers were counted by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from scipy.stats import fisher_exact
from statsmodels.stats.multitest import multipletests

from assay.intervals import wilson
from assay.records import JudgeIdentity, Outcome, Reason, Rejection, Turn
from jobs.sql import query, stored
from sinks.runs import RunLog, RunRecord, RunState
from tests.jobs.small_table import (
    HARM,
    MONDAY,
    SPAM,
    SPAM2,
    TUESDAY,
    case,
    no,
    write_small_table,
    yes,
)
from tests.sinks.stand import open_sink

DAYS = {"since": date(2026, 3, 2), "until": date(2026, 3, 3), "since_before": None, "until_before": None}
NEXT_DAY = {
    "since": date(2026, 3, 3),
    "until": date(2026, 3, 3),
    "since_before": date(2026, 3, 2),
    "until_before": date(2026, 3, 2),
}
FIRST_DAY, LAST_DAY = datetime(2026, 3, 2), datetime(2026, 3, 3)


def share(hits: int, of: int) -> tuple[float, float, float]:
    found = wilson(hits, of)
    return round(hits / of, 9), round(found.low, 9), round(found.high, 9)


def ask(path: str, name: str, columns: str, **values: object) -> list[tuple[Any, ...]]:
    """The named columns of a stored query's answer, row by row, numbers rounded."""
    sql = stored(f"report/{name}")
    given = {"policies": None, "every": "day", "most": 5, **values}
    rows = query(path, sql, params={key: value for key, value in given.items() if f"${key}" in sql})
    return [tuple(_rounded(row[each]) for each in columns.split()) for row in rows.to_pylist()]


def _rounded(value: object) -> object:
    return round(value, 9) if isinstance(value, float) else value


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> str:
    where = str(tmp_path_factory.mktemp("small") / "out")
    write_small_table(where)
    return where


GOLDEN: dict[str, tuple[str, dict[str, object], list[tuple[Any, ...]]]] = {
    "span": ("first_day last_day policies", {}, [(date(2026, 3, 2), date(2026, 3, 3), ["harm", "spam"])]),
    "totals": ("cases verdicts flagged rejected policies shadow", DAYS, [(12, 10, 3, 2, 2, 0)]),
    "sources": ("source items cases rejected", DAYS, [("items.parquet", 6, 9, 2), ("events", 3, 3, 0)]),
    "judges": ("judge judge_revision settings cases", DAYS, [("scripted", "r1", 1, 12)]),
    "runs": (
        "run_id state in_table left_open balances made_up",
        DAYS,
        [("run-2", "running", 6, None, None, False), ("run-1", "done", 9, 0, False, False)],
    ),
    "policies": (
        "policy_id policy_version policy_hash verdicts flagged rejected rate low high",
        DAYS,
        [
            ("harm", "1", HARM.hash, 5, 2, 1, *share(2, 5)),
            ("spam", "1", SPAM.hash, 5, 2, 1, *share(2, 5)),
            ("spam", "2", SPAM2.hash, 3, 1, 0, *share(1, 3)),
        ],
    ),
    "changes": (
        "policy_id flagged_before verdicts_before rate_before rate_before_low rate_before_high flagged verdicts rate "
        "rate_low rate_high moved",
        NEXT_DAY,
        [
            ("harm", 1, 3, *share(1, 3), 1, 2, *share(1, 2), False),
            ("spam", 2, 5, *share(2, 5), 1, 3, *share(1, 3), False),
        ],
    ),
    "series": (
        "policy_id bucket is_now flagged verdicts rate low high",
        NEXT_DAY,
        [
            ("harm", FIRST_DAY, False, 1, 3, *share(1, 3)),
            ("harm", LAST_DAY, True, 1, 2, *share(1, 2)),
            ("spam", FIRST_DAY, False, 2, 5, *share(2, 5)),
            ("spam", LAST_DAY, True, 1, 3, *share(1, 3)),
        ],
    ),
    "actions": (
        "policy_id severity action verdicts share low high",
        DAYS,
        [
            ("harm", 2, "review", 2, *share(2, 2)),
            ("spam", 2, "review", 1, *share(1, 1)),
        ],
    ),
    "rules": (
        "policy_id rule_id cited alone together flagged share low high",
        DAYS,
        [
            ("harm", "R2", 2, 2, 0, 2, *share(2, 2)),
            ("spam", "R1", 1, 0, 1, 1, *share(1, 1)),
            ("spam", "R3", 1, 0, 1, 1, *share(1, 1)),
        ],
    ),
    "scores": (
        "policy_id bin_low bin_high verdicts flagged",
        DAYS,
        [
            ("harm", 0.1, 0.15, 3, 0),
            ("harm", 0.9, 0.95, 2, 2),
            ("spam", 0.1, 0.15, 1, 0),
            ("spam", 0.2, 0.25, 1, 0),
            ("spam", 0.5, 0.55, 1, 0),
            ("spam", 0.95, 1.0, 1, 1),
        ],
    ),
    "unsure": (
        "policy_id verdicts low_confidence escalated unsure share low high",
        DAYS,
        [("harm", 5, 0, 0, 0, *share(0, 5)), ("spam", 5, 1, 0, 1, *share(1, 5))],
    ),
    "rejections": (
        "stage reason rejected items policies cases share low high item_id policy_id detail source position",
        DAYS,
        [
            ("judge", "malformed", 1, 1, 1, 12, *share(1, 12), "i2", "harm", "not JSON", "items.parquet", 2),
            ("source", "invalid_utf8", 1, 1, 1, 12, *share(1, 12), "i5", "spam", "byte 0", "items.parquet", 5),
        ],
    ),
    "cases": (
        "policy_id kind rank copies item_id policy_version score source",
        DAYS,
        [
            ("harm", "risk", 1, 2, "i1", "1", 0.9, "events"),
            ("spam", "risk", 1, 1, "i1", "2", 1.0, "items.parquet"),
            ("spam", "unsure", 1, 1, "i3", "1", 0.5, "items.parquet"),
        ],
    ),
    "differing": (
        "policy_id rank item_id policy_version violation before_version before_violation before_score",
        DAYS,
        [("spam", 1, "i0", "2", False, "1", True, 0.95)],
    ),
    "events": ("policy_id kind what moment bucket", NEXT_DAY, [("spam", "policy", "2", TUESDAY, LAST_DAY)]),
    "mix": (
        "policy_id value verdicts_before verdicts brought brought_by_mix",
        {**NEXT_DAY, "carried_key": "lang"},
        [
            ("harm", "en", 2, 2, round(1 / 3 * (0 + 1 / 2) / 2, 9), -0.25),
            ("harm", "de", 1, 0, round(-1 / 3 * 1, 9), -0.25),
            ("spam", "de", 2, 2, round((2 / 3 - 2 / 5) / 2, 9), round(4 / 30 - 2 / 45, 9)),
            ("spam", "en", 3, 1, round((1 / 3 - 3 / 5) * (1 / 3) / 2, 9), round(4 / 30 - 2 / 45, 9)),
        ],
    ),
    "labels": ("policy_id", {}, []),
    "unmatched_labels": ("labels other_content", {}, [(0, 0)]),
    "reuse": ("audited agreed share low high", DAYS, [(0, 0, None, None, None)]),
    "costs": (
        "policy_id cases judged reused prompt_tokens cached_tokens output_tokens cost",
        DAYS,
        [
            (None, 15, 13, 1, 1300, 832, 130, 7.0),
            ("harm", 6, 5, 1, 500, 320, 50, 7.0 * 2 / 7),
            ("spam", 9, 8, 0, 800, 512, 80, 5.0),
        ],
    ),
    "cost_series": (
        "day prompt_tokens cached_tokens output_tokens cost",
        DAYS,
        [(date(2026, 3, 2), 800, 512, 80, 7.0), (date(2026, 3, 3), 500, 320, 50, None)],
    ),
    "texts": ("hash text", {"hashes": [SPAM.hash]}, [(SPAM.hash, SPAM.text)]),
}


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_a_query_answers_what_was_counted_by_hand(path: str, name: str) -> None:
    columns, values, expected = GOLDEN[name]
    assert ask(path, name, columns, **values) == expected


def test_every_query_has_its_answer_here_and_says_what_it_is() -> None:
    shelf = {file.name.removesuffix(".sql"): file for file in files("jobs").joinpath("queries/report").iterdir()}
    assert shelf.keys() == GOLDEN.keys()
    assert all(file.read_text("utf-8").startswith("-- ") for file in shelf.values())


@pytest.mark.parametrize(
    "name", sorted(GOLDEN.keys() - {"span", "runs", "reuse", "texts", "labels", "unmatched_labels"})
)
def test_a_query_can_be_held_to_some_policies(path: str, name: str) -> None:
    columns, values, expected = GOLDEN[name]
    if columns.startswith("policy_id"):
        held = [row for row in expected if row[0] == "spam"]
        found = [row for row in ask(path, name, columns, **values, policies=["spam"]) if row[0] is not None]
        assert found == held
    else:
        assert ask(path, name, columns, **values, policies=["spam"]) != expected


def test_the_days_of_a_table_are_those_of_the_policies(path: str) -> None:
    assert ask(path, "span", "first_day last_day policies", policies=["unheard-of"]) == [(None, None, ["harm", "spam"])]


def test_a_change_is_the_drift_of_the_view(path: str) -> None:
    days = "'2026-03-03', '2026-03-03', '2026-03-02', '2026-03-02'"
    drift = query(path, f"SELECT policy_id, change, low, high, p, p_holm FROM drift({days}) ORDER BY policy_id")
    found = ask(path, "changes", "policy_id change change_low change_high p p_holm", **NEXT_DAY)
    assert sorted(found) == [tuple(map(_rounded, row.values())) for row in drift.to_pylist()]


def test_a_run_that_ended_in_order_balances_if_the_table_has_all_of_it(tmp_path: Path) -> None:
    where = str(tmp_path / "out")
    open_sink(where).commit([case(n, SPAM, no()) for n in range(3)], {})
    log = RunLog(where)
    done = RunRecord("run-1", "nightly", RunState.DONE, MONDAY, MONDAY, cases=5, verdicts=3, skipped=2)
    for run in (
        done,
        replace(done, run_id="lost", verdicts=4, cases=6),
        replace(done, run_id="open", verdicts=0, cases=6),
        replace(done, run_id="failed", verdicts=0, skipped=0, cases=0, state=RunState.FAILED),
        replace(done, run_id="stopped", verdicts=0, skipped=0, state=RunState.STOPPED),
    ):
        log.write(run)
    found = dict(ask(where, "runs", "run_id balances", **DAYS))
    assert found == {"run-1": True, "lost": False, "open": False, "failed": False, "stopped": None}


def test_reuse_is_audited_by_the_runs_that_began_in_the_period(tmp_path: Path) -> None:
    where = str(tmp_path / "out")
    open_sink(where).commit([case(0, SPAM, no())], {})
    run = RunRecord("monday", "n", RunState.DONE, MONDAY, TUESDAY, audited=40, agreed=10)
    for each in (run, replace(run, run_id="t1", started_at=TUESDAY, audited=7, agreed=6),
                 replace(run, run_id="t2", started_at=TUESDAY, audited=3, agreed=3)):  # fmt: skip
        RunLog(where).write(each)
    assert ask(where, "reuse", "audited agreed share low high", **NEXT_DAY) == [(10, 9, *share(9, 10))]


def test_gpu_hours_and_savings_are_shared_out_like_the_cost(tmp_path: Path) -> None:
    where = str(tmp_path / "out")
    open_sink(where).commit(
        [case(0, SPAM, no()), case(1, SPAM, no()), case(0, HARM, no()), case(2, HARM, no(), TUESDAY)], {}
    )
    RunLog(where).write(RunRecord("run-1", "n", RunState.DONE, MONDAY, TUESDAY, gpu_seconds=7200.0, cost=8.0))
    columns = "policy_id gpu_hours cost"
    assert ask(where, "costs", columns, **DAYS) == [(None, 2.0, 8.0), ("harm", 1.0, 4.0), ("spam", 1.0, 4.0)]
    assert ask(where, "costs", columns, **NEXT_DAY) == [(None, 0.5, 2.0), ("harm", 0.5, 2.0)]


def test_rejections_tell_cases_items_and_policies_apart(tmp_path: Path) -> None:
    where = str(tmp_path / "out")
    cut = Rejection(Reason.LENGTH, "cut off")
    open_sink(where).commit([case(0, SPAM, cut), case(1, SPAM, cut), case(1, HARM, cut), case(2, SPAM2, no())], {})
    columns = "reason rejected items policies cases item_id policy_id"
    assert ask(where, "rejections", columns, **DAYS) == [("length", 3, 2, 2, 4, "i0", "spam")]


def test_another_judge_is_an_event_and_the_first_is_none(tmp_path: Path) -> None:
    where = str(tmp_path / "out")
    later = replace(case(1, SPAM, no(), TUESDAY), judge=JudgeIdentity("other", "r2", "6" * 64))
    open_sink(where).commit([case(0, SPAM, no()), later], {})
    assert ask(where, "events", "policy_id kind what moment", **NEXT_DAY) == [("spam", "judge", "other", TUESDAY)]


def test_of_copies_one_case_is_shown_and_the_gravest_comes_first(tmp_path: Path) -> None:
    where = str(tmp_path / "out")
    grave = [case(n, SPAM, yes("R1", severity=4, score=0.6)) for n in range(3)]
    other = replace(case(9, SPAM, yes("R1", severity=1, score=0.9)).item, judged=(Turn("user", "other"),))
    table = [*grave, replace(case(9, SPAM, yes("R1", severity=1, score=0.9)), item=other)]
    open_sink(where).commit(table, {})
    assert ask(where, "cases", "kind rank copies item_id", **DAYS) == [
        ("risk", 1, 3, "i0"),
        ("risk", 2, 1, "i9"),
        ("unsure", 1, 3, "i0"),
    ]


def test_a_value_whose_own_rate_moved_is_told_from_the_others(tmp_path: Path) -> None:
    where = str(tmp_path / "out")

    def day(at: datetime, start: int, hits: dict[str, int]) -> list[Outcome]:
        return [
            case(start + 1000 * place + n, SPAM, yes("R1") if n < count else no(), at, lang=lang)
            for place, (lang, count) in enumerate(hits.items())
            for n in range(50)
        ]

    before, after = {"de": 5, "en": 5, "pt": 5}, {"de": 6, "en": 5, "pt": 30}
    open_sink(where).commit([*day(MONDAY, 0, before), *day(TUESDAY, 5000, after)], {})
    found = ask(where, "mix", "value change p_holm moved", **NEXT_DAY, carried_key="lang")
    p_values = multipletests(
        [fisher_exact([[after[lang], 50 - after[lang]], [5, 45]]).pvalue for lang in before], method="holm"
    )[1]
    assert [(value, moved) for value, _, _, moved in found] == [("de", False), ("en", False), ("pt", True)]
    assert [change for _, change, _, _ in found] == pytest.approx([0.02, 0.0, 0.5])
    assert [p_holm for _, _, p_holm, _ in found] == pytest.approx(p_values, abs=1e-8)
