"""What a replica is told when it is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from actors.limits import Limits
from assay.config import Config
from assay.contracts import NO_MARKS, Marks
from assay.policy import Policy
from sources.plan import Plan


@dataclass(frozen=True, slots=True)
class Assignment:
    """Everything a replica needs to know; the same for all replicas of a run.

    `plan` is what a batch job reads. Of a stream, `ends` are the offsets to stop at, by topic and partition; None: go
    on for ever. `since`: no verdict that was judged before is reused; None: verdicts of earlier runs are, too.
    `marks`: what the items say of how they want to be judged.
    """

    config: Config
    policies: tuple[Policy, ...]
    run_id: str
    plan: Plan | None = None
    ends: Mapping[tuple[str, int], int] | None = None
    since: datetime | None = None
    marks: Marks = NO_MARKS

    @property
    def stream(self) -> bool:
        return self.plan is None

    @property
    def limits(self) -> Limits:
        sink, replicas = self.config.sink, self.config.replicas
        return Limits(
            window=self.config.judge.window,
            flush_seconds=sink.flush_seconds,
            flush_rows=sink.flush_rows,
            flush_bytes=sink.flush_bytes,
            drain_seconds=replicas.drain_seconds,
            deadline_seconds=self.config.judge.deadline_seconds,
        )
