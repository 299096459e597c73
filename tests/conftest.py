"""Fixtures that several rooms of tests share: model folders, made once and kept in .models beside the code."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from actors import small_judge_model, small_model
from assay.config import VllmConfig
from tests import tiny_gpt_oss
from tests.chances import thorough
from tests.ray_cluster import SharedCluster, shared_cluster

MODELS = Path(__file__).parents[1] / ".models"
AS_INSTALLED = Path(__file__).parent / "as_installed"

THIRD_PARTY_WARNINGS = (
    "ignore:.*reduce_op.*:FutureWarning",
    "ignore:Unclosed context <zmq:ResourceWarning",
    "ignore:unclosed <socket.socket:ResourceWarning",  # kafka-python leaves those of a lost broker to the collector
    "ignore::DeprecationWarning:torch.*",
    "ignore::DeprecationWarning:vllm.*",
    "ignore::FutureWarning:vllm.*",
    "ignore::UserWarning:torch.*",
    "ignore:builtin type Swig.*:DeprecationWarning",
    "ignore:builtin type swig.*:DeprecationWarning",
)


def pytest_configure(config: pytest.Config) -> None:
    os.environ.setdefault("RAY_AUTH_MODE", "token")  # Ray reads it once, when the first test imports it
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # threads that wait for one another, beside other processes' tests
    os.environ.setdefault("RAY_worker_niceness", "0")  # its 15 starves an engine beside the other processes' tests
    if not thorough():
        os.environ.setdefault("TORCHDYNAMO_DISABLE", "1")  # tracing an engine's code: five seconds of each start
    if hasattr(config, "workerinput") or not config.getoption("numprocesses", None):  # a process that runs tests itself
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(AS_INSTALLED), os.environ.get("PYTHONPATH"))))
    for line in THIRD_PARTY_WARNINGS:
        config.addinivalue_line("filterwarnings", line)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that start engines come first: begun last, they would run alone at the end."""
    items.sort(key=lambda item: item.get_closest_marker("vllm") is None)


@pytest.fixture(scope="session")
def ray_cluster() -> Iterator[SharedCluster]:
    """For jobs whose own cluster is not what is tested. Their drivers may fail, but nobody harms it."""
    with shared_cluster() as cluster:
        yield cluster


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Of the processes that run tests: a model that one of them makes is there for the others."""
    MODELS.mkdir(exist_ok=True)
    with (MODELS / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def small_model_folder() -> Path:
    """SmolLM2-135M-Instruct."""
    with _one_at_a_time():
        return small_model.prepare(MODELS)


@pytest.fixture(scope="session")
def shipped_judge_folder() -> Path:
    """The small judge that ships, as the demo has it."""
    with _one_at_a_time():
        return small_judge_model.prepare(MODELS)


@pytest.fixture(scope="session")
def tiny_gpt_oss_folder() -> Path:
    """A random two-layer gpt-oss with the true tokenizer. In CI its absence is a failure."""
    try:
        with _one_at_a_time():
            return tiny_gpt_oss.build(MODELS)
    except tiny_gpt_oss.RanksMissing as missing:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(missing))


def vllm_config(model: Path, **changes: object) -> VllmConfig:
    """A small engine for two cores: short answers, a little cache, no compilation."""
    settings: dict[str, object] = {
        "kind": "vllm",
        "model": str(model),
        "max_output_tokens": 200,
        "retry_output_tokens": 400,
        "max_rationale_chars": 60,
        "max_model_len": 2048,
        "max_num_seqs": 16,
        "max_num_batched_tokens": 2048,
        "cpu_kv_cache_gib": 0.25,
        "enforce_eager": True,
    }
    return VllmConfig.model_validate({**settings, **changes})
