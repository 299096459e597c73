"""Another judge is said before it costs anything: with the real command, and case by case on a table made for it."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from actors.identity import identify
from assay.config import ScriptedConfig
from assay.records import JudgeIdentity
from jobs.judge_change import JudgeChange, judge_change
from jobs.load import Job, load_job
from sinks.policies import PolicyLog, policy_versions
from sinks.runs import RunLog, RunRecord, RunState
from tests.jobs.workplace import Workplace, make_workplace
from tests.ray_cluster import SharedCluster
from tests.sinks.outcomes import DAY, verdict
from tests.sinks.stand import open_sink

SAID = (
    "the judge changed from scripted (match (?i)free money) to scripted (match (?i)letters): "
    "40 verdicts can't be reused"
)
OLD, NEW, THIRD = (JudgeIdentity("small", revision, "ab" * 32) for revision in ("11" * 20, "22" * 20, "33" * 20))


@pytest.fixture
def place(tmp_path: Path, ray_cluster: SharedCluster) -> Workplace:
    """Twenty items under two policies, judged with a journal."""
    place = make_workplace(tmp_path, files=1, items=20)
    place.config["judge"]["journal"] = str(tmp_path / "journal")
    place.config["replicas"]["count"] = 1
    return place.join(ray_cluster)


def asked(place: Workplace) -> int:
    """How many cases the judge has been asked, in all runs."""
    return len((place.folder / "journal").read_bytes())


def test_without_a_terminal_a_change_has_to_be_agreed_to_once(place: Workplace) -> None:
    place.backfill()
    place.config["judge"]["match"] = "(?i)letters"
    assert f"{SAID}; --yes to go on" in place.run("backfill", "CONFIG", code=2).stderr
    assert asked(place) == 40
    assert len(place.query("select * from runs")) == 1
    assert SAID in place.run("check", "CONFIG").stdout
    agreed = place.run("backfill", "CONFIG", "--yes", "--json")
    assert SAID in agreed.stderr
    assert (json.loads(agreed.stdout)["judged"], asked(place)) == (40, 80)
    again = place.run("backfill", "CONFIG", "--json")
    assert "the judge changed" not in again.stderr
    assert json.loads(again.stdout)["skipped"] == 40
    assert "the judge changed" not in place.run("check", "CONFIG").stdout


def test_a_job_may_go_on_by_itself_and_is_told_nothing_of_speed(place: Workplace) -> None:
    place.backfill()
    place.config["judge"] |= {"latency_ms": 1, "window": 7}
    assert "the judge changed" not in place.run("backfill", "CONFIG").stderr
    place.config["on_judge_change"] = "rejudge"
    place.config["judge"]["match"] = "(?i)letters"
    assert SAID in place.run("backfill", "CONFIG").stderr
    assert asked(place) == 80


@pytest.mark.parametrize(("answer", "code", "judged"), [("n", 2, 40), ("y", 0, 80)])
def test_at_a_terminal_it_is_asked(place: Workplace, answer: str, code: int, judged: int) -> None:
    place.backfill()
    place.config["judge"]["match"] = "(?i)letters"
    place.run("check", "CONFIG")
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "jobs.cli", "backfill", str(place.path), "--json"]
    process = subprocess.Popen(
        command,
        stdin=theirs,
        stderr=theirs,
        stdout=subprocess.PIPE,
        cwd=place.folder,
        env={**os.environ, **place.environment},
    )
    os.close(theirs)
    shown = b""
    while b"Go on?" not in shown:
        shown += os.read(ours, 4096)
    os.write(ours, f"{answer}\n".encode())
    with contextlib.suppress(OSError):  # how a terminal says that nobody holds its other end
        while more := os.read(ours, 4096):
            shown += more
    process.communicate(timeout=120)
    os.close(ours)
    assert SAID in shown.decode().replace("\r\n", "")
    assert (process.returncode, asked(place)) == (code, judged)
    assert (b"nothing was judged" in shown) == (answer == "n")


@pytest.fixture
def job(place: Workplace) -> Job:
    """The job, with a table in which nothing is."""
    place.run("check", "CONFIG")
    job = load_job(place.path)
    open_sink(job.config.sink.path)
    return job


def ran(
    job: Job,
    judge: JudgeIdentity,
    hour: int,
    rows: int,
    *,
    name: str = "nightly",
    state: RunState = RunState.DONE,
    policies: Sequence[int] = (0, 1),
) -> None:
    """A run of the job at that hour that left so many verdicts under each of these policies."""
    path, of = job.config.sink.path, [job.policies[number] for number in policies]
    begun, texts = DAY + timedelta(hours=hour), tuple(f"{each.id}@{each.version}:{each.hash}" for each in of)
    config = job.config.model_dump_json()
    PolicyLog(path).write(of, begun)
    RunLog(path).write(
        RunRecord(
            *(f"run-{hour}", name, state, begun),
            config=config,
            judge=judge.name,
            judge_revision=judge.revision,
            settings_hash=judge.settings_hash,
            policies=texts,
        )
    )
    outcomes = [replace(verdict(number), policy=each, judge=judge) for each in of for number in range(rows)]
    open_sink(path).commit(outcomes, {})


def change(job: Job, judge: JudgeIdentity) -> JudgeChange | None:
    return judge_change(job, judge, policy_versions(job.config.sink.path))


def test_nothing_is_said_where_nothing_is_lost(job: Job) -> None:
    assert change(job, NEW) is None
    ran(job, OLD, 1, 5, name="another job")
    assert change(job, NEW) is None
    ran(job, OLD, 2, 5)
    assert change(job, OLD) is None
    assert change(job, replace(OLD, name="the same in another folder")) is None
    found = change(job, NEW)
    assert found is not None
    assert found == JudgeChange("small (revision 11111111)", "small (revision 22222222)", 20)
    assert change(job, replace(OLD, settings_hash="cd" * 32)) == JudgeChange(
        "small (settings abababab)", "small (settings cdcdcdcd)", 20
    )


@pytest.mark.parametrize("state", [RunState.RUNNING, RunState.FAILED, RunState.STOPPED])
def test_once_a_run_began_with_a_judge_it_is_agreed_to(job: Job, state: RunState) -> None:
    ran(job, OLD, 1, 5)
    ran(job, NEW, 2, 0, state=state)
    assert change(job, NEW) is None
    lost = change(job, THIRD)
    assert lost is not None
    assert (lost.was, lost.verdicts) == ("small (revision 11111111)", 10), "the run that left nothing does not count"
    ran(job, NEW, 3, 2, state=state)
    lost = change(job, THIRD)
    assert lost is not None
    assert (lost.was, lost.verdicts) == ("small (revision 22222222)", 4)


def test_what_was_agreed_to_for_some_policies_holds_for_these(job: Job) -> None:
    ran(job, OLD, 1, 5)
    ran(job, NEW, 2, 5, policies=[0])
    assert change(job.under("p0"), NEW) is None
    lost = change(job, NEW)
    assert lost is not None
    assert lost.verdicts == 5


def test_after_a_run_of_one_policy_the_others_verdicts_count_too(job: Job) -> None:
    ran(job, OLD, 1, 5)
    ran(job, OLD, 2, 1, policies=[0])
    lost = change(job, NEW)
    assert lost is not None
    assert lost.verdicts == 11


def test_verdicts_under_an_edited_policy_are_lost_anyway_and_those_under_another_title_are_not(job: Job) -> None:
    ran(job, OLD, 1, 5)
    first, second = job.policies
    edited = first.model_copy(update={"prose": "Other words.", "hash": "00" * 32, "text": "other words"})
    titled = second.model_copy(update={"title": "Anew", "hash": "01" * 32, "text": "anew"})
    for policies, count in (((edited, second), 5), ((first, titled), 10), ((edited,), None)):
        lost = change(replace(job, policies=policies), NEW)
        assert (lost and lost.verdicts) == count


def test_a_long_setting_is_cut_and_one_without_a_value_is_none(job: Job) -> None:
    config = job.config.model_copy(
        update={"judge": ScriptedConfig(kind="scripted", match="x" * 99, max_content_chars=7)}
    )
    ran(job, identify(job.config.judge), 1, 5)
    found = change(replace(job, config=config), identify(config.judge))
    assert found is not None
    assert found.was == "scripted (match (?i)free money, max_content_chars none)"
    assert found.now == f"scripted (match {'x' * 40}..., max_content_chars 7)"
