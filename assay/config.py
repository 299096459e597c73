"""The config model: one YAML file, one frozen object. Unknown keys are errors."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=(), allow_inf_nan=False)


class Columns(Section):
    """Which column holds what. A row is a chat if `chat` is set and not null, else a completion, else a text."""

    id: str
    text: str | None = None
    prompt: str | None = None
    response: str | None = None
    chat: str | None = None
    time: str | None = None
    carry: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _some_content(self) -> Columns:
        if (self.prompt is None) != (self.response is None):
            raise ValueError("prompt and response go together")
        if not (self.text or self.response or self.chat):
            raise ValueError("name at least one of text, prompt and response, or chat")
        return self


class Caps(Section):
    """Sizes above which a file is refused before it is read."""

    rows: Annotated[int, Field(gt=0)] = 2_000_000_000
    row_group_rows: Annotated[int, Field(gt=0)] = 50_000_000
    row_group_bytes: Annotated[int, Field(gt=0)] = 64 * 2**30
    page_bytes: Annotated[int, Field(gt=0)] = 256 * 2**20
    footer_bytes: Annotated[int, Field(gt=0)] = 32 * 2**20
    content_bytes: Annotated[int, Field(gt=0)] = 16 * 2**20


class ParquetConfig(Section):
    """Items in Parquet: files, folders, globs, or a list of them, as paths or URIs."""

    kind: Literal["parquet"]
    path: str | tuple[str, ...]
    columns: Columns
    judged: Literal["last_assistant", "last_user", "whole"] = "last_assistant"
    where: str | None = None
    limit: Annotated[int, Field(gt=0)] | None = None
    sample: Annotated[float, Field(gt=0, le=1)] | None = None
    seed: int = 0
    duplicate_ids: Literal["reject", "keep"] = "reject"
    on_change: Literal["stop", "audit"] = "stop"
    caps: Caps = Caps()


class ScriptedConfig(Section):
    """A judge that follows a script: it flags what `match` finds and cites the policy's first rule.

    `journal` is a file to which it adds a byte per case that it is asked: what was really judged, kills and all.
    """

    kind: Literal["scripted"]
    match: str = r"(?!)"
    latency_ms: Annotated[float, Field(ge=0)] = 0
    jitter: Annotated[float, Field(ge=0, le=1)] = 0
    kill_on: str | None = None
    window: Annotated[int, Field(gt=0)] = 256
    max_content_chars: Annotated[int, Field(gt=0)] | None = None
    journal: str | None = None

    @field_validator("match", "kill_on")
    @classmethod
    def _compiles(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                re.compile(value)
            except re.error as error:
                raise ValueError(f"not a regular expression: {error}") from error
        return value


class VllmConfig(Section):
    """A model served by vLLM inside the replica."""

    kind: Literal["vllm"]
    model: str
    revision: str | None = None
    family: Literal["auto", "harmony", "chat"] = "auto"
    effort: Literal["low", "medium", "high"] = "medium"
    temperature: Annotated[float, Field(ge=0)] = 0.0
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    seed: int = 0
    max_output_tokens: Annotated[int, Field(gt=0)] = 4096
    retry_output_tokens: Annotated[int, Field(gt=0)] = 8192
    max_rationale_chars: Annotated[int, Field(gt=0)] = 600
    keep_reasoning: bool = True
    window: Annotated[int, Field(gt=0)] = 256
    max_model_len: Annotated[int, Field(gt=0)] | None = None
    max_num_seqs: Annotated[int, Field(gt=0)] = 256
    max_num_batched_tokens: Annotated[int, Field(gt=0)] = 8192
    gpu_memory_utilization: Annotated[float, Field(gt=0, le=1)] = 0.9
    cpu_kv_cache_gib: Annotated[float, Field(gt=0)] = 1.0
    tensor_parallel_size: Annotated[int, Field(gt=0)] = 1
    dtype: str = "auto"
    kv_cache_dtype: str = "auto"
    enforce_eager: bool = False
    prefix_caching: bool = True


class DeltaConfig(Section):
    """A Delta table at `path`; outcomes are committed when any of the three limits is reached."""

    kind: Literal["delta"]
    path: str
    flush_seconds: Annotated[float, Field(gt=0)] = 1.0
    flush_rows: Annotated[int, Field(gt=0)] = 20_000
    flush_bytes: Annotated[int, Field(gt=0)] = 64 * 2**20
    vacuum_hours: Annotated[float, Field(ge=0)] = 168.0


class Replicas(Section):
    """How many replicas, what each needs, and on which cluster. `address` None starts one on this machine."""

    count: Annotated[int, Field(gt=0)] = 1
    gpus: Annotated[float, Field(ge=0)] = 0
    cpus: Annotated[float, Field(ge=0)] = 1
    address: str | None = None
    drain_seconds: Annotated[float, Field(ge=0)] = 60.0
    silent_seconds: Annotated[float, Field(gt=0)] = 120.0
    stalled_seconds: Annotated[float, Field(gt=0)] = 1800.0


class Config(Section):
    """One job."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    source: ParquetConfig
    policies: Annotated[tuple[str, ...], Field(min_length=1)]
    judge: Annotated[ScriptedConfig | VllmConfig, Field(discriminator="kind")]
    sink: DeltaConfig
    replicas: Replicas = Replicas()
