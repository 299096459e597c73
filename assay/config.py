"""The config model: one YAML file, one frozen object. Unknown keys are errors."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from assay.config_parts import Duration, PolicyEntry, PolicyFiles, Section

_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[^\s:/\[\]]+):(?P<port>[0-9]{1,5})")


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


class JsonValue(Section):
    """Values are JSON objects; columns name their fields, `a.b` a field of a nested object."""

    kind: Literal["json"] = "json"


class TextValue(Section):
    """Values are the content itself, in UTF-8."""

    kind: Literal["text"] = "text"


class AvroValue(Section):
    """Values are Avro records of one schema, without a container; `header_bytes` go before each (5 of a registry)."""

    kind: Literal["avro"] = "avro"
    schema_file: str
    header_bytes: Annotated[int, Field(ge=0, le=64)] = 0


class Security(Section):
    """How to get into the cluster. Secrets are named here, never written: an environment variable or a file each."""

    protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "PLAIN"
    username_env: str | None = None
    username_file: str | None = None
    password_env: str | None = None
    password_file: str | None = None
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    key_password_env: str | None = None
    check_hostname: bool = True

    @model_validator(mode="after")
    def _credentials(self) -> Security:
        if self.protocol.startswith("SASL"):
            for what in ("username", "password"):
                if (getattr(self, f"{what}_env") is None) == (getattr(self, f"{what}_file") is None):
                    raise ValueError(f"set one of {what}_env and {what}_file: the variable or file that holds it")
        return self


class KafkaConfig(Section):
    """Items in Kafka topics: each partition is a shard, each record an item, its offset the position."""

    kind: Literal["kafka"]
    bootstrap: Annotated[str, Field(min_length=1)]
    topics: Annotated[tuple[str, ...], Field(min_length=1)]
    group: Annotated[str, Field(min_length=1)]
    start: Literal["earliest", "latest"] | datetime = "earliest"
    value: Annotated[JsonValue | TextValue | AvroValue, Field(discriminator="kind")] = JsonValue()
    columns: Columns
    judged: Literal["last_assistant", "last_user", "whole"] = "last_assistant"
    tombstones: Literal["reject", "skip"] = "reject"
    empty: Literal["reject", "skip"] = "reject"
    on_gap: Literal["stop", "skip"] = "stop"
    dead_letter: str | None = None
    isolation_level: Literal["read_committed", "read_uncommitted"] = "read_committed"
    max_record_bytes: Annotated[int, Field(gt=0)] = 2**20
    session_seconds: Annotated[float, Field(ge=1)] = 10.0
    watchdog_seconds: Annotated[float, Field(gt=0)] = 60.0
    security: Security = Security()

    @field_validator("bootstrap")
    @classmethod
    def _addresses(cls, value: str) -> str:
        """kafka-python would take a name without a port, and look for it for a while."""
        for address in value.split(","):
            found = _ADDRESS.fullmatch(address.strip())
            if found is None or not 0 < int(found["port"]) < 65536:
                raise ValueError(f"{address.strip()!r} is no address; write host:port, with commas between several")
        return value

    @field_validator("start")
    @classmethod
    def _in_utc(cls, value: str | datetime) -> str | datetime:
        """A time without a zone is in UTC, as an item's is."""
        return value.replace(tzinfo=UTC) if isinstance(value, datetime) and value.tzinfo is None else value


class ScriptedConfig(Section):
    """A judge that follows a script: it flags what `match` finds and cites the policy's first rule.

    Of all cases it gets the share `noise` wrong: always the same ones, for one `seed`. `journal` is a file to which it
    adds a byte per case that it is asked: what was really judged, kills and all.
    """

    kind: Literal["scripted"]
    match: str = r"(?!)"
    noise: Annotated[float, Field(ge=0, le=1)] = 0
    seed: int = 0
    latency_ms: Annotated[float, Field(ge=0)] = 0
    jitter: Annotated[float, Field(ge=0, le=1)] = 0
    kill_on: str | None = None
    window: Annotated[int, Field(gt=0)] = 256
    max_content_chars: Annotated[int, Field(gt=0)] | None = None
    normalise: bool = False
    deadline_seconds: Annotated[float, Field(gt=0)] = 900.0
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
    normalise: bool = False
    keep_reasoning: bool = True
    window: Annotated[int, Field(gt=0)] = 256
    deadline_seconds: Annotated[float, Field(gt=0)] = 900.0
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


class VerdictTopic(Section):
    """A topic, in the source's cluster, that gets each verdict after the table has it. At least once."""

    topic: str
    only: Literal["all", "violations"] = "all"


class DeltaConfig(Section):
    """A Delta table at `path`; outcomes are committed when any of the three limits is reached."""

    kind: Literal["delta"]
    path: str
    flush_seconds: Annotated[float, Field(gt=0)] = 1.0
    flush_rows: Annotated[int, Field(gt=0)] = 20_000
    flush_bytes: Annotated[int, Field(gt=0)] = 64 * 2**20
    vacuum_hours: Annotated[float, Field(ge=0)] = 168.0
    verdict_topic: VerdictTopic | None = None


class Reuse(Section):
    """Verdicts of earlier runs are reused if they are not older than `max_age` (none: however old)."""

    max_age: Duration | None = None


class Cost(Section):
    """What an hour of one GPU costs, in whatever currency."""

    gpu_hour: Annotated[float, Field(ge=0)] = 0.0


class Labels(Section):
    """What people say of items: CSV, JSONL or Parquet files, globs, or a list of them."""

    path: str | tuple[str, ...]


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
    source: Annotated[ParquetConfig | KafkaConfig, Field(discriminator="kind")]
    policies: Annotated[tuple[PolicyEntry, ...], Field(min_length=1)]
    policies_reload: bool = False
    on_canary_failure: Literal["warn", "stop", "off"] | None = None
    canary_bound: Annotated[float, Field(ge=0, le=1)] = 0.34
    judge: Annotated[ScriptedConfig | VllmConfig, Field(discriminator="kind")]
    sink: DeltaConfig
    replicas: Replicas = Replicas()
    reuse: Reuse = Reuse()
    reuse_audit: Annotated[float, Field(ge=0, le=1)] = 0.0
    on_judge_change: Literal["ask", "rejudge"] = "ask"
    cost: Cost = Cost()
    labels: Labels | None = None

    @field_validator("on_canary_failure", mode="before")
    @classmethod
    def _off_is_a_word(cls, value: object) -> object:
        """YAML reads off as no."""
        return "off" if value is False else value

    @property
    def canaries(self) -> Literal["warn", "stop", "off"]:
        """What follows when canaries fail. A scripted judge, which follows its script, has none unless asked for."""
        return self.on_canary_failure or ("off" if self.judge.kind == "scripted" else "warn")

    @property
    def policy_files(self) -> tuple[PolicyFiles, ...]:
        """`policies`, each with its mode."""
        return tuple(PolicyFiles(path=each) if isinstance(each, str) else each for each in self.policies)

    @model_validator(mode="after")
    def _stream_only(self) -> Config:
        if self.source.kind != "kafka":
            if self.sink.verdict_topic is not None:
                raise ValueError("sink.verdict_topic: only a stream has one; remove it, or set source.kind: kafka")
            if self.policies_reload:
                raise ValueError("policies_reload: only a stream can take in a changed policy; remove it")
        return self
