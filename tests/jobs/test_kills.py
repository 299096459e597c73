"""Real SIGKILLs at seeded moments: whatever dies, the table ends as if nothing had happened."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from tests.chances import seeds
from tests.jobs.workplace import Workplace, make_workplace, replicas_of, wait_for_replicas

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[object, ...]]:
    """What the job comes to when nothing is killed."""
    place = slow_job(tmp_path_factory.mktemp("undisturbed"))
    summary = place.backfill()
    assert (summary["cases"], summary["verdicts"], summary["flagged"]) == (1600, 1600, 160)
    return place.outcomes()


def slow_job(folder: Path) -> Workplace:
    """800 items x 2 policies on two replicas, in about six seconds of judging."""
    place = make_workplace(folder, files=4, items=200)
    place.config["judge"] |= {"latency_ms": 120, "jitter": 0.9, "window": 16}
    place.config["sink"]["flush_seconds"] = 0.1
    return place


@pytest.mark.parametrize("seed", seeds(2, 20))
def test_killed_at_a_random_moment(seed: int, tmp_path: Path, undisturbed: list[tuple[object, ...]]) -> None:
    chance = random.Random(seed)
    place = slow_job(tmp_path)
    victim = "driver" if seed % 2 else "replica"
    process = place.start("backfill", "CONFIG", "--json")
    for _ in range(chance.choice((1, 1, 2))):
        if victim == "driver":
            time.sleep(chance.uniform(0, 8.0))  # while it plans, starts its cluster, judges, or ends
            assert process.poll() is None
            process.kill()  # its cluster lives on for seconds, so the next run meets zombies
            process.communicate()
            process = place.start("backfill", "CONFIG", "--json")
        else:
            wait_for_replicas(process)
            time.sleep(chance.uniform(0, 2.0))
            chance.choice(replicas_of(process)).kill()
    out, err = process.communicate(timeout=240)
    assert process.returncode == 0, f"{victim} killed: {out}\n{err}"
    assert place.outcomes() == undisturbed
    if seed % 5 == 0:
        assert place.backfill()["judged"] == 0
