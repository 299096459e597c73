"""An identity changes with whatever can change an answer, and with nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from actors.identity import identify
from assay.config import ScriptedConfig, VllmConfig
from assay.errors import InputError


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "some-model"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"model_type": "llama"}))
    (folder / "model.safetensors").write_bytes(bytes(4_000_000))
    return folder


def config(folder: Path | str, **changes: object) -> VllmConfig:
    return VllmConfig.model_validate({"kind": "vllm", "model": str(folder), **changes})


@pytest.mark.parametrize(
    "change",
    [
        {"effort": "high"},
        {"temperature": 0.5},
        {"seed": 1},
        {"top_p": 0.9},
        {"max_output_tokens": 100},
        {"retry_output_tokens": 100},
        {"max_rationale_chars": 100},
        {"max_model_len": 1000},
        {"dtype": "float32"},
        {"kv_cache_dtype": "fp8"},
        {"family": "harmony"},
    ],
)
def test_what_can_change_an_answer_changes_the_settings_hash(model: Path, change: dict[str, object]) -> None:
    assert identify(config(model)).settings_hash != identify(config(model, **change)).settings_hash


@pytest.mark.parametrize(
    "change",
    [
        {"window": 7},
        {"max_num_seqs": 7},
        {"max_num_batched_tokens": 4096},
        {"gpu_memory_utilization": 0.5},
        {"cpu_kv_cache_gib": 3},
        {"tensor_parallel_size": 2},
        {"enforce_eager": True},
        {"prefix_caching": False},
        {"keep_reasoning": False},
        {"family": "chat"},
    ],
)
def test_what_only_changes_speed_or_storage_does_not(model: Path, change: dict[str, object]) -> None:
    assert identify(config(model)) == identify(config(model, **change))


def test_the_revision_follows_config_template_and_weights(model: Path) -> None:
    before = identify(config(model))
    assert before.name == "some-model"
    (model / "chat_template.jinja").write_text("{{ messages }}")
    with_template = identify(config(model))
    tuned = bytearray(4_000_000)
    tuned[1_000_000:2_000_000] = b"\x01" * 1_000_000
    (model / "model.safetensors").write_bytes(tuned)
    with_weights = identify(config(model))
    assert len({before.revision, with_template.revision, with_weights.revision}) == 3


def test_a_model_that_is_not_there_is_named_with_a_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    for missing in ("./nowhere", "/no/such/folder", "nowhere"):
        with pytest.raises(InputError, match=r"judge\.model: there is no folder"):
            identify(config(missing))
    with pytest.raises(InputError, match=r"set judge\.revision"):
        identify(config("org/model"))
    with pytest.raises(InputError, match=r"no config\.json"):
        identify(config(tmp_path))


def test_a_hub_model_is_pinned_to_a_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    refs = tmp_path / "models--org--model" / "refs"
    refs.mkdir(parents=True)
    (refs / "main").write_text("c" * 40)
    assert identify(config("org/model")).revision == "c" * 40
    assert identify(config("org/model", revision="d" * 40)).revision == "d" * 40


def test_a_script_is_its_pattern_not_its_pace() -> None:
    base = identify(ScriptedConfig(kind="scripted", match="x"))
    assert base == identify(ScriptedConfig(kind="scripted", match="x", latency_ms=5, jitter=0.5, window=3, kill_on="z"))
    assert base != identify(ScriptedConfig(kind="scripted", match="y"))


def test_a_script_that_errs_is_another_judge() -> None:
    base = identify(ScriptedConfig(kind="scripted", match="x"))
    assert base == identify(ScriptedConfig(kind="scripted", match="x", seed=3))
    erring = {identify(ScriptedConfig(kind="scripted", match="x", noise=0.1, seed=seed)) for seed in (0, 1)}
    assert len(erring | {base}) == 3
