"""How much of the machine this process may use: less than there is, in a container or under a limit."""

from __future__ import annotations

import os
import resource
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup/memory.max")


def cores() -> int:
    """How many CPUs this process may run on."""
    return len(os.sched_getaffinity(0))


def memory_bytes(cgroup: Path = _CGROUP) -> int:
    """The machine's memory, or what the process's limit of data (`ulimit -d`) or its container (cgroup v2) leaves."""
    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    data, _ = resource.getrlimit(resource.RLIMIT_DATA)
    if data != resource.RLIM_INFINITY:
        limits.append(data)
    if cgroup.exists() and (said := cgroup.read_text().strip()).isdigit():
        limits.append(int(said))
    return min(limits)
