"""What ships of a checkpoint: its LoRA matrices in bfloat16."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save_file

from actors.small_judge_model import DELTA_FILE
from training.checkpoints import weights_of


def save_delta(checkpoint: Path, folder: Path) -> Path:
    """Write delta.safetensors into `folder`; its path."""
    weights = {name: each.to(torch.bfloat16).contiguous() for name, each in weights_of(checkpoint).items()}
    path = folder / DELTA_FILE
    save_file(weights, path)
    return path
