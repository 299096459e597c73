"""From a drawn sample to the whole source: how much would flip, and what it would take to judge all of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from actors.identity import identify
from assay.policy import Policy
from assay.records import ItemKind
from jobs.diff_asking import Said
from jobs.diff_draw import Population, fitting
from jobs.load import Job
from jobs.plan_estimate import Estimate, Sum, each_with, scaled
from jobs.plan_past import Pace, Past
from jobs.trial import trial_table
from measure.paired import extrapolate
from sinks.counts import active_files


@dataclass(frozen=True, slots=True)
class Rollout:
    """What a run over the whole source would take under the new side, as the sample took it.

    `to_judge` are contents; what the table has already is not judged again. `rate_from` says where the time comes from.
    """

    to_judge: Estimate
    prompt_tokens: Estimate
    output_tokens: Estimate
    replica_seconds: Estimate
    gpu_hours: Estimate
    cost: Estimate
    rate_from: str


@dataclass(frozen=True, slots=True)
class Whole:
    """The source: different contents, and items, that the policy is for, and how many of each would flip which way."""

    contents: int
    items: int
    gained: Estimate
    lost: Estimate
    gained_items: Estimate
    lost_items: Estimate
    rollout: Rollout


@dataclass(frozen=True, slots=True)
class Flipped:
    """Ids of the drawn items that are flagged now, and of those that are allowed now."""

    gained: Collection[str]
    lost: Collection[str]


def whole_of(
    population: Population, kinds: Collection[ItemKind], said: Sequence[Said], flipped: Flipped, pace: Pace, job: Job
) -> Whole:
    """`said` is what the new side, `job`, says of each drawn item of these kinds."""
    contents, items = fitting(population.contents, kinds), fitting(population.items, kinds)
    drawn = len(said)

    def in_contents(ids: Collection[str]) -> Estimate:
        return _extrapolated(len(ids), drawn, contents)

    def in_items(ids: Collection[str]) -> Estimate:
        return _copies(ids, population.copies, drawn / contents, items)

    return Whole(
        contents=contents,
        items=items,
        gained=in_contents(flipped.gained),
        lost=in_contents(flipped.lost),
        gained_items=in_items(flipped.gained),
        lost_items=in_items(flipped.lost),
        rollout=_rollout(said, contents, pace, job),
    )


def pace_of(job: Job, policy: Policy) -> Pace:
    """How fast the job's judge is: as its runs under this policy were; if there is none, as the sample's was.

    Raises TransientError, FatalError.
    """
    paths = (job.config.sink.path, trial_table(job.config.sink.path))
    paces = [_past(job, path).pace(policy) for path in paths]
    return next((pace for pace in paces if not pace.rate_from.startswith("assumed")), paces[0])


def tokens_a_case(said: Iterable[Said]) -> tuple[float | None, float | None]:
    """Read and written on average, over all attempts; None if nobody counted."""
    counted = [each for each in said if each.prompt_tokens is not None and each.output_tokens is not None]
    if not counted:
        return None, None
    prompt, output = _sums(counted)
    return prompt.total / len(counted), output.total / len(counted)


def _past(job: Job, path: str) -> Past:
    sink = job.config.sink.model_copy(update={"path": path})
    there = active_files(path, "verdicts") is not None
    return Past(job.config.model_copy(update={"sink": sink}), identify(job.config.judge), there=there)


def _rollout(said: Sequence[Said], contents: int, pace: Pace, job: Job) -> Rollout:
    share, anew = len(said) / contents, [each for each in said if not each.recalled]
    to_judge = _extrapolated(len(anew), len(said), contents)
    means = tokens_a_case(said)
    prompt, output = (
        each_with(to_judge, brought, len(anew), share, mean or 0).rounded()
        for brought, mean in zip(_sums(anew), means, strict=True)
    )
    pace = replace(pace, output_tokens=means[1] or pace.output_tokens)
    seconds = Estimate(*(pace.seconds(getattr(to_judge, at), getattr(prompt, at)) for at in ("value", "low", "high")))
    hours = seconds.times(job.config.replicas.gpus / 3600)
    return Rollout(to_judge, prompt, output, seconds, hours, hours.times(job.config.cost.gpu_hour), pace.rate_from)


def _sums(said: Iterable[Said]) -> tuple[Sum, Sum]:
    prompt, output = Sum(), Sum()
    for each in said:
        prompt.add(each.prompt_tokens or 0)
        output.add(each.output_tokens or 0)
    return prompt, output


def _extrapolated(hits: int, drawn: int, contents: int) -> Estimate:
    found = extrapolate(hits, drawn, contents)
    assert found.value is not None
    assert found.low is not None
    assert found.high is not None
    return Estimate(found.value, found.low, found.high)


def _copies(ids: Collection[str], copies: Mapping[str, int], share: float, most: int) -> Estimate:
    """Items that say what these say, in the whole source."""
    brought = Sum()
    for each in ids:
        brought.add(copies[each])
    return scaled(brought, share).within(brought.total, most).rounded()
