"""Loading a model: tokenizer, prompt family, and the vLLM engine with every batching setting explicit."""

from __future__ import annotations

import importlib.util
import multiprocessing
import os
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from actors.calibration import Calibration, read_calibration
from actors.grammar import contract_grammar, harmony_tag
from actors.guard import Guard
from actors.identity import family_of, hub_revision, model_folder
from actors.parse import Codec, split_harmony, split_plain
from actors.prompt import ContentEncoder, Framer, Renderer
from actors.prompt_chat import ChatFramer
from actors.prompt_harmony import HarmonyFramer
from assay.config import VllmConfig
from assay.errors import FatalError, InputError
from assay.policy import Policy

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase
    from vllm.engine.arg_utils import AsyncEngineArgs
    from vllm.sampling_params import SamplingParams
    from vllm.v1.engine.async_llm import AsyncLLM
    from vllm.v1.executor import Executor

_ENVIRONMENT = {
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    # On a CPU as many threads as OMP_NUM_THREADS says, which Ray sets to the replica's CPUs. By itself vLLM takes every
    # core but one, those of other replicas too, and of two cores just one.
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "VLLM_LOGGING_LEVEL": "WARNING",
    "VLLM_NO_USAGE_STATS": "1",
}


@dataclass(frozen=True, slots=True)
class Language:
    """How to talk to one model: prompts in, answers out."""

    renderer: Renderer
    codec: Codec
    harmony: bool
    calibration: Calibration | None = None


@dataclass(frozen=True, slots=True)
class Engine:
    """A running engine. `block` is the size of a KV cache block and `context` the longest sequence, both in tokens."""

    llm: AsyncLLM
    guard: Guard
    block: int
    context: int


def prepare_environment(config: VllmConfig) -> None:
    """Settings that vLLM and its libraries read when they are imported. What is already set stays."""
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    if model_folder(config) is not None:
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
    if importlib.util.find_spec("vllm") is None:
        raise FatalError("vLLM is not installed: `pip install 'assay[cpu]'`, or 'assay[gpu]' for an NVIDIA GPU")


def load_language(config: VllmConfig) -> Language:
    """Tokenizer, renderer, codec and calibration; a few seconds. Raises FatalError when the folder can't be used."""
    from transformers import AutoTokenizer

    name, revision = _name_and_revision(config)
    try:
        tokenizer = AutoTokenizer.from_pretrained(name, revision=revision)
        harmony = _is_harmony(config, name, revision)
    except (OSError, ValueError) as error:
        raise FatalError(f"the tokenizer or config of {config.model} can't be loaded: {error}") from error
    folder = model_folder(config)
    return replace(language(config, tokenizer, harmony), calibration=read_calibration(folder) if folder else None)


