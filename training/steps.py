"""One training step: loss, gradient, update; and the state that a resumed run needs."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from training.encoding import Encoded, Encoder
from training.lora import Judge

WORDS_WEIGHT = 0.1
"""What the mean loss of the other tokens of whole answers counts beside the mean loss of the digits."""

RUNNING_WEIGHT, RUNNING_SHARE = 1.0, 0.7
"""What the mean loss of the running verdicts counts at first, and the share of the run over which that goes to 0.

Every state of a content is asked for the verdict too, as if the content ended there. Early ones can't know it, but
what they say is right on average; so the judge learns from each token what words mean to a policy, long before its
last state learns where to look.
"""

WARM_UP = 0.04
FLOOR = 0.05
"""Shares: of the run, until the learning rate is at its peak; of the peak, what is left at the end."""

_MOMENTS = ("exp_avg", "exp_avg_sq")


def rate(peak: float, done: float) -> float:
    """The learning rate after the share `done` of the run: a linear warm-up, then half a cosine."""
    if done < WARM_UP:
        return peak * (done + 1e-3) / (WARM_UP + 1e-3)
    turned = (1 + math.cos(math.pi * min(1.0, (done - WARM_UP) / (1 - WARM_UP)))) / 2
    return peak * (FLOOR + (1 - FLOOR) * turned)


class Trainer:
    """AdamW over the LoRA matrices of `judge`."""

    def __init__(self, judge: Judge, encoder: Encoder, peak: float) -> None:
        self._judge = judge
        self._digits = (encoder.zero, encoder.one)
        self._peak = peak
        self._named = judge.parameters()
        self._optimizer = torch.optim.AdamW(self._named.values(), lr=peak, betas=(0.9, 0.98), weight_decay=0.01)

    def step(self, packs: list[Encoded], done: float) -> tuple[float, float]:
        """Train on `packs` at the share `done` of the run. Returns the mean loss of the digits, and of the words."""
        for group in self._optimizer.param_groups:
            group["lr"] = rate(self._peak, done)
        weight = RUNNING_WEIGHT * max(0.0, 1 - done / RUNNING_SHARE)
        losses = [self._backward(each, len(packs), weight) for each in packs]
        torch.nn.utils.clip_grad_norm_(self._named.values(), 1.0)
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        digits, words = zip(*losses, strict=True)
        return sum(digits) / len(packs), sum(words) / len(packs)

    def _backward(self, each: Encoded, share: int, running_weight: float) -> tuple[float, float]:
        running_places = [place for some in each.running for place in some] if running_weight else []
        places = [*each.digits, *running_places]
        states = self._judge.states(each.pack, [*places, *(place for place, _ in each.words)])
        count = len(each.digits)
        targets = torch.tensor(each.targets, device=states.device)
        digits = binary_cross_entropy_with_logits(self._odds(states[:count]), targets)
        running = self._running(states[count : len(places)], each) if running_weight else digits.new_zeros(())
        words = digits.new_zeros(())
        if each.words:
            tokens = torch.tensor([token for _, token in each.words], device=states.device)
            words = cross_entropy(self._judge.logits(states[len(places) :]), tokens)
        ((digits + running_weight * running + WORDS_WEIGHT * words) / share).backward()
        return digits.item(), words.item()

    def _running(self, states: torch.Tensor, each: Encoded) -> torch.Tensor:
        """The mean over the contents of the mean loss of each one's running verdicts."""
        lengths = torch.tensor([len(some) for some in each.running])
        targets = torch.tensor(each.targets).repeat_interleave(lengths).to(states.device)
        weights = (1 / (lengths * len(lengths))).repeat_interleave(lengths).to(states.device)
        return binary_cross_entropy_with_logits(self._odds(states), targets, weights, reduction="sum")

    def _odds(self, states: torch.Tensor) -> torch.Tensor:
        """ln(P(1) / P(0)) of the digit after each state."""
        logits = self._judge.logits(states, self._digits)
        return logits[:, 1] - logits[:, 0]

    def moments(self) -> dict[str, torch.Tensor]:
        """The optimizer's state, by parameter and kind."""
        state = self._optimizer.state
        found = {f"{name}.{kind}": state[each][kind] for name, each in self._named.items() for kind in _MOMENTS}
        return found | {"step": next(iter(state.values()))["step"]}

    def load_moments(self, moments: Mapping[str, torch.Tensor]) -> None:
        for name, each in self._named.items():
            own = {kind: moments[f"{name}.{kind}"].to(each.device, copy=True) for kind in _MOMENTS}
            self._optimizer.state[each] = own | {"step": moments["step"].clone()}
