"""The calibration plot: where its marks are, in pixels. The template draws them."""

from __future__ import annotations

from dataclasses import dataclass

from measure.calibration import Calibration

SIDE = 260
"""Width and height of the square from score 0 to 1 and share 0 to 1."""

MARGIN = 40

_RADIUS = (3.0, 9.0)


@dataclass(frozen=True, slots=True)
class Mark:
    """One bin: its point, the ends of its interval, and how large the point is for the answers in it."""

    x: float
    y: float
    low: float
    high: float
    radius: float
    text: str


def marks(calibration: Calibration) -> tuple[Mark, ...]:
    """One mark for each bin; the y axis points down, as in SVG."""
    most = max((each.rate.n for each in calibration.bins), default=1)
    found = []
    for each in calibration.bins:
        rate, low, high = each.rate.value, each.rate.low, each.rate.high
        if rate is None or low is None or high is None:
            continue
        radius = _RADIUS[0] + (_RADIUS[1] - _RADIUS[0]) * (each.rate.n / most) ** 0.5
        text = (
            f"scores {each.low:.3f} to {each.high:.3f}, mean {each.mean_score:.3f}: "
            f"{rate:.3f} are violations ({low:.3f} to {high:.3f}), {each.rate.n:,} answers"
        )
        found.append(Mark(_x(each.mean_score), _y(rate), _y(low), _y(high), round(radius, 1), text))
    return tuple(found)


def _x(score: float) -> float:
    return round(MARGIN + SIDE * score, 1)


def _y(share: float) -> float:
    return round(MARGIN + SIDE * (1 - share), 1)
