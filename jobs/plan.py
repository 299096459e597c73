"""`assay plan`: what a backfill would do and cost. Judges nothing, loads no engine, writes nothing to the tables."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack, closing

from actors.identity import identify
from actors.prompt_sizes import PromptSizes, load_sizes
from assay.config import Config, ParquetConfig, VllmConfig
from assay.contracts import Lookup, Shard
from assay.errors import InputError
from assay.keys import Keys
from assay.policy import Policy
from assay.records import JudgeIdentity
from jobs.backfill import source_moves
from jobs.load import Job
from jobs.plan_estimate import Estimate, Sum, each_with, exactly, scaled
from jobs.plan_past import Pace, Past
from jobs.plan_record import Changed, Figures, JobPlan, PolicyPlan
from jobs.plan_tokens import PolicyTokens, Tokens
from jobs.plan_tracks import Wanted, wanted
from jobs.plan_walk import Counts, Draw, Walk, read
from sinks.ledger_reading import ledger_of
from sinks.lookup import TableLookup
from sources.plan import Plan, plan


def plan_job(job: Job, sample: float = 1.0, seed: int = 0, *, fresh: bool = False) -> JobPlan:
    """Read the source and say what a run would do with it now. May bring the lookup's file up to date.

    With `sample` below 1 that share of the contents, drawn by `seed`, is looked at with all their copies; the rest is
    only read. What the source rejects and what is settled is counted exactly either way. `fresh`: of a run that reuses
    no verdict of an earlier one.

    Raises InputError for what a run would refuse, and for a Kafka source; FatalError, TransientError.
    """
    config, source = job.config, _parquet(job.config)
    if not 0 < sample <= 1:
        raise InputError(f"--sample: {sample:g} is no share; write a number above 0, up to 1")
    judge, planned = identify(config.judge), plan(source)
    ledger = ledger_of(config.sink.path)
    reuse = ledger is not None and not fresh
    source_moves(planned, ledger or {}, source.on_change)
    sizes = load_sizes(config.judge, config.replicas.gpus) if isinstance(config.judge, VllmConfig) else None
    open_ = _wanted(job, planned, judge, ledger or {})
    counts, tokens = _walk(job, planned, open_, Draw(sample, seed), judge, sizes, reuse=reuse)
    past = Past(config, judge, there=ledger is not None)
    figuring = _Figuring(config, counts, sample, reuse=reuse)
    return JobPlan(
        job=config.name,
        judge=judge,
        items=planned.items,
        replicas=config.replicas.count,
        policies=tuple(
            figuring.policy(number, policy, tokens[number], past.pace(policy))
            for number, policy in enumerate(job.policies)
        ),
        sample=sample,
        seed=seed,
        block=sizes.block if sizes is not None else None,
    )


def _parquet(config: Config) -> ParquetConfig:
    if not isinstance(config.source, ParquetConfig):
        raise InputError(
            "source.kind: a plan reads Parquet, a topic has no end; to plan a stream, plan a day of it in Parquet"
        )
    return config.source


def _wanted(job: Job, planned: Plan, judge: JudgeIdentity, ledger: Mapping[str, int]) -> dict[Shard, Wanted]:
    path = job.config.sink.path
    return {piece.shard: wanted(piece, job.policies, judge, ledger, path) for piece in planned.pieces}


def _walk(
    job: Job,
    planned: Plan,
    open_: Mapping[Shard, Wanted],
    draw: Draw,
    judge: JudgeIdentity,
    sizes: PromptSizes | None,
    *,
    reuse: bool,
) -> tuple[Counts, list[PolicyTokens]]:
    config = job.config
    with ExitStack() as stack:
        lookup: Lookup | None = None
        if reuse:
            lookup = stack.enter_context(closing(TableLookup(config.sink.path, config.reuse.max_age)))
            lookup.catch_up()
        tokens = stack.enter_context(Tokens(sizes, job.policies))
        walk = Walk(job.policies, Keys(judge), lookup, tokens, config.reuse_audit, draw)
        for shard, arrivals in read(_parquet(config), planned, open_):
            walk.take(arrivals, shard)
    return walk.finish(), tokens.policies


class _Figuring:
    """From counts to figures. `reuse`: there is a table from which verdicts may be reused."""

    def __init__(self, config: Config, counts: Counts, share: float, *, reuse: bool) -> None:
        self._config, self._counts, self._share, self._reuse = config, counts, share, reuse

    def policy(self, number: int, policy: Policy, tokens: PolicyTokens, pace: Pace) -> PolicyPlan:
        figures = self._figures(number, policy, tokens, pace)
        return PolicyPlan(
            policy.id,
            policy.mode,
            policy.version,
            policy.hash,
            figures,
            self._changed(policy, tokens, pace),
            pace,
        )

    def _figures(self, number: int, policy: Policy, tokens: PolicyTokens, pace: Pace) -> Figures:
        counts, bit = self._counts, 1 << number
        cases = counts.wanted.total()
        open_ = sum(count for bits, count in counts.wanted.items() if bits & bit)
        bad = sum(count for bits, count in (counts.bad + counts.other_kind).items() if bits & bit)
        drawn = sum(count for bits, count in counts.judged.items() if bits & bit)
        good, audited = open_ - bad, counts.audited[number]
        to_judge = self._contents(drawn, good)
        copies = scaled(counts.reused[number], self._share).rounded() if self._reuse else exactly(0)
        reused = copies.at_most(to_judge.left_of(good))
        return Figures(
            cases=exactly(cases),
            settled=exactly(cases - open_),
            rejected=exactly(bad),
            reused=reused,
            duplicates=(to_judge + reused).left_of(good).within(0, good),
            to_judge=to_judge,
            audited=self._contents(audited, good) if self._reuse and self._config.reuse_audit else exactly(0),
            **self._price(policy, to_judge, drawn, (tokens.prompt, tokens.cacheable), tokens, pace),
        )

    def _changed(self, policy: Policy, tokens: PolicyTokens, pace: Pace) -> Changed:
        contents, counts = self._counts.contents_under(policy), self._counts
        to_judge = self._contents(contents, counts.wanted.total() - counts.bad.total())
        price = self._price(policy, to_judge, contents, (tokens.changed, tokens.changed_cacheable), tokens, pace)
        return Changed(to_judge=to_judge, **price)

    def _contents(self, drawn: int, most: int) -> Estimate:
        """How many there are, of which so many were drawn."""
        return scaled(Sum(drawn, drawn), self._share).within(drawn, most).rounded()

    def _price(
        self,
        policy: Policy,
        cases: Estimate,
        drawn: int,
        read: tuple[Sum, Sum],
        tokens: PolicyTokens,
        pace: Pace,
    ) -> dict[str, Estimate]:
        """Tokens, time and money. Where none of the drawn is judged, a case takes what one does on average."""
        known = max(self._counts.contents_under(policy), 1)
        means = (tokens.changed.total / known, tokens.changed_cacheable.total / known)
        prompt, cacheable = (
            each_with(cases, each, drawn, self._share, mean) for each, mean in zip(read, means, strict=True)
        )
        fresh = Estimate(*(getattr(prompt, at) - getattr(cacheable, at) for at in ("value", "low", "high")))
        time = Estimate(*(pace.seconds(getattr(cases, at), getattr(fresh, at)) for at in ("value", "low", "high")))
        hours = time.times(self._config.replicas.gpus / 3600)
        return {
            "prompt_tokens": prompt.rounded(),
            "cacheable_tokens": cacheable.rounded(),
            "output_tokens": cases.times(pace.output_tokens).rounded(),
            "replica_seconds": time,
            "gpu_hours": hours,
            "cost": hours.times(self._config.cost.gpu_hour),
        }
