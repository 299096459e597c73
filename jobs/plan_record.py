"""What a plan comes to: records for people, for machines, and for the run that follows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields

from assay.records import JudgeIdentity, Mode
from jobs.plan_estimate import Estimate, exactly
from jobs.plan_past import Pace


@dataclass(frozen=True, slots=True)
class Figures:
    """cases = settled + rejected + reused + duplicates + to_judge, under one policy or several.

    `settled` cases have an outcome in the table; `rejected` ones the source can't make sense of; `reused` get the
    verdict of an earlier run, `duplicates` that of an equal case of the same run; of those to be judged, `audited` are
    known and are judged to see whether that still holds. `cacheable_tokens` are those of the prompt tokens that prefix
    caching can serve. `replica_seconds` is the time of all replicas, one after another.
    """

    cases: Estimate
    settled: Estimate
    rejected: Estimate
    reused: Estimate
    duplicates: Estimate
    to_judge: Estimate
    audited: Estimate
    prompt_tokens: Estimate
    cacheable_tokens: Estimate
    output_tokens: Estimate
    replica_seconds: Estimate
    gpu_hours: Estimate
    cost: Estimate

    def values(self) -> dict[str, float]:
        return {name: _number(name, each.value) for name, each in self._all()}

    def intervals(self) -> dict[str, list[float]]:
        """Of what was estimated."""
        found = self._all()
        return {name: [_number(name, e.low), _number(name, e.high)] for name, e in found if e.low != e.high}

    def _all(self) -> list[tuple[str, Estimate]]:
        return [(each.name, getattr(self, each.name)) for each in fields(self)]


def added(parts: Iterable[Figures]) -> Figures:
    parts = list(parts)
    return Figures(*(sum((getattr(p, each.name) for p in parts), exactly(0)) for each in fields(Figures)))


@dataclass(frozen=True, slots=True)
class Changed:
    """What one policy would cost if its text alone had changed: every content anew, its prompt as long as now."""

    to_judge: Estimate
    prompt_tokens: Estimate
    cacheable_tokens: Estimate
    output_tokens: Estimate
    replica_seconds: Estimate
    gpu_hours: Estimate
    cost: Estimate


@dataclass(frozen=True, slots=True)
class PolicyPlan:
    id: str
    mode: Mode
    version: str
    hash: str
    figures: Figures
    if_changed: Changed
    pace: Pace

    @property
    def name(self) -> str:
        """As `Policy.name`."""
        return self.id if self.mode is Mode.LIVE else f"{self.id} ({self.mode})"


@dataclass(frozen=True, slots=True)
class JobPlan:
    """A job's plan. `sample` is the share of contents that was looked at; 1: all of them, and nothing is estimated
    but what a judge writes and how long it takes.
    """

    job: str
    judge: JudgeIdentity
    items: int
    replicas: int
    policies: tuple[PolicyPlan, ...]
    sample: float
    seed: int
    block: int | None

    @property
    def total(self) -> Figures:
        return added(policy.figures for policy in self.policies)

    @property
    def seconds(self) -> float:
        """From the run's first case to its last, if the replicas share the work evenly."""
        return self.total.replica_seconds.value / self.replicas

    @property
    def assumptions(self) -> Sequence[str]:
        """What is neither counted nor measured, each with the policies that it holds for."""
        found: dict[str, list[str]] = {}
        for policy in self.policies:
            for text in policy.pace.assumed:
                found.setdefault(text, []).append(policy.name)
        if len(self.policies) == 1:
            return list(found)
        return [f"{text} ({', '.join(ids)})" for text, ids in found.items()]

    def json(self) -> str:
        total = self.total
        return json.dumps(
            {
                "job": self.job,
                "judge": asdict(self.judge),
                "items": self.items,
                **total.values(),
                "seconds": round(self.seconds, 1),
                "cacheable_share": _share(total),
                "sample": self.sample,
                "seed": self.seed,
                "intervals": total.intervals(),
                "assumptions": list(self.assumptions),
                "policies": [_policy(policy) for policy in self.policies],
            }
        )


def _policy(plan: PolicyPlan) -> dict[str, object]:
    changed = [(each.name, getattr(plan.if_changed, each.name)) for each in fields(Changed)]
    return {
        "id": plan.id,
        "mode": plan.mode,
        "version": plan.version,
        "hash": plan.hash,
        **plan.figures.values(),
        "cacheable_share": _share(plan.figures),
        "intervals": plan.figures.intervals(),
        "if_changed": {name: _number(name, each.value) for name, each in changed},
        "output_from": plan.pace.output_from,
        "rate_from": plan.pace.rate_from,
    }


def _share(figures: Figures) -> float | None:
    prompt = figures.prompt_tokens.value
    return round(figures.cacheable_tokens.value / prompt, 4) if prompt else None


def _number(name: str, value: float) -> float:
    return round(value, 4) if name in ("replica_seconds", "gpu_hours", "cost") else round(value)


_COLUMNS = ("cases", "settled", "rejected", "reused", "duplicates", "to_judge", "prompt_tokens", "output_tokens")


def lines(plan: JobPlan) -> str:
    """The plan for people."""
    total = plan.total
    head = ["policy", *(name.replace("_", " ") for name in _COLUMNS), "GPU hours", "cost"]
    table = _aligned([head, *([p.name, *_cells(p.figures)] for p in plan.policies), ["total", *_cells(total)]])
    names = ("to_judge", "prompt_tokens", "output_tokens")
    changed = _aligned(
        [["if it alone had changed", *(name.replace("_", " ") for name in names), "GPU hours", "cost"]]
        + [[p.name, *_cells(p.if_changed, names)] for p in plan.policies]
    )
    notes = [
        f"{plan.job}: {plan.items:,} items under {len(plan.policies)} policies, judge {plan.judge.name}",
        "",
        *table,
        "",
        *changed,
    ]
    return "\n".join([*notes, "", *_notes(plan, total)])


def _notes(plan: JobPlan, total: Figures) -> list[str]:
    found = [f"about {_span(plan.seconds)} on {plan.replicas} replicas"] if total.to_judge.value else []
    if (share := _share(total)) is not None:
        found.append(f"prefix caching can serve {share:.0%} of the prompt tokens, with blocks of {plan.block} tokens")
    if total.audited.value:
        found.append(
            f"{total.audited.value:,.0f} of the cases to be judged are known and are judged again (reuse_audit)"
        )
    if intervals := total.intervals():
        found.append(f"estimates, from {plan.sample:.2%} of the contents with all their copies; 95 % intervals:")
        found += [f"  {name.replace('_', ' ')}: {low:,} to {high:,}" for name, (low, high) in intervals.items()]
    for name in ("output_from", "rate_from"):
        alike: dict[str, list[str]] = {}
        for policy in plan.policies:
            alike.setdefault(getattr(policy.pace, name), []).append(policy.name)
        what = name.replace("output_from", "output tokens").replace("_from", "")
        found += [f"{what} of {', '.join(ids)}: {text}" for text, ids in alike.items()]
    return found


def _span(seconds: float) -> str:
    return f"{seconds / 3600:,.2f} hours" if seconds >= 3600 else f"{max(seconds, 1):,.0f} seconds"


def _cells(figures: Figures | Changed, names: Sequence[str] = _COLUMNS) -> list[str]:
    counts = [f"{getattr(figures, name).value:,.0f}" for name in names]
    return [*counts, f"{figures.gpu_hours.value:,.2f}", f"{figures.cost.value:,.2f}"]


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))]).rstrip()
        for row in rows
    ]
