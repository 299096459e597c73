"""Checkpoints of a training run: safetensors and JSON, no pickle. The newest complete one counts."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import torch
from pydantic import BaseModel, ConfigDict
from safetensors.torch import load_file, save_file

from assay.errors import InputError


class Progress(BaseModel):
    """How far a run has come. `cases` and `tokens` are what it has been trained on; `seconds` what that took."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    seed: int
    step: int = 0
    cases: int = 0
    tokens: int = 0
    seconds: float = 0.0


def save(
    folder: Path, progress: Progress, weights: Mapping[str, torch.Tensor], moments: Mapping[str, torch.Tensor]
) -> None:
    """Replace the checkpoint in `folder`; it is complete or the old one is still there."""
    unfinished = folder / ".checkpoint"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    save_file({name: each.detach().contiguous() for name, each in weights.items()}, unfinished / "lora.safetensors")
    save_file(dict(moments), unfinished / "optimizer.safetensors")
    (unfinished / "progress.json").write_text(progress.model_dump_json(), encoding="utf-8")
    final = folder / f"step-{progress.step:06}"
    shutil.rmtree(final, ignore_errors=True)
    unfinished.rename(final)
    for older in sorted(folder.glob("step-*"))[:-2]:
        shutil.rmtree(older)


def newest(folder: Path) -> Path:
    """The newest checkpoint below a run's folder. Raises InputError if there is none."""
    found = sorted(folder.glob("step-*"))
    if not found:
        raise InputError(f"{folder}: holds no checkpoint (step-*); train first, without --resume")
    return found[-1]


def progress_of(checkpoint: Path) -> Progress:
    return Progress.model_validate_json((checkpoint / "progress.json").read_text(encoding="utf-8"))


def weights_of(checkpoint: Path) -> dict[str, torch.Tensor]:
    loaded: dict[str, torch.Tensor] = load_file(checkpoint / "lora.safetensors")
    return loaded


def moments_of(checkpoint: Path) -> dict[str, torch.Tensor]:
    loaded: dict[str, torch.Tensor] = load_file(checkpoint / "optimizer.safetensors")
    return loaded