def language(config: VllmConfig, tokenizer: PreTrainedTokenizerBase, harmony: bool) -> Language:
    """The same for a tokenizer in memory, without a calibration."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise FatalError(f"{config.model} has no fast tokenizer (tokenizer.json), which assay needs")
    encoder = ContentEncoder(backend)
    framer: Framer = HarmonyFramer(config.effort) if harmony else ChatFramer(tokenizer, encoder)
    decode = partial(backend.decode, skip_special_tokens=False)
    split = partial(split_harmony, decode=decode) if harmony else partial(split_plain, control=encoder.control)
    digits = [encoder.encode(digit) for digit in "01"]
    zero, one = (ids[0] if len(ids) == 1 else None for ids in digits)
    renderer = Renderer(framer, encoder, config.max_rationale_chars, config.normalise)
    return Language(renderer, Codec(decode, split, zero, one), harmony)


def load_engine(config: VllmConfig, gpus: float) -> Engine:
    """Start vLLM; blocks for as long as the model takes to load. Raises FatalError, and InputError for its settings."""
    if gpus and config.tensor_parallel_size > gpus:
        raise InputError(
            f"judge.tensor_parallel_size is {config.tensor_parallel_size}, replicas.gpus is {gpus:g}: make them equal"
        )
    from vllm.platforms import current_platform
    from vllm.v1.engine.async_llm import AsyncLLM

    on_cpu = current_platform.is_cpu()
    before = set(multiprocessing.active_children())
    try:
        llm = AsyncLLM.from_engine_args(engine_args(config, on_cpu))
    except (RuntimeError, ValueError, OSError) as error:
        raise FatalError(_why_not(config, error, on_cpu)) from error
    started = [child.pid for child in multiprocessing.active_children() if child not in before]
    guard = Guard([pid for pid in started if pid is not None])
    return Engine(llm, guard, llm.vllm_config.cache_config.block_size, llm.model_config.max_model_len)


def engine_args(config: VllmConfig, on_cpu: bool) -> AsyncEngineArgs:
    """Everything that the engine is told."""
    from vllm.engine.arg_utils import AsyncEngineArgs

    name, revision = _name_and_revision(config)
    return AsyncEngineArgs(
        model=name,
        revision=revision,
        tokenizer_revision=revision,
        dtype=config.dtype,
        kv_cache_dtype=config.kv_cache_dtype,
        seed=config.seed,
        max_model_len=config.max_model_len,
        max_num_seqs=config.max_num_seqs,
        max_num_batched_tokens=config.max_num_batched_tokens,
        tensor_parallel_size=config.tensor_parallel_size,
        distributed_executor_backend=_executor(config, on_cpu),
        gpu_memory_utilization=config.gpu_memory_utilization,
        kv_cache_memory_bytes=int(config.cpu_kv_cache_gib * 2**30) if on_cpu else None,
        enforce_eager=config.enforce_eager,
        enable_prefix_caching=config.prefix_caching,
        logprobs_mode="raw_logprobs",
        structured_outputs_config={"backend": "xgrammar"},
        disable_log_stats=True,
    )


def _executor(config: VllmConfig, on_cpu: bool) -> str | type[Executor] | None:
    """What runs the model; None leaves it to vLLM.

    On a CPU vLLM runs even a single worker in a process beside the engine's, so that its threads can be bound. Where
    none are, that only costs: a second start, and a core that waits for messages.
    """
    if config.tensor_parallel_size > 1:
        return "mp"
    if on_cpu and os.environ.get("VLLM_CPU_OMP_THREADS_BIND") == "nobind":
        from vllm.v1.executor.uniproc_executor import UniProcExecutor

        alone: type[Executor] = UniProcExecutor
        return alone
    return None


def sampling(config: VllmConfig, language: Language, policy: Policy, violation: bool | None = None) -> SamplingParams:
    """How answers under `policy` are sampled; one object for all its cases (vLLM copies what it changes).

    `violation`: what each answer is held to, None for whatever the model says.
    """
    from vllm.sampling_params import RequestOutputKind, SamplingParams, StructuredOutputsParams

    codec, limit = language.codec, config.max_rationale_chars
    grammar = (
        StructuredOutputsParams(structural_tag=harmony_tag(policy, limit, violation))
        if language.harmony
        else StructuredOutputsParams(grammar=contract_grammar(policy, limit, violation))
    )
    digits = [codec.zero, codec.one]
    return SamplingParams(
        temperature=config.temperature,
        top_p=config.top_p,
        seed=config.seed if config.temperature else None,
        max_tokens=config.max_output_tokens,
        stop_token_ids=list(language.renderer.stop_ids),
        logprob_token_ids=None if None in digits else digits,
        flat_logprobs=True,
        detokenize=False,
        output_kind=RequestOutputKind.FINAL_ONLY,
        structured_outputs=grammar,
        skip_clone=True,
    )


def _why_not(config: VllmConfig, error: Exception, on_cpu: bool) -> str:
    memory = (
        "judge.cpu_kv_cache_gib, judge.max_num_seqs or judge.max_num_batched_tokens"
        if on_cpu
        else "judge.max_model_len or judge.max_num_seqs (or raise judge.gpu_memory_utilization if others leave room)"
    )
    return (
        f"the engine for {config.model} did not start: {error}\n"
        f"Its own messages are above. If memory ran out, lower {memory}."
    )


def _name_and_revision(config: VllmConfig) -> tuple[str, str | None]:
    """What the loaders are given: a folder, or a name on the hub with the very commit that the identity names."""
    folder = model_folder(config)
    return (str(folder), None) if folder is not None else (config.model, hub_revision(config))


def _is_harmony(config: VllmConfig, name: str, revision: str | None) -> bool:
    folder = model_folder(config)
    if folder is not None:
        return family_of(config, folder) == "harmony"
    if config.family != "auto":
        return config.family == "harmony"
    from transformers import AutoConfig

    return bool(AutoConfig.from_pretrained(name, revision=revision).model_type == "gpt_oss")
