"""Many contents behind one policy in a single forward pass: what makes training possible on a CPU.

A pack is the frame's prefix (the policy) once, then segments: content, suffix and answer. A segment attends to the
prefix and to itself, and its positions go on from the prefix's end, so each segment gets exactly the hidden states of
the unpacked sequence prefix + segment. In the pass, whole segments are laid out in rows of the same width: then
attention to the prefix and within a row are a few large matrix products, which on a CPU with bfloat16 are several
times as fast as the fused kernel.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from transformers import AttentionInterface

if TYPE_CHECKING:
    from transformers import PreTrainedModel

ATTENTION = "assay_packed"
"""The attention implementation to load a model with: `from_pretrained(..., attn_implementation=ATTENTION)`."""

WIDTH = 160
"""Tokens of a row, unless a segment is longer, or narrower rows take less room."""


@dataclass(frozen=True, slots=True)
class Pack:
    """Token ids of one pass. `segments` are all ids that come after `prefix` in each sequence."""

    prefix: tuple[int, ...]
    segments: tuple[tuple[int, ...], ...]

    @property
    def tokens(self) -> int:
        return len(self.prefix) + sum(len(segment) for segment in self.segments)


@dataclass(frozen=True, slots=True)
class Plan:
    """How a pack is laid out: the prefix, then `rows` rows of `width` tokens, the last ones of each filled up.

    `ids` and `positions` are those of the pass, [1, places]; `places[k]` is where the pack's token k lies. `later`
    masks what a token of the prefix must not see, [prefix, prefix], and `hidden` what a token of a row must not see of
    its row, [rows, 1, 1, width, width]; both are to be added to scores.
    """

    prefix: int
    width: int
    ids: torch.Tensor
    positions: torch.Tensor
    places: torch.Tensor
    later: torch.Tensor
    hidden: torch.Tensor


def plan(pack: Pack, device: torch.device, dtype: torch.dtype) -> Plan:
    after = len(pack.prefix)
    width, starts = _laid_out([len(segment) for segment in pack.segments])
    rows = max(starts) // width + 1
    ids, positions, owner = torch.zeros(3, rows * width, dtype=torch.long)
    for number, (start, segment) in enumerate(zip(starts, pack.segments, strict=True)):
        inside = slice(start, start + len(segment))
        ids[inside] = torch.tensor(segment)
        positions[inside] = torch.arange(after, after + len(segment))
        owner[inside] = number + 1
    owner = owner.view(rows, width)
    other = (owner[:, :, None] != owner[:, None]) | _later(width)
    return Plan(
        after,
        width,
        torch.cat([torch.tensor(pack.prefix), ids])[None].to(device),
        torch.cat([torch.arange(after), positions])[None].to(device),
        torch.tensor([*range(after), *_places(pack, starts)], device=device),
        _added(_later(after)).to(device, dtype),
        _added(other)[:, None, None].to(device, dtype),
    )


def _laid_out(lengths: Sequence[int]) -> tuple[int, list[int]]:
    """The width of the rows, of two the one with which they take less room, and where each segment begins."""
    longest = max(lengths)
    laid = [(width, _starts(lengths, width)) for width in (max(WIDTH // 2, longest), max(WIDTH, longest))]
    return min(laid, key=lambda each: (max(each[1]) // each[0] + 1) * each[0])


def _starts(lengths: Sequence[int], width: int) -> list[int]:
    """Where each segment begins among the rows' tokens: longest first, each in the first row that has room."""
    used: list[int] = []
    starts = [0] * len(lengths)
    for number in sorted(range(len(lengths)), key=lambda each: -lengths[each]):
        row = next((row for row, end in enumerate(used) if end + lengths[number] <= width), len(used))
        used += [0] * (row == len(used))
        starts[number] = row * width + used[row]
        used[row] += lengths[number]
    return starts


def _places(pack: Pack, starts: Sequence[int]) -> Iterator[int]:
    for start, segment in zip(starts, pack.segments, strict=True):
        yield from range(len(pack.prefix) + start, len(pack.prefix) + start + len(segment))


def _later(size: int) -> torch.Tensor:
    return torch.ones(size, size, dtype=torch.bool).triu(1)


def _added(masked: torch.Tensor) -> torch.Tensor:
    return torch.zeros(masked.shape).masked_fill(masked, -torch.inf)


def hidden_states(model: PreTrainedModel, pack: Pack) -> torch.Tensor:
    """The last hidden states of all tokens of the pack, [tokens, width]: the prefix's, then each segment's.

    `model` is the decoder without its head, loaded with `ATTENTION`.
    """
    laid = plan(pack, model.device, model.dtype)
    output = model(input_ids=laid.ids, position_ids=laid.positions, use_cache=False, pack_plan=laid)
    states: torch.Tensor = output.last_hidden_state[0]
    return states.index_select(0, laid.places)


def segment_ends(pack: Pack) -> list[int]:
    """Where each segment ends among the pack's tokens: the index after its last one."""
    lengths = [len(segment) for segment in pack.segments]
    return [len(pack.prefix) + sum(lengths[: number + 1]) for number in range(len(lengths))]


def _attend(
    module: torch.nn.Module,  # noqa: ARG001 (the interface's signature)
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,  # noqa: ARG001
    *,
    pack_plan: Plan,
    scaling: float,
    **_: object,
) -> tuple[torch.Tensor, None]:
    """Queries [1, heads, tokens, d] over keys and values with fewer heads; the result is [1, tokens, heads, d]."""
    end = pack_plan.prefix
    with torch.autocast(query.device.type, enabled=False):
        asked = query[0].unflatten(0, (key.shape[1], -1)) * scaling
        first = _weighted(asked[:, :, :end], key[0, :, :end], value[0, :, :end], pack_plan.later)
        rows = _rows(asked[:, :, end:], pack_plan.width).permute(2, 0, 1, 3, 4)
        keys, values = (_beside_prefix(each[0], end, pack_plan.width) for each in (key, value))
        rest = _weighted(rows, keys, values, pack_plan.hidden).permute(1, 2, 0, 3, 4).flatten(2, 3)
    return torch.cat([first, rest], dim=2).flatten(0, 1).transpose(0, 1)[None], None


def _rows(tokens: torch.Tensor, width: int) -> torch.Tensor:
    """[..., tokens, d] as [..., rows, width, d]."""
    return tokens.unflatten(-2, (-1, width))


def _beside_prefix(each: torch.Tensor, end: int, width: int) -> torch.Tensor:
    """Keys or values [shared, tokens, d] as [rows, shared, prefix + width, d]: each row's behind the prefix's."""
    own = _rows(each[:, end:], width).transpose(0, 1)
    return torch.cat([each[:, :end].expand(len(own), -1, -1, -1), own], dim=2)


def _weighted(rows: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Attention of rows [..., shared, groups, n, d] to keys [..., shared, m, d]; `mask` is of the last keys.

    The query heads that share a key head are computed as further rows.
    """
    scores = (rows.flatten(-3, -2) @ keys.transpose(-2, -1)).unflatten(-2, rows.shape[-3:-1])
    scores[..., -mask.shape[-1] :] += mask
    weights = scores.softmax(-1)
    return (weights.flatten(-3, -2) @ values).unflatten(-2, rows.shape[-3:-1])


AttentionInterface.register(ATTENTION, _attend)
