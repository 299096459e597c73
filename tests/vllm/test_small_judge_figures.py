"""The small judge that ships, measured by `assay eval` on a fixed set: a broken merge, prompt or tokenizer shows here.

`small_judge_items.csv` was written for this and is in no training data. `small_judge_figures.json` holds what was
measured when the judge was made, with 95 % intervals; `assay eval` on the same items prints it anew.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.jobs.workplace import Workplace

pytestmark = pytest.mark.vllm
HERE, CONFIGS = Path(__file__).parent, Path(__file__).parents[2] / "configs"
PINNED: dict[str, dict[str, tuple[float, float]]] = json.loads((HERE / "small_judge_figures.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory, shipped_judge_folder: Path) -> dict[str, Any]:
    """The figures of each policy, by its id, from the judge of the demo."""
    judge = yaml.safe_load((CONFIGS / "demo.yaml").read_text("utf-8"))["judge"]
    config = {
        "name": "small-judge",
        "source": {"kind": "parquet", "path": "none.parquet", "columns": {"id": "id", "text": "text"}},
        "policies": [str(CONFIGS / "policies" / f"{name}.md") for name in PINNED],
        "judge": {**judge, "model": str(shipped_judge_folder), "enforce_eager": True},
        "sink": {"kind": "delta", "path": "audit"},
        "replicas": {"count": 1, "gpus": 0, "cpus": 1},
    }
    place = Workplace(tmp_path_factory.mktemp("eval"), config)
    items = str(HERE / "small_judge_items.csv")
    report = json.loads(place.run("eval", "CONFIG", "--golden", items, "--json", seconds=540).stdout)
    return {policy["policy_id"]: policy["figures"] for policy in report["policies"]}


@pytest.mark.parametrize(("policy", "figure"), [(policy, name) for policy, some in PINNED.items() for name in some])
def test_its_figures_are_within_the_intervals_that_were_measured(
    measured: dict[str, Any], policy: str, figure: str
) -> None:
    low, high = PINNED[policy][figure]
    assert low <= measured[policy][figure]["value"] <= high
    assert low > 0.5  # what guessing comes to


def test_every_item_has_a_verdict(measured: dict[str, Any]) -> None:
    assert {name: (each["answers"], each["rejected"]) for name, each in measured.items()} == dict.fromkeys(
        PINNED, (24, 0)
    )
