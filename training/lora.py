"""The base model with LoRA matrices, and those matrices as plain tensors by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from peft import LoraConfig, get_peft_model
from torch.nn.functional import linear
from transformers import AutoModelForCausalLM

from actors.small_judge_model import merge
from assay.errors import InputError
from training.packing import ATTENTION, Pack, hidden_states

if TYPE_CHECKING:
    from peft import PeftModel

RANK = 16
SCALE = 2.0
"""The merged weight is W + SCALE * (B @ A)."""

MODULES = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


class Precision(StrEnum):
    """What most of the arithmetic is done in.

    bfloat16 is what the judge is served in. A CPU that has no instructions for it, or slow ones, does float32 in half
    the time; weights are of bfloat16 either way.
    """

    BFLOAT16 = "bfloat16"
    FLOAT32 = "float32"

    @property
    def dtype(self) -> torch.dtype:
        return torch.bfloat16 if self is Precision.BFLOAT16 else torch.float32


class Judge:
    """The model to train or score with, on the GPU if there is one.

    The layers from `first_layer` on have LoRA matrices. The lower ones stay those of the base, which makes a training
    step cheaper, since no gradient goes there. With `first_layer` None it is the base as it is.
    """

    def __init__(
        self,
        folder: Path,
        seed: int = 0,
        first_layer: int | None = 0,
        precision: Precision = Precision.BFLOAT16,
    ) -> None:
        torch.manual_seed(seed)
        base = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16, attn_implementation=ATTENTION)
        base.to("cuda" if torch.cuda.is_available() else "cpu", precision.dtype)
        self.model: PeftModel | None = None
        if first_layer is not None:
            layers = list(range(first_layer, base.config.num_hidden_layers))
            config = LoraConfig(
                r=RANK, lora_alpha=int(RANK * SCALE), target_modules=list(MODULES), layers_to_transform=layers
            )
            self.model = get_peft_model(base, config)
        self._base, self._decoder, self._head = base, base.model, base.lm_head.weight

    def parameters(self) -> dict[str, torch.nn.Parameter]:
        """What is trained, in float32, by names such as `model.layers.0.self_attn.q_proj.lora_A`."""
        if self.model is None:
            return {}
        return {_name(name): each for name, each in self.model.named_parameters() if each.requires_grad}

    def load(self, tensors: Mapping[str, torch.Tensor]) -> None:
        """Take over LoRA matrices. Raises InputError unless their names are exactly those of `parameters`."""
        own = self.parameters()
        if own.keys() != tensors.keys():
            raise InputError("the checkpoint's matrices are of another model, or begin at another --first-layer")
        with torch.no_grad():
            for name, each in own.items():
                each.copy_(tensors[name])

    def merge(self, delta: Path) -> None:
        """Add a delta as it ships to the weights, rounded as they ship. Raises FatalError where it does not fit."""
        precision = self._base.dtype
        merge(self._base.bfloat16(), delta, SCALE)
        self._base.to(precision)

    def weight(self, name: str) -> torch.Tensor:
        """That of the module with this name in the model."""
        found: torch.Tensor = self._base.get_submodule(name).weight
        return found

    def states(self, pack: Pack, places: Sequence[int]) -> torch.Tensor:
        """The last hidden states of `places` in float32, [places, width]."""
        with torch.autocast(self._head.device.type, torch.bfloat16, enabled=self._head.dtype is torch.bfloat16):
            found = hidden_states(self._decoder, pack)
        return found[torch.tensor(places, device=found.device)].float()

    def logits(self, states: torch.Tensor, tokens: Sequence[int] | None = None) -> torch.Tensor:
        """Logits in float32 of the token after each state: of the whole vocabulary, or of `tokens` only.

        Those of `tokens` are worked out in float32; in bfloat16, which is enough for words, large ones are multiples
        of 1/8.
        """
        if tokens is None:
            return linear(states.to(self._head.dtype), self._head).float()
        return linear(states, self._head[torch.tensor(tokens, device=self._head.device)].float())

    def odds(self, pack: Pack, places: Sequence[int], zero: int, one: int) -> list[float]:
        """ln(P(one) / P(zero)) of the token after each of `places`."""
        with torch.no_grad():
            logits = self.logits(self.states(pack, places), (zero, one))
        found: list[float] = (logits[:, 1] - logits[:, 0]).tolist()
        return found


def _name(name: str) -> str:
    return name.removeprefix("base_model.model.").removesuffix(".weight").removesuffix(".default")
