"""Table `runs`: one row when a run starts and one when it ends; readers take the latest of each run."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import pyarrow as pa
from deltalake import CommitProperties, write_deltalake

from assay.errors import TransientError
from sinks.delta_table import FOREIGN, ensure_table, locate, translate
from sinks.schema import COUNT, INSTANT, STRINGS, TEXT

RUNS = "runs"
_ATTEMPTS = 8
_COMMIT = CommitProperties(max_commit_retries=10)


class RunState(StrEnum):
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run, as it stands. Field by field the columns of table `runs`; meanings in docs/table.md.

    `config` is the job's config as JSON, `policies` are written id@version:hash.
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
    ]
)


class RunLog:
    """Appends to table `<path>/runs`, creating it if need be. Raises InputError if what is there is not ours."""

    def __init__(self, path: str) -> None:
        self._at = locate(path, RUNS)
        ensure_table(self._at, RUN_SCHEMA, (), {})

    def write(self, record: RunRecord) -> None:
        """Add a row. An end row follows its start row. Raises TransientError or FatalError if it can't be stored.

        A row that is stored twice after an unclear error does no harm: the rows are equal and readers take one.
        """
        rows = pa.Table.from_arrays([_cell(record, column) for column in RUN_SCHEMA], schema=RUN_SCHEMA)
        for attempt in range(_ATTEMPTS):
            try:
                write_deltalake(self._at.uri, rows, mode="append", commit_properties=_COMMIT)
                return
            except FOREIGN as error:
                problem = translate(error, self._at.uri)
                if attempt == _ATTEMPTS - 1 or not isinstance(problem, TransientError):
                    raise problem from error
            time.sleep(random.uniform(0, 0.05 * 2**attempt))


def _cell(record: RunRecord, column: pa.Field) -> pa.Array:
    value: object = getattr(record, column.name)
    if isinstance(value, str):
        value = str(value).encode("utf-8", "backslashreplace").decode("utf-8")
    elif isinstance(value, Mapping):
        value = list(value.items())
    return pa.array([value], column.type)
