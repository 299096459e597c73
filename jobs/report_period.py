"""Which days a report is about, and which it compares them with."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from assay.config_parts import Section
from assay.errors import InputError

_DAYS = 7
_BUCKETS = ((3, "hour"), (92, "day"), (730, "week"))


class Period(Section):
    """UTC days, all included; both days before are None where nothing is compared. `every`: how long a bucket is."""

    since: date
    until: date
    since_before: date | None
    until_before: date | None
    every: str

    @property
    def days(self) -> int:
        return (self.until - self.since).days + 1


def period_of(
    first: date | None, last: date | None, since: date | None, until: date | None, *, compare: bool
) -> Period:
    """The days that were asked for; by default the last seven of a table that has outcomes from `first` to `last`.

    What is compared with them is as many days right before, as far as the calendar goes. Of a table without outcomes
    the last day is today. Raises InputError if the period ends before it begins.
    """
    end = until or max(filter(None, (last, since)), default=None) or datetime.now(UTC).date()
    begin = since or max(filter(None, (_before(end, _DAYS - 1), first if first and first <= end else None)))
    if begin > end:
        raise InputError(f"--from {begin} --to {end}: the period ends before it begins; swap them")
    until_before = _before(begin, 1) if compare and begin > date.min else None
    since_before = _before(until_before, (end - begin).days) if until_before else None
    shown = (end - (since_before or begin)).days + 1
    every = next((name for most, name in _BUCKETS if shown <= most), "month")
    return Period(since=begin, until=end, since_before=since_before, until_before=until_before, every=every)


def _before(day: date, days: int) -> date:
    """So many days before one, or the calendar's first."""
    return day - timedelta(days=min(days, (day - date.min).days))
