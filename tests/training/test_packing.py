"""A pack gives every segment what a pass of its own would give: the same states, the same gradients."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

from training.lora import Judge
from training.packing import ATTENTION, Pack, hidden_states, segment_ends


def a_pack(seed: int, prefix: int, lengths: list[int]) -> Pack:
    rng = random.Random(seed)
    ids = [tuple(rng.randrange(100, 40_000) for _ in range(count)) for count in (prefix, *lengths)]
    return Pack(ids[0], tuple(ids[1:]))


def check(folder: Path, pack: Pack, tolerance: float) -> None:
    packed = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation=ATTENTION).model
    plain = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").model
    states = hidden_states(packed, pack)
    sum(states[end - 1].square().sum() for end in segment_ends(pack)).backward()
    for segment, end in zip(pack.segments, segment_ends(pack), strict=True):
        alone = plain(input_ids=torch.tensor([pack.prefix + segment])).last_hidden_state[0]
        torch.testing.assert_close(
            states[end - len(segment) : end], alone[len(pack.prefix) :], atol=tolerance, rtol=1e-3
        )
        alone[-1].square().sum().backward()
    for (name, one), other in zip(packed.named_parameters(), plain.parameters(), strict=True):
        scale = float(other.grad.abs().max())
        torch.testing.assert_close(one.grad, other.grad, atol=tolerance * max(1.0, scale), rtol=1e-2, msg=name)


@pytest.mark.parametrize("lengths", [[1], [7, 7, 7], [1, 12, 3, 30, 2], [70, 90, 70], [50, 161]])
def test_packed_passes_equal_single_ones(tiny_llama: Path, lengths: list[int]) -> None:
    check(tiny_llama, a_pack(len(lengths), 17, lengths), 1e-4)


@pytest.mark.slow
def test_packed_passes_of_the_small_model_equal_single_ones(small_model_folder: Path) -> None:
    check(small_model_folder, a_pack(1, 40, [9, 1, 21, 5]), 1e-3)


def test_segments_do_not_see_each_other(tiny_llama: Path) -> None:
    model = AutoModelForCausalLM.from_pretrained(tiny_llama, dtype=torch.float32, attn_implementation=ATTENTION).model
    pack = a_pack(3, 10, [6, 9])
    other = Pack(pack.prefix, (pack.segments[0], tuple(reversed(pack.segments[1]))))
    with torch.no_grad():
        one, two = hidden_states(model, pack), hidden_states(model, other)
    torch.testing.assert_close(one[:16], two[:16], atol=1e-5, rtol=1e-4)
    assert not torch.allclose(one[16:], two[16:])


def test_odds_are_not_rounded_to_the_steps_of_bfloat16(tiny_llama: Path) -> None:
    judge = Judge(tiny_llama)
    packs = [a_pack(seed, 12, [5, 9, 14]) for seed in range(5)]
    found = [odd for pack in packs for odd in judge.odds(pack, [end - 1 for end in segment_ends(pack)], 32, 33)]
    assert len(found) == len(set(found)) == 15
    states = judge.states(packs[0], [0, 20])
    whole = judge.logits(states)[:, [32, 33]]
    torch.testing.assert_close(judge.logits(states, (32, 33)), whole, atol=0.02, rtol=0.02)
