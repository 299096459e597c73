"""The stream: audit Kafka topics until told to stop, or to the offsets that were their ends at the start."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import uuid4

from actors.assignment import Assignment
from actors.board import Status
from actors.identity import identify
from actors.supervisor import Supervisor, cluster
from assay.config import KafkaConfig
from assay.contracts import NewsKind, Shard
from assay.errors import InputError, Interrupted, TransientError
from assay.records import JudgeIdentity
from jobs.lag import Lag, LagGauge, lag_gauge, lag_of
from jobs.load import Job
from jobs.reload import PolicyWatch
from jobs.running import catch_up, record_of, recorded, upkeep, work_of
from jobs.stream_marks import Mark, balance, begin_at_ends, read_marks, shards_of
from jobs.stream_summary import PartitionSummary, StreamSummary, summarise_stream
from sinks.counts import count_outcomes
from sinks.delta import DeltaSink
from sinks.kafka_outbox import KafkaOutbox
from sources.kafka_client import Survey, survey

_LOOK_SECONDS = 0.5

Say = Callable[[str], None]
Show = Callable[[Status, Lag | None], None]


@dataclass
class Watcher:
    """What the driver looks at while replicas work: their news, and whether it is time to stop."""

    job: Job
    sink: DeltaSink
    judge: JudgeIdentity
    shards: Sequence[Shard]
    ends: Mapping[tuple[str, int], int] | None
    signalled: Callable[[], bool]
    show: Show
    say: Say
    gauge: LagGauge = field(default_factory=LagGauge)
    resubscribed: int = 0
    _looked: float = field(default=0.0, init=False)
    _done: bool = field(default=False, init=False)
    _away: bool = field(default=False, init=False)

    def status(self, status: Status) -> None:
        for news in status.news:
            self.resubscribed += news.kind is NewsKind.RESUBSCRIBED
            if self._is_new(news.kind):
                self.say(news.text)
        self.show(status, self.gauge.latest)

    def _is_new(self, kind: NewsKind) -> bool:
        """That the broker is away, or back, is said once and not by each replica."""
        if kind not in (NewsKind.AWAY, NewsKind.BACK):
            return True
        before, self._away = self._away, kind is NewsKind.AWAY
        return before != self._away

    def stopping(self) -> bool:
        """A signal came, or everything that was there at the start is settled."""
        if self.ends is not None and not self._done and time.monotonic() - self._looked >= _LOOK_SECONDS:
            self._looked = time.monotonic()
            with suppress(TransientError):  # the next look will tell
                self._done = _all_settled(self.job, read_marks(self.sink, self.shards, self.judge))
        return self._done or self.signalled()


def stream(
    job: Job,
    *,
    until_end: bool,
    show: Show,
    say: Say,
    stopping: Callable[[], bool],
    fresh: bool = False,
    allow_edited: bool = False,
) -> StreamSummary:
    """Run a stream until `stopping`, or with `until_end` to the present ends. The run is recorded in table `runs`.

    `fresh`: no verdict of an earlier run is reused. `allow_edited`: a policy that was edited, or changes
    meanwhile, may keep its version.

    `say` gets what the person at the terminal should read once. Raises InputError before anything is judged if the
    cluster, a topic or the group can't be used; FatalError when the run fails or does not balance.
    """
    began = time.monotonic()
    source = _source(job)
    judge, seen = identify(job.config.judge), survey(source)
    _check_outbox(job, source)
    ends = seen.ends if until_end else None
    shards = shards_of(seen, ends)
    _introduce(job, shards, say)
    sink = _begun(job, source, seen, judge)
    watcher = Watcher(job, sink, judge, shards, ends, stopping, show, say)
    run_id, before = uuid4().hex, read_marks(sink, shards, judge)

    def run() -> StreamSummary:
        status = _judge(watcher, source, run_id, PolicyWatch(job, say, allow_edited=allow_edited), fresh=fresh)
        last = _last_seen(watcher, seen)
        after = read_marks(sink, shards_of(last, ends), judge)
        balance(job.config.sink.path, job.policies, before, after)
        return summarise_stream(
            run_id,
            "done" if until_end and _all_settled(job, after) else "stopped",
            _partitions(before, after, last),
            count_outcomes(job.config.sink.path, run_id),
            work_of(job, status, time.monotonic() - began),
            watcher.resubscribed,
        )

    return recorded(job, record_of(job, judge, run_id), run, allow_edited=allow_edited)


def _source(job: Job) -> KafkaConfig:
    if not isinstance(job.config.source, KafkaConfig):
        raise InputError("source.kind: a stream reads Kafka; for a Parquet source run: assay backfill")
    return job.config.source


def _begun(job: Job, source: KafkaConfig, seen: Survey, judge: JudgeIdentity) -> DeltaSink:
    """The job's table, whose ledger says where `latest` is."""
    sink = DeltaSink(job.config.sink, job.config.sink.path)
    if source.start == "latest":
        begin_at_ends(sink, seen, judge)
    return sink


