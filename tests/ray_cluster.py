"""A Ray cluster that the jobs of many tests join: most of what a short job costs is to start one of its own.

It has a process of its own, so that neither its token nor anything of Ray is left in the process of the tests; it ends
with that process, however that ends.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

CPUS = 8
_MEMORY_BYTES = 256 * 2**20
_STOP_SECONDS = 60


@dataclass(frozen=True, slots=True)
class SharedCluster:
    """`address` is for `replicas.address`, `environment` for the process of a job that joins."""

    address: str
    environment: Mapping[str, str]


@contextmanager
def shared_cluster() -> Iterator[SharedCluster]:
    """A cluster of one node that asks for a token."""
    environment = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32), "RAY_USAGE_STATS_ENABLED": "0"}
    process = subprocess.Popen(
        [sys.executable, __file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        address = next((line.strip() for line in process.stdout if line.startswith("address ")), "")
        assert address, "the shared Ray cluster did not start"
        yield SharedCluster(address.removeprefix("address "), environment)
    finally:
        process.communicate(timeout=_STOP_SECONDS)


def _serve() -> None:
    """Until nobody holds the other end of stdin."""
    from ray.cluster_utils import Cluster

    node = {
        "num_cpus": CPUS,
        "object_store_memory": _MEMORY_BYTES,
        "include_dashboard": False,
        "include_log_monitor": False,  # no job asks for the logs of its replicas
    }
    cluster = Cluster(initialize_head=True, head_node_args=node)
    try:
        print(f"address {cluster.address}", flush=True)
        sys.stdin.read()
    finally:
        cluster.shutdown()


if __name__ == "__main__":
    _serve()
