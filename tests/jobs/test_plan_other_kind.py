"""Items of a kind that a policy is not for: a plan foresees their rejections, and the run balances with them."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.jobs.workplace import Workplace, make_workplace
from tests.ray_cluster import SharedCluster


@pytest.fixture
def place(tmp_path: Path, ray_cluster: SharedCluster) -> Workplace:
    """60 items, every third a completion; of two policies one is for completions only."""
    place = make_workplace(tmp_path, files=1, items=60)
    rows = pq.read_table(tmp_path / "data" / "part-0.parquet").to_pylist()
    for number, row in enumerate(rows):
        row |= {"prompt": "Go on.", "response": row["text"]} if number % 3 == 0 else {"prompt": None, "response": None}
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "data" / "part-0.parquet")
    place.config["source"]["columns"] |= {"prompt": "prompt", "response": "response"}
    policy = tmp_path / "policies" / "p1.md"
    policy.write_text(policy.read_text().replace("title: p1", "applies_to: [completion]"))
    place.config["replicas"]["count"] = 1
    return place.join(ray_cluster)


def test_a_plan_counts_them_as_rejected_and_the_run_does_what_it_says(place: Workplace) -> None:
    before = json.loads(place.run("plan", "CONFIG", "--json").stdout)
    all_kinds, completions = before["policies"]
    assert (all_kinds["rejected"], all_kinds["to_judge"]) == (0, 60)
    assert (completions["cases"], completions["rejected"], completions["to_judge"]) == (60, 40, 20)
    assert [each["if_changed"]["to_judge"] for each in before["policies"]] == [60, 20]
    done = place.backfill()
    assert (done["cases"], done["judged"], done["rejected"]) == (120, 80, 40)
    [row] = place.query(
        "select reason, stage, item_kind, policy_id, count(*) as n, count(case_key) as keys, sum(attempts) as attempts "
        "from rejections group by all"
    )
    assert (row["reason"], row["stage"], row["item_kind"], row["policy_id"]) == ("other_kind", "policy", "text", "p1")
    assert (row["n"], row["keys"], row["attempts"]) == (40, 40, 0)
