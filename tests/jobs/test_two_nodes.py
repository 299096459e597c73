"""A real cluster of two nodes; one is killed while its replica works."""

from __future__ import annotations

import secrets
from pathlib import Path

import psutil
import pytest

from tests.jobs.workplace import is_replica, make_workplace, wait_for_rows

pytestmark = pytest.mark.slow


def test_a_node_killed_in_the_run_costs_nothing_but_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setenv("RAY_AUTH_TOKEN", secrets.token_hex(32))
    from ray.cluster_utils import Cluster

    place = make_workplace(tmp_path, files=4, items=200)
    place.config["judge"] |= {"latency_ms": 50, "window": 8}
    place.config["sink"]["flush_seconds"] = 0.1
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        doomed = cluster.add_node(num_cpus=1)
        place.config["replicas"] = {"count": 2, "cpus": 1, "address": cluster.address}
        process = place.start("backfill", "CONFIG", "--json")
        wait_for_rows(place, process, commits=12)
        assert process.poll() is None
        raylets = [psutil.Process(node.all_processes["raylet"][0].process.pid) for node in cluster.list_all_nodes()]
        at_work = [sum(is_replica(child) for child in raylet.children()) for raylet in raylets]
        assert at_work == [1, 1], "both nodes hold a replica"
        cluster.remove_node(doomed, allow_graceful=False)
        out, err = process.communicate(timeout=200)
        assert process.returncode == 0, err
    finally:
        cluster.shutdown()
    assert '"verdicts": 1600' in out
    assert place.query("select count(*) n, count(distinct (item_id, policy_id)) d from verdicts") == [
        {"n": 1600, "d": 1600}
    ]
