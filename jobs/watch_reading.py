"""Reads from the table what a live view shows, and from nothing else.

Each reading opens the latest snapshot and asks the queries in `queries/watch/`. They read the small table `runs`, the
newest entries of the log, and of the latest run's rows the columns that are counted: ids, status, times and numbers,
never a rationale, a reasoning or a raw byte; of rejections also the item's id. Partitions of days before the run began
are passed over. So a reading grows with the run, not with the table; `jobs.watch_command` makes long ones rare.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from assay.config import Config, KafkaConfig
from jobs.report_asking import Asking, asking
from jobs.watch_record import Delay, Figures, PartitionNow, RejectionNow, RunFigures, RunNow, Watched
from sinks.last_commit import last_commit

_CLOCKS = timedelta(hours=1)
"""Replicas on other machines may date a verdict before the run began."""


def read_now(config: Config, now: datetime) -> Watched | None:
    """What is to be seen at instant `now` of the job's latest run; None before there is a table.

    Raises TransientError and FatalError if the table can't be read, InputError if it is none of ours.
    """
    path = config.sink.path
    commit = last_commit(path)
    if commit is None:
        return None
    with asking(path, None, {"job": config.name, "now": now}, "watch") as ask:
        runs = ask.rows("run", RunNow)
        of_run = _of_run(ask, runs[0], stream=isinstance(config.source, KafkaConfig)) if runs else None
    return Watched(job=config.name, read_at=now, committed_at=commit.at, of_run=of_run)


def _of_run(ask: Asking, run: RunNow, *, stream: bool) -> RunFigures:
    first_day = (run.started_at.astimezone(UTC) - _CLOCKS).date()
    of_run = ask.with_values(run=run.run_id, first_day=first_day, ended=run.ended_at is not None)
    (figures,) = of_run.rows("figures", Figures)
    rejections = of_run.rows("rejections", RejectionNow) if figures.rejected else ()
    if not stream:
        return RunFigures(run=run, figures=figures, rejections=rejections)
    (delay,) = of_run.rows("delay", Delay)
    partitions = of_run.rows("partitions", PartitionNow)
    return RunFigures(run=run, figures=figures, rejections=rejections, partitions=partitions, delay=delay)
