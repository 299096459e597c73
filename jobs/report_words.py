"""How the figures of a report are written, on the page and in Markdown. Nothing here is safe to be shown as markup."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from pathlib import PurePosixPath

from jobs.eval_words import UNKNOWN

FEW = 30
"""A rate of fewer verdicts says how few."""

_NOTHING = 1e-9
"""A change of fewer percentage points is rounding."""


def number(value: int | None) -> str:
    return UNKNOWN if value is None else f"{value:,}"


def counted(value: int, noun: str, plural: str = "") -> str:
    """`1 item`, `1,204 items`."""
    return f"{value:,} {noun if value == 1 else plural or f'{noun}s'}"


def percent(rate: float | None) -> str:
    """`3.1 %`: two digits that count, whole numbers whole; never `0 %` for what is not."""
    return UNKNOWN if rate is None else f"{_digits(100 * rate)} %"


def between(low: float | None, high: float | None) -> str:
    """`2.1 to 4.5 %`."""
    return "" if low is None or high is None else f"{_digits(100 * low)} to {_digits(100 * high)} %"


def points(change: float | None) -> str:
    """`+1.80`, `+0.0041`: percentage points, with two decimals or, of less than a tenth, two digits that count."""
    if change is None:
        return UNKNOWN
    value = 100 * change
    if abs(value) < _NOTHING:
        return "0.00"
    shown = f"{value:+.2f}" if abs(value) >= 0.1 else f"{'+' if value > 0 else ''}{_two_digits(value)}"
    return shown.replace("-", "\N{MINUS SIGN}")


def points_between(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{points(low)} to {points(high)}"


def base(path: str) -> str:
    """What a model is called: the last part of a path or URI, or the name itself."""
    return PurePosixPath(path).name or path


def source(path: str) -> str:
    """What a source is called: the last two parts of a path or URI, as each day may have a file of the same name."""
    return "/".join(part for part in PurePosixPath(path).parts[-2:] if part != "/") or path


def score(value: float | None) -> str:
    """`0.931`."""
    return UNKNOWN if value is None else f"{value:.3f}"


def decimal(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.2f}"


def decimals(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{low:.2f} to {high:.2f}"


def unmatched(labels: int, other_content: int) -> str:
    """How many labels count for nothing, and why; nothing if there is none."""
    if not labels:
        return ""
    changed = f", {other_content:,} of them as the item has other content now" if other_content else ""
    return f"{counted(labels, 'label')} count for nothing: no verdict or rejection has their item and policy{changed}."


def money(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:,.2f}"


def hours(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:,.1f}" if value >= 10 else _two_digits(value)


def few(n: int) -> str:
    """`n = 3` of few; nothing where there are enough."""
    return f"n = {n:,}" if n < FEW else ""


def chance(p: float | None) -> str:
    return UNKNOWN if p is None else "< 0.0001" if p < 0.0001 else f"{p:.2g}"


def day(value: date) -> str:
    """`9 November 2026`."""
    return f"{value.day} {value:%B %Y}"


def days(since: date, until: date) -> str:
    """`9 to 15 November 2026`, as short as it can be."""
    if since == until:
        return day(until)
    if (since.year, since.month) == (until.year, until.month):
        return f"{since.day} to {day(until)}"
    if since.year == until.year:
        return f"{since.day} {since:%B} to {day(until)}"
    return f"{day(since)} to {day(until)}"


def moment(value: datetime) -> str:
    """`9 Nov 2026, 14:05`, in UTC as all that is shown."""
    return f"{value.day} {value:%b %Y, %H:%M}"


def bucket(value: datetime, every: str) -> str:
    return moment(value) if every == "hour" else f"{value:%b %Y}" if every == "month" else f"{value.day} {value:%b %Y}"


def _digits(value: float) -> str:
    if value == 0 or value >= 99.95:
        return f"{value:.0f}"
    if value >= 9.95 and value == round(value):
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 1 else _two_digits(value)


def _two_digits(value: float) -> str:
    """Never with an exponent."""
    return f"{Decimal(f'{value:.2g}'):f}"
