"""What a live view says of a table: facts, tables and notes. None of it is safe to show yet: see `jobs.watch_shown`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from assay.records import Action
from jobs.eval_words import UNKNOWN, excerpt
from jobs.report_words import base, between, counted, money, percent
from jobs.sql_table import Rows
from jobs.watch_record import Figures, PartitionNow, PolicyNow, RejectionNow, RunFigures, RunNow, Watched

LONG = timedelta(minutes=2)
"""After so long without a commit a run that says it is running is looked at with doubt."""

SHOWN = 8
"""So many reasons and partitions are shown."""

_ID_CHARS = 60
_MESSAGE_CHARS = 300
_UNITS = (("day", 86_400), ("h", 3600), ("min", 60))


@dataclass(frozen=True, slots=True)
class Heading:
    text: str


@dataclass(frozen=True, slots=True)
class Fact:
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Note:
    """Something that asks for attention."""

    text: str


Part = Heading | Fact | Note | Rows


def view(watched: Watched | None, path: str) -> Iterator[Part]:
    """What there is to say of the sink at `path`, the most important first. Ages are those at `read_at`."""
    if watched is None:
        yield Heading(f"nothing yet: no table at {path}")
    elif watched.of_run is None:
        yield Heading(f"nothing yet: job {watched.job} has had no run that wrote to {path}")
    else:
        run, figures, now = watched.of_run.run, watched.of_run.figures, watched.read_at
        yield Heading(f"{watched.job}: {_state(run, now)}")
        yield from _notes(run, watched.committed_at, now)
        yield from _facts(run, figures)
        yield from _freshness(watched.of_run, watched.committed_at, now)
        yield from _tables(watched.of_run, now)


def age(since: datetime, now: datetime) -> str:
    """`3 s`, `12 min`, `2 h 5 min`, `4 days`; of a time to come, as clocks differ, `0 s`."""
    seconds = max(0, int((now - since).total_seconds()))
    unit, length = next(((unit, length) for unit, length in _UNITS if seconds >= length), ("s", 1))
    if unit == "day":
        return counted(seconds // length, "day")
    more = f" {seconds % length // 60} min" if unit == "h" and seconds % length >= 60 else ""
    return f"{seconds // length} {unit}{more}"


def _state(run: RunNow, now: datetime) -> str:
    name = f"run {run.run_id[:8]}"
    if run.ended_at is None:
        return f"{name} {run.state} for {age(run.started_at, now)}"
    took, ended = age(run.started_at, run.ended_at), age(run.ended_at, now)
    why = f": {excerpt(run.message, _MESSAGE_CHARS)}" if run.message else ""
    return f"{name} {run.state} {ended} ago, after {took}{why}"


def _notes(run: RunNow, committed_at: datetime | None, now: datetime) -> Iterator[Note]:
    if run.ended_at is None and committed_at is not None and now - committed_at >= LONG:
        yield Note(
            f"nothing has been committed for {age(committed_at, now)}: "
            "nothing comes in, the judge is slow, or the run was killed"
        )


def _facts(run: RunNow, it: Figures) -> Iterator[Fact]:
    cases = f" of {run.cases:,}" if run.cases else ""
    items = f" of {run.items:,}" if run.items else ""
    before = f"; {run.skipped:,} settled before" if run.ended_at is not None and run.skipped else ""
    yield Fact("settled", f"{it.settled:,}{cases} cases, {it.items:,}{items} items{before}")
    yield Fact("verdicts", f"{it.verdicts:,}; {it.rejected:,} rejected; {it.judged:,} judged, {it.reused:,} reused")
    yield Fact("rate", f"{_rate(it.per_second_lately)} over the last minute, {_rate(it.per_second)} since the first")
    yield Fact("actions", ", ".join(f"{name} {count:,}" for name, count in _actions(it)) or UNKNOWN)
    cached = f" ({it.cached_tokens:,} of them cached)" if it.cached_tokens else ""
    yield Fact("tokens", f"{it.prompt_tokens:,} read{cached}, {it.output_tokens:,} written")
    if run.cost:
        yield Fact("cost", money(run.cost))


def _rate(per_second: float | None) -> str:
    if per_second is None:
        return UNKNOWN
    return f"{per_second:,.1f} verdicts/s" if per_second >= 1 else f"{per_second:.2g} verdicts/s"


def _actions(it: Figures) -> Sequence[tuple[str, int]]:
    """The mildest first."""
    counts = {each.action: each.verdicts for each in it.actions}
    known = [(action.value, counts.pop(action.value)) for action in Action if action.value in counts]
    return [*known, *counts.items()]


def _freshness(of_run: RunFigures, committed_at: datetime | None, now: datetime) -> Iterator[Fact]:
    newest = max((each.newest_item for each in of_run.partitions if each.newest_item), default=None)
    if newest is not None:
        yield Fact("newest", f"a record of {newest.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC, {age(newest, now)} old")
    delay = of_run.delay
    if delay is not None and delay.p50_seconds is not None and delay.p99_seconds is not None:
        p50, p99 = f"{delay.p50_seconds:,.2f} s", f"{delay.p99_seconds:,.2f} s"
        yield Fact("delay", f"{p50} from a record's time to its verdict (p99 {p99}), over the last minute")
    if committed_at is not None:
        yield Fact("committed", f"{age(committed_at, now)} ago")


def _tables(of_run: RunFigures, now: datetime) -> Iterator[Part]:
    if of_run.figures.policies:
        yield _policies(of_run.figures.policies)
    if of_run.rejections:
        yield _rejections(of_run.rejections[:SHOWN], now)
        yield from _more(len(of_run.rejections), "reason")
    if of_run.partitions:
        yield _partitions(of_run.partitions[:SHOWN], now)
        yield from _more(len(of_run.partitions), "partition")


def _more(there_are: int, what: str) -> Iterator[Fact]:
    if there_are > SHOWN:
        yield Fact("", f"and {counted(there_are - SHOWN, f'more {what}')}")


def _policies(policies: Sequence[PolicyNow]) -> Rows:
    heads = ("policy", "verdicts", "flagged", "share", "95 % interval", "unsure")
    cells = [
        (
            excerpt(each.policy_id, _ID_CHARS) + (f" ({each.mode})" if each.mode != "live" else ""),
            f"{each.verdicts:,}",
            f"{each.flagged:,}",
            percent(each.share),
            between(each.low, each.high),
            percent(each.unsure_share),
        )
        for each in policies
    ]
    return Rows(heads, cells, (False, *[True] * 5))


def _rejections(rejections: Sequence[RejectionNow], now: datetime) -> Rows:
    heads = ("rejected because", "at stage", "cases", "last one", "its item", "its policy")
    cells = [
        (
            excerpt(each.reason, _ID_CHARS),
            excerpt(each.stage, _ID_CHARS),
            f"{each.rejected:,}",
            f"{age(each.last_judged, now)} ago",
            UNKNOWN if each.item_id is None else excerpt(each.item_id, _ID_CHARS),
            excerpt(each.policy_id, _ID_CHARS),
        )
        for each in rejections
    ]
    return Rows(heads, cells, (False, False, True, True, False, False))


def _partitions(partitions: Sequence[PartitionNow], now: datetime) -> Rows:
    heads = ("partition", "cases", "next offset", "newest record", "last verdict")
    cells = [
        (
            excerpt(f"{base(each.source)}/{each.shard}", _ID_CHARS),
            f"{each.cases:,}",
            f"{each.next_offset:,}",
            UNKNOWN if each.newest_item is None else f"{age(each.newest_item, now)} old",
            f"{age(each.last_judged, now)} ago",
        )
        for each in partitions
    ]
    return Rows(heads, cells, (False, *[True] * 4))
