"""The configs that ship are valid where they lie, and every judge key of theirs is explained."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from assay.config import Config, DeltaConfig, ParquetConfig, VllmConfig
from jobs.load import load_job

ROOT = Path(__file__).parents[2]
CONFIGS = sorted((ROOT / "configs").glob("gpt-oss-*.yaml"))


@pytest.mark.parametrize("file", CONFIGS, ids=lambda file: file.stem)
def test_a_shipped_config_is_valid_and_commented(file: Path) -> None:
    text = file.read_text()
    config = Config.model_validate(yaml.safe_load(text))
    assert isinstance(config.judge, VllmConfig)
    assert config.judge.tensor_parallel_size == config.replicas.gpus
    assert config.judge.window > config.judge.max_num_seqs
    judge_lines = text.split("judge:\n")[1].split("sink:")[0].splitlines()
    assert all("#" in line for line in judge_lines if "kind:" not in line and "model:" not in line)


@pytest.mark.parametrize("file", CONFIGS, ids=lambda file: file.stem)
def test_its_relative_paths_are_right_from_its_own_folder(file: Path) -> None:
    job = load_job(file)
    assert {policy.id for policy in job.policies} == {
        path.stem for path in (ROOT / "configs" / "policies").glob("*.md")
    }
    source, sink = job.config.source, job.config.sink
    assert isinstance(source, ParquetConfig)
    assert isinstance(sink, DeltaConfig)
    assert source.path == (str(ROOT / "data" / "items" / "*.parquet"),)
    assert sink.path == str(ROOT / "out" / "audit")


def test_all_three_are_there() -> None:
    assert len(CONFIGS) == 3
