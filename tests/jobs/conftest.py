from __future__ import annotations

from pathlib import Path

import pytest

from tests.jobs.workplace import Workplace, make_workplace
from tests.ray_cluster import SharedCluster


@pytest.fixture
def place(tmp_path: Path, ray_cluster: SharedCluster) -> Workplace:
    """A small job on one replica; its runs join the cluster that the tests share."""
    place = make_workplace(tmp_path).join(ray_cluster)
    place.config["replicas"]["count"] = 1
    return place
