"""How long cases take and how much is written for each: from past runs, or assumed and called so."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from assay.config import Config, VllmConfig
from assay.policy import Policy
from assay.records import JudgeIdentity
from jobs.sql import query, stored
from sinks.runs import policy_ids

_OUTPUT_TOKENS = 200
_READS, _WRITES = {True: 20_000, False: 200}, {True: 2_000, False: 50}
"""Tokens a second and replica, on a GPU and without one."""
_SCRIPTED = 5_000
_CASES, _RUNS = stored("past_cases"), stored("past_runs")


@dataclass(frozen=True, slots=True)
class PastRun:
    """A run in table `runs`. `policies` are ids; `replicas`, `gpus` (of each) and the rest as it was configured."""

    run_id: str
    job: str
    started_at: datetime
    policies: frozenset[str]
    judged: int
    seconds: float
    replicas: int
    gpus: float
    judge: tuple[str, str]
    stream: bool

    @property
    def rate(self) -> float:
        """Cases a second and replica, its start included."""
        return self.judged / self.seconds / self.replicas


@dataclass(frozen=True, slots=True)
class Pace:
    """What is expected under one policy. `rate`, in cases a second and replica, is None where tokens must tell.

    `output_from` and `rate_from` say where that comes from; `assumed` what of it is not from the past.
    """

    output_tokens: float
    output_from: str
    rate: float | None
    rate_from: str
    reads: float
    writes: float
    assumed: tuple[str, ...]

    def seconds(self, cases: float, fresh_tokens: float) -> float:
        """Of one replica, for so many cases with so many prompt tokens that are not served from the cache."""
        if self.rate is not None:
            return cases / self.rate
        return fresh_tokens / self.reads + cases * self.output_tokens / self.writes


class Past:
    """What the table knows of one judge. Without a table it knows nothing."""

    def __init__(self, config: Config, judge: JudgeIdentity, *, there: bool) -> None:
        self._config, self._judge = config, judge
        self._cases = _cases(config.sink.path, judge) if there else {}
        self.runs = past_runs(config.sink.path) if there else []

    def pace(self, policy: Policy) -> Pace:
        output, output_from = self._output(policy)
        rate, rate_from = self._rate(policy)
        on_gpu = self._config.replicas.gpus > 0
        assumed = [f"output tokens: {output_from}"] if output_from.startswith("assumed") else []
        assumed += [f"rate: {rate_from}"] if rate_from.startswith("assumed") else []
        return Pace(output, output_from, rate, rate_from, _READS[on_gpu], _WRITES[on_gpu], tuple(assumed))

    def _output(self, policy: Policy) -> tuple[float, str]:
        """Output tokens a case."""
        judge = self._config.judge
        if not isinstance(judge, VllmConfig):
            return 0.0, "the scripted judge writes none"
        if found := self._cases.get(policy.id):
            return found[1] / found[0], f"mean of {found[0]:,} judged cases of this policy and judge"
        if self._cases:
            cases, tokens = (sum(each) for each in zip(*self._cases.values(), strict=True))
            return tokens / cases, f"assumed: as the {cases:,} judged cases of this judge under other policies"
        tokens = min(_OUTPUT_TOKENS, judge.max_output_tokens)
        return tokens, f"assumed: {tokens} a case; this judge has no past here"

    def _rate(self, policy: Policy) -> tuple[float | None, str]:
        """From the run that judged most: in small ones the start is most of the time. A stream waits for its items."""
        judge, replicas = (self._judge.revision, self._judge.settings_hash), self._config.replicas
        batch = [run for run in self.runs if run.judged and not run.stream]
        alike = [run for run in batch if run.judge == judge and run.gpus == replicas.gpus]
        for runs, prefix in (([run for run in alike if policy.id in run.policies], ""), (alike, "assumed: ")):
            if runs:
                best = max(runs, key=lambda run: run.judged)
                what = (
                    f"{best.judged:,} cases in {best.seconds:,.0f} s on {best.replicas} replicas, run {best.run_id[:8]}"
                )
                return best.rate, f"{prefix}as {what}" if not prefix else f"{prefix}as under other policies, {what}"
        if isinstance(self._config.judge, VllmConfig):
            on_gpu = replicas.gpus > 0
            what = f"{_READS[on_gpu]:,} tokens read and {_WRITES[on_gpu]:,} written a second and replica"
            return None, f"assumed: {what}; no run of this judge here"
        latency = self._config.judge.latency_ms / 1000
        rate = min(_SCRIPTED, self._config.judge.window / latency) if latency else _SCRIPTED
        return rate, f"assumed: {rate:,.0f} cases a second and replica; no run of this judge here"


def past_runs(path: str) -> Sequence[PastRun]:
    """Runs under `path`, as they last stood. Raises InputError if there is no table, TransientError, FatalError."""
    return [_run(row) for row in query(path, _RUNS).to_pylist()]


def _run(row: Mapping[str, object]) -> PastRun:
    started, policies, judged, seconds = (row[key] for key in ("started_at", "policies", "judged", "seconds"))
    assert isinstance(started, datetime)
    assert isinstance(policies, list)
    assert isinstance(judged, int)
    assert isinstance(seconds, float)
    config = json.loads(str(row["config"]))
    replicas = config.get("replicas", {})
    return PastRun(
        run_id=str(row["run_id"]),
        job=str(row["job"]),
        started_at=started,
        policies=policy_ids(policies),
        judged=judged if seconds > 0 else 0,
        seconds=seconds,
        replicas=int(replicas.get("count", 1)),
        gpus=float(replicas.get("gpus", 0)),
        judge=(str(row["judge_revision"]), str(row["settings_hash"])),
        stream=config.get("source", {}).get("kind") == "kafka",
    )


def _cases(path: str, judge: JudgeIdentity) -> dict[str, tuple[int, int]]:
    """Judged cases and their output tokens, by policy id."""
    rows = query(path, _CASES, params={"revision": judge.revision, "settings": judge.settings_hash}).to_pylist()
    return {row["policy_id"]: (row["cases"], row["output_tokens"] or 0) for row in rows}
