"""What a replica is told when it is made."""

from __future__ import annotations

from dataclasses import dataclass

from actors.limits import Limits
from assay.config import Config
from assay.policy import Policy
from sources.plan import Plan


@dataclass(frozen=True, slots=True)
class Assignment:
    """Everything a replica needs to know; the same for all replicas of a run."""

    config: Config
    policies: tuple[Policy, ...]
    plan: Plan
    run_id: str

    @property
    def limits(self) -> Limits:
        sink, replicas = self.config.sink, self.config.replicas
        return Limits(
            self.config.judge.window, sink.flush_seconds, sink.flush_rows, sink.flush_bytes, replicas.drain_seconds
        )
