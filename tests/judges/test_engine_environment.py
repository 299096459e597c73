"""What an engine is told by its environment, before vLLM is imported."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from actors.engine_load import prepare_environment
from tests.conftest import vllm_config

THREADS = "VLLM_CPU_OMP_THREADS_BIND"


def test_an_engine_leaves_it_to_its_replica_on_how_many_cores_it_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(THREADS, "")
    monkeypatch.delenv(THREADS)
    prepare_environment(vllm_config(Path("org/model")))
    assert os.environ[THREADS] == "nobind"


def test_what_the_user_has_set_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(THREADS, "0-3")
    prepare_environment(vllm_config(Path("org/model")))
    assert os.environ[THREADS] == "0-3"
