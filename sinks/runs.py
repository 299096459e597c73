"""Table `runs`: one row when a run starts and one when it ends; readers take the latest of each run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import pyarrow as pa

from sinks.delta_table import append_rows, ensure_table, locate
from sinks.schema import COUNT, INSTANT, STRINGS, TEXT

RUNS = "runs"


def policy_ids(policies: Iterable[str]) -> frozenset[str]:
    """Ids of what a `RunRecord` has under `policies`."""
    return frozenset(policy.split("@", 1)[0] for policy in policies)


class RunState(StrEnum):
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run, as it stands. Field by field the columns of table `runs`; meanings in docs/table.md.

    `config` is the job's config as JSON, `policies` are written id@version:hash, and ` shadow` after those that are.
    """

    run_id: str
    job: str
    state: RunState
    started_at: datetime
    ended_at: datetime | None = None
    code_version: str = ""
    config: str = "{}"
    judge: str = ""
    judge_revision: str = ""
    settings_hash: str = ""
    policies: tuple[str, ...] = ()
    items: int = 0
    cases: int = 0
    verdicts: int = 0
    flagged: int = 0
    rejected: int = 0
    rejected_by_reason: Mapping[str, int] = field(default_factory=dict)
    skipped: int = 0
    judged: int = 0
    seconds: float = 0.0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    cacheable_tokens: int = 0
    output_tokens: int = 0
    message: str = ""
    reused: int = 0
    repeated: int = 0
    recalled: int = 0
    saved_tokens: int = 0
    audited: int = 0
    agreed: int = 0
    agreed_low: float | None = None
    agreed_high: float | None = None
    gpu_seconds: float = 0.0
    cost: float = 0.0
    saved_cost: float = 0.0
    planned_cases: int | None = None
    planned_judged: int | None = None
    planned_prompt_tokens: int | None = None
    planned_cost: float | None = None
    shadow: int = 0
    shadow_flagged: int = 0
    canaries: int = 0
    canaries_wrong: int = 0
    canary_tokens: int = 0


RUN_SCHEMA = pa.schema(
    [
        *((name, TEXT) for name in ("run_id", "job", "state")),
        *((name, INSTANT) for name in ("started_at", "ended_at")),
        *((name, TEXT) for name in ("code_version", "config", "judge", "judge_revision", "settings_hash")),
        ("policies", STRINGS),
        *((name, COUNT) for name in ("items", "cases", "verdicts", "flagged", "rejected")),
        ("rejected_by_reason", pa.map_(pa.string(), COUNT)),
        *((name, COUNT) for name in ("skipped", "judged")),
        ("seconds", pa.float64()),
        *((name, COUNT) for name in ("prompt_tokens", "cached_tokens", "cacheable_tokens", "output_tokens")),
        ("message", TEXT),
        *((name, COUNT) for name in ("reused", "repeated", "recalled", "saved_tokens", "audited", "agreed")),
        *((name, pa.float64()) for name in ("agreed_low", "agreed_high", "gpu_seconds", "cost", "saved_cost")),
        *((name, COUNT) for name in ("planned_cases", "planned_judged", "planned_prompt_tokens")),
        ("planned_cost", pa.float64()),
        *((name, COUNT) for name in ("shadow", "shadow_flagged", "canaries", "canaries_wrong", "canary_tokens")),
    ]
)

LATER = RUN_SCHEMA.names[RUN_SCHEMA.names.index("message") + 1 :]
"""Columns that tables of earlier versions lack."""


class RunLog:
    """Appends to table `<path>/runs`, creating it if need be. Raises InputError if what is there is not ours."""

    def __init__(self, path: str) -> None:
        self._at = locate(path, RUNS)
        ensure_table(self._at, RUN_SCHEMA, (), {}, LATER)

    def write(self, record: RunRecord) -> None:
        """Add a row. An end row follows its start row. Raises TransientError or FatalError if it can't be stored.

        A row that is stored twice after an unclear error does no harm: the rows are equal and readers take one.
        """
        rows = pa.Table.from_arrays([_cell(record, column) for column in RUN_SCHEMA], schema=RUN_SCHEMA)
        append_rows(self._at, rows)


def _cell(record: RunRecord, column: pa.Field) -> pa.Array:
    value: object = getattr(record, column.name)
    if isinstance(value, str):
        value = str(value).encode("utf-8", "backslashreplace").decode("utf-8")
    elif isinstance(value, Mapping):
        value = list(value.items())
    return pa.array([value], column.type)
