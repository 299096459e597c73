"""The command that people run at night, from a fresh folder to SQL; on a cluster of its own where that is harmed."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

import psutil
import pytest

from tests.jobs.workplace import Workplace, make_workplace, replicas_of, wait_for_rows
from tests.ray_cluster import SharedCluster

pytestmark = pytest.mark.slow


@pytest.fixture
def place(tmp_path: Path) -> Workplace:
    """Its clusters are its own: processes of theirs are stopped, killed and counted."""
    return make_workplace(tmp_path)


@pytest.fixture
def joined(place: Workplace, ray_cluster: SharedCluster) -> Workplace:
    """On a cluster of others, where nothing is done to it."""
    return place.join(ray_cluster)


def test_the_first_run_judges_all_and_the_second_nothing(joined: Workplace) -> None:
    first = joined.backfill()
    keys = ["items", "cases", "verdicts", "rejected", "judged", "skipped", "flagged", "left"]
    assert {key: first[key] for key in keys} == {
        "items": 600,
        "cases": 1200,
        "verdicts": 1200,
        "rejected": 0,
        "judged": 1200,
        "skipped": 0,
        "flagged": 120,
        "left": 0,
    }
    for key in ("seconds", "prompt_tokens", "cached_tokens", "output_tokens"):
        assert key in first
    second = joined.backfill()
    assert (second["judged"], second["verdicts"], second["skipped"]) == (0, 0, 1200)
    assert joined.query("select count(*) n, count(distinct (item_id, policy_id)) d from verdicts") == [
        {"n": 1200, "d": 1200}
    ]
    (row,) = joined.query(
        "select policy_id, violation, rule_ids, severity, action, carried['lang'] lang, source, position "
        "from verdicts where item_id = 'm10' and policy_id = 'p1'"
    )
    assert row["source"].endswith("part-0.parquet")
    assert {key: row[key] for key in ("violation", "rule_ids", "severity", "action", "lang", "position")} == {
        "violation": True,
        "rule_ids": ["R1"],
        "severity": 3,
        "action": "block",
        "lang": "de",
        "position": 10,
    }
    assert joined.query("select state, verdicts, skipped from runs order by started_at") == [
        {"state": "done", "verdicts": 1200, "skipped": 0},
        {"state": "done", "verdicts": 0, "skipped": 1200},
    ]
    assert "nothing left to judge" in joined.run("backfill", "CONFIG").stdout


def test_two_runs_at_once_end_exact(joined: Workplace) -> None:
    joined.config["judge"] |= {"latency_ms": 40, "window": 8, "journal": "journal"}
    joined.config["replicas"]["count"] = 1
    runs = [joined.start("backfill", "CONFIG", "--json") for _ in range(2)]
    ends = [(*run.communicate(timeout=200), run.returncode) for run in runs]
    assert {code for *_, code in ends} <= {0, 1}
    assert any(code == 0 for *_, code in ends), ends
    for _, error, code in ends:
        assert code == 0 or "another run audits the same items" in error
    assert joined.query("select count(*) n, count(distinct (item_id, policy_id)) d from verdicts") == [
        {"n": 1200, "d": 1200}
    ]


def test_a_stopped_trial_counts_its_own_part(joined: Workplace) -> None:
    joined.config["source"]["limit"] = 300
    joined.backfill()
    del joined.config["source"]["limit"]
    joined.config["source"]["where"] = "lang = 'de'"
    joined.config["judge"] |= {"latency_ms": 300, "window": 4}
    process = joined.start("backfill", "CONFIG", "--json")
    wait_for_rows(joined, process, commits=12)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    summary = json.loads(out)
    assert summary["cases"] == 400
    assert summary["skipped"] == 200
    assert summary["verdicts"] + summary["left"] == 200


def test_a_case_that_kills_the_engine_is_rejected_and_the_rest_is_judged(place: Workplace) -> None:
    place.config["judge"] |= {"kill_on": "^message 77$", "latency_ms": 2, "window": 16}
    place.config["sink"]["flush_seconds"] = 0.1
    summary = place.backfill()
    assert (summary["verdicts"], summary["rejected"]) == (1198, 2)
    assert place.query("select item_id, reason, attempts, decode(raw) raw from rejections where policy_id = 'p0'") == [
        {"item_id": "m77", "reason": "engine", "attempts": 3, "raw": "message 77"}
    ]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_keeps_what_it_finished(place: Workplace, number: signal.Signals) -> None:
    place.config["judge"] |= {"latency_ms": 200, "window": 8}
    process = place.start("backfill", "CONFIG", "--json")
    wait_for_rows(place, process, commits=8)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert '"state": "stopped"' in out
    assert "go on with: assay backfill" in err
    place.config["judge"]["latency_ms"] = 0
    rows = place.query("select count(*) n from verdicts")[0]["n"]
    assert 0 < rows < 1200
    summary = place.backfill()
    assert (summary["skipped"], summary["verdicts"]) == (rows, 1200 - rows)


def test_a_silent_replica_is_replaced(place: Workplace) -> None:
    place.config["judge"] |= {"latency_ms": 100, "window": 8}
    place.config["replicas"]["silent_seconds"] = 2
    process = place.start("backfill", "CONFIG", "--json")
    wait_for_rows(place, process, commits=6)
    frozen = replicas_of(process)[0]
    frozen.suspend()
    deadline = time.monotonic() + 60
    while frozen.is_running() and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.2)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert place.query("select count(*) n, count(distinct (item_id, policy_id)) d from verdicts") == [
        {"n": 1200, "d": 1200}
    ]


def test_the_cluster_of_a_run_asks_for_a_token_and_shows_no_dashboard_to_others(place: Workplace) -> None:
    place.config["judge"] |= {"latency_ms": 200, "window": 8}
    process = place.start("backfill", "CONFIG", "--json")
    wait_for_rows(place, process, commits=6)
    surroundings = replicas_of(process)[0].environ()
    dashboards = [
        child.net_connections(kind="tcp")
        for child in psutil.Process(process.pid).children(recursive=True)
        if any("dashboard/dashboard.py" in part for part in child.cmdline())
    ]
    process.terminate()
    process.communicate(timeout=60)
    assert surroundings["RAY_AUTH_MODE"] == "token"
    assert len(surroundings["RAY_AUTH_TOKEN"]) == 64
    for connections in dashboards:
        http = [each for each in connections if each.status == psutil.CONN_LISTEN and each.laddr.port == 8265]
        assert all(each.laddr.ip == "127.0.0.1" for each in http)
