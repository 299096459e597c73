"""The plots of a report as static SVG, drawn by Vega-Lite: nothing runs in the reader's browser.

Colours are stand-ins, Okabe and Ito's, which people with any colour vision tell apart: `report_page/page.css` gives
each its shade for light and dark, by the attribute that holds it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from itertools import accumulate, pairwise

import altair as alt
import vl_convert
from markupsafe import Markup

from jobs.report_period import Period
from jobs.report_rows import Change, CostDay, Event, Point, ScoreBin
from jobs.sql_output import printable

NOW, BEFORE, MOVED, EVENT = "#0072b2", "#8c8c8c", "#d55e00", "#009e73"
TEXT, GRID = "#555555", "#dddddd"
_WIDTH, _HEIGHT = 360, 190
_ROW = 26
_DATES = {"hour": "%d %b %H:%M", "day": "%d %b", "week": "%d %b", "month": "%b %Y"}
_BUCKETS = {"hour": "hour", "day": "day", "week": "week that begins on", "month": "month"}

_LONGEST = {"hour": timedelta(hours=1), "day": timedelta(1), "week": timedelta(7), "month": timedelta(31)}
"""From the beginning of a bucket to that of the next at most."""

_SHORT = "format(datum.value, '.3~s')"


def rate_plot(points: Sequence[Point], events: Sequence[Event], period: Period) -> Markup:
    """A rate over time with its limits; grey before the period, and no line where buckets have no verdicts.

    Events are dashed lines with their numbers, from 1.
    """
    rows = [
        {"t": f"{p.bucket:%Y-%m-%dT%H:%M}", "rate": p.rate, "low": p.low, "high": p.high, "now": p.is_now, "n": n}
        for p, n in zip(points, _stretches(points, period), strict=True)
    ]
    when = alt.X(
        "t:T",
        title=f"{_BUCKETS[period.every]} (UTC)",
        axis=alt.Axis(format=_DATES[period.every], tickCount=6, grid=False),
        scale=alt.Scale(padding=8),
    )
    shade = alt.Color("now:N", scale=alt.Scale(domain=[False, True], range=[BEFORE, NOW]), legend=None)
    base = _chart(rows).encode(x=when, color=shade)
    share = alt.Axis(format=".3~%", tickCount=5)
    bars = base.mark_rule(strokeWidth=2, opacity=0.45).encode(
        y=alt.Y("low:Q", title="flagged, % of verdicts", axis=share, scale=alt.Scale(zero=True)), y2="high:Q"
    )
    line = base.mark_line(strokeWidth=1.5).encode(y="rate:Q", detail="n:N")
    dots = base.mark_circle(size=34, opacity=1).encode(y="rate:Q")
    return _svg(*_marks(events), bars, line, dots)


def score_plot(bins: Sequence[ScoreBin]) -> Markup:
    """How scores are spread: all verdicts, and in front of them those that were flagged; heights on a log scale."""
    rows = [{"low": b.bin_low, "high": b.bin_high, "all": b.verdicts, "flagged": b.flagged} for b in bins]
    base = _chart(rows).encode(
        x=alt.X(
            "low:Q", title="score: P(violation)", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(tickCount=6, grid=False)
        ),
        x2="high:Q",
    )
    scale, axis = (
        alt.Scale(type="symlog", domainMin=0),
        alt.Axis(labelExpr=_SHORT, values=_tens(b.verdicts for b in bins)),
    )
    height = alt.Y("all:Q", title="verdicts (log scale)", scale=scale, axis=axis)
    every = base.mark_bar(color=BEFORE, opacity=0.55, binSpacing=1).encode(y=height, y2=alt.datum(0))
    flagged = base.mark_bar(color=NOW, binSpacing=1).encode(y=alt.Y("flagged:Q"), y2=alt.datum(0))
    return _svg(every, flagged)


def change_plot(changes: Sequence[Change]) -> Markup:
    """Each policy's change in percentage points with its limits, in the order given; in orange what moved."""
    known = [each for each in changes if each.change is not None]
    rows = [
        {
            "policy": printable(each.policy_id),
            "change": 100 * (each.change or 0),
            "low": 100 * (each.change_low or 0),
            "high": 100 * (each.change_high or 0),
            "moved": each.moved,
        }
        for each in known
    ]
    order = [str(row["policy"]) for row in rows]
    shade = alt.Color("moved:N", scale=alt.Scale(domain=[False, True], range=[BEFORE, MOVED]), legend=None)
    base = _chart(rows).encode(y=alt.Y("policy:N", title=None, sort=order), color=shade)
    title = "change of the rate, percentage points"
    bars = base.mark_rule(strokeWidth=3, opacity=0.6).encode(x=alt.X("low:Q", title=title), x2="high:Q")
    dots = base.mark_circle(size=70, opacity=1).encode(x="change:Q")
    zero = _chart([{"zero": 0}]).mark_rule(color=TEXT).encode(x="zero:Q")
    return _svg(zero, bars, dots, height=_ROW * max(1, len(rows)))


