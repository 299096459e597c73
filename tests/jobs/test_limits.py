"""A process takes no more than it is given."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from jobs.limits import memory_bytes

UNDER_A_LIMIT = """
import os, resource
from jobs.limits import cores, memory_bytes
resource.setrlimit(resource.RLIMIT_DATA, (1_000_000_000, resource.RLIM_INFINITY))
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])
print(cores(), memory_bytes())
"""


@pytest.mark.parametrize(("said", "taken"), [("1048576\n", True), ("max\n", False)])
def test_a_container_has_what_its_group_may_use(tmp_path: Path, said: str, taken: bool) -> None:
    (tmp_path / "memory.max").write_text(said)
    assert (memory_bytes(tmp_path / "memory.max") == 1048576) is taken


def test_a_machine_without_such_groups_has_its_memory(tmp_path: Path) -> None:
    assert memory_bytes(tmp_path / "none") > 1048576


def test_limits_of_the_process_hold() -> None:
    done = subprocess.run([sys.executable, "-c", UNDER_A_LIMIT], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "1000000000"]