def _introduce(job: Job, shards: Sequence[Shard], say: Say) -> None:
    """Tell whoever started the run what it is about to do."""
    replicas, topics = job.config.replicas.count, dict.fromkeys(shard.source for shard in shards)
    if (spare := replicas - len(shards)) > 0:
        say(f"replicas.count: {len(shards)} partitions for {replicas} replicas: {spare} will be idle")
    say(f"auditing {', '.join(topics)}: {len(shards)} partitions; SIGTERM or Ctrl-C ends it")


def _all_settled(job: Job, marks: Mapping[Shard, Mark]) -> bool:
    """Whether every partition is settled up to where it is to stop, and whoever is to be told of it was told."""
    told = job.config.sink.verdict_topic is not None or _source(job).dead_letter is not None
    return all(mark.settled(shard.stop or 0, told=told) for shard, mark in marks.items())


def _last_seen(watcher: Watcher, seen: Survey) -> Survey:
    """Partitions and ends as they were last seen; with `until_end`, those that were to be reached."""
    last = watcher.gauge.seen
    if watcher.ends is not None or last is None:
        return seen
    return Survey({**seen.begins, **last.begins}, {**seen.ends, **last.ends})


def _judge(watcher: Watcher, source: KafkaConfig, run_id: str, changes: PolicyWatch, *, fresh: bool) -> Status | None:
    """Have replicas audit until it is time to stop. None if it is that already."""
    job = watcher.job
    if watcher.stopping():
        return None

    catch_up(job)

    def positions(shards: Sequence[Shard]) -> dict[Shard, int | None]:
        marks = read_marks(watcher.sink, shards, watcher.judge)
        return {shard: mark.position for shard, mark in marks.items()}

    try:
        with (
            cluster(job.config.replicas),
            upkeep(job),
            lag_gauge(source, positions) as watcher.gauge,
        ):
            work = Assignment(
                job.config, job.policies, run_id, ends=watcher.ends, since=datetime.now(UTC) if fresh else None
            )
            return Supervisor(work, watcher.shards, watcher.status, watcher.stopping, changes.renewed).run()
    except Interrupted:
        return None


def _check_outbox(job: Job, source: KafkaConfig) -> None:
    with closing(KafkaOutbox(source, job.config.sink)) as outbox:
        outbox.check()


def _partitions(
    before: Mapping[Shard, Mark], after: Mapping[Shard, Mark], last: Survey
) -> tuple[PartitionSummary, ...]:
    """A partition that was added while the run went on had no items before."""
    return tuple(
        PartitionSummary(
            topic=shard.source,
            partition=int(shard.id),
            began=before.get(shard, Mark()).position,
            position=mark.position,
            items=mark.items - before.get(shard, Mark()).items,
            lag=lag_of(last, shard, mark.position),
        )
        for shard, mark in after.items()
    )