def token_plot(days: Sequence[CostDay]) -> Markup:
    """Tokens by day: read, and in front of them those that were read from the judge's cache; written ones as a line."""
    rows = [
        {"t": f"{d.day}T00:00", "read": d.prompt_tokens, "cached": d.cached_tokens, "written": d.output_tokens}
        for d in days
    ]
    base = _chart(rows).encode(
        x=alt.X(
            "t:O",
            title="day (UTC)",
            timeUnit="yearmonthdate",
            axis=alt.Axis(format="%d %b", labelAngle=0, labelOverlap=True),
        )
    )
    tokens = alt.Y("read:Q", title="tokens", axis=alt.Axis(labelExpr=_SHORT, tickCount=5))
    read = base.mark_bar(color=BEFORE, opacity=0.55).encode(y=tokens)
    cached = base.mark_bar(color=NOW).encode(y="cached:Q")
    written = base.mark_line(color=MOVED, point=alt.OverlayMarkDef(color=MOVED, size=30)).encode(y="written:Q")
    return _svg(read, cached, written)


def _stretches(points: Sequence[Point], period: Period) -> list[int]:
    """Of each point the number of its stretch: a bucket without verdicts begins another."""
    gaps = [after.bucket - before.bucket > _LONGEST[period.every] for before, after in pairwise(points)]
    return list(accumulate(gaps, initial=0))[: len(points)]


def _tens(counts: Iterable[int]) -> list[int]:
    most = max(counts, default=1)
    return [0, *(10**power for power in range(len(str(most))))]


def _marks(events: Sequence[Event]) -> list[alt.Chart]:
    """One dashed line for each bucket with events, their numbers above it."""
    if not events:
        return []
    numbers: dict[str, list[str]] = {}
    for n, each in enumerate(events, start=1):
        numbers.setdefault(f"{each.bucket:%Y-%m-%dT%H:%M}", []).append(str(n))
    rows = [{"t": moment, "n": ", ".join(several)} for moment, several in numbers.items()]
    base = _chart(rows).encode(x="t:T")
    return [
        base.mark_rule(color=EVENT, strokeDash=[4, 3], strokeWidth=1.5),
        base.mark_text(color=EVENT, y=-6, fontSize=12, fontWeight="bold").encode(text="n:N"),
    ]


def _chart(rows: Sequence[Mapping[str, object]]) -> alt.Chart:
    return alt.Chart({"values": rows})


def _svg(*layers: alt.Chart, height: int = _HEIGHT) -> Markup:
    axis = alt.AxisConfig(
        labelColor=TEXT, titleColor=TEXT, gridColor=GRID, domainColor=GRID, tickColor=GRID,
        labelFontSize=12, titleFontSize=12, titleFontWeight="normal", titlePadding=8, labelLimit=150,
    )  # fmt: skip
    whole = alt.LayerChart(layer=list(layers), width=_WIDTH, height=height, background="transparent", padding=6)
    spec = whole.configure_view(stroke=None).configure_axis(**axis.to_dict()).to_dict()
    return Markup(vl_convert.vegalite_to_svg(spec, allowed_base_urls=[]))
