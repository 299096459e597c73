"""Calibration: whether of the items with score 0.8 eight in ten are violations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from measure.answers import Answer, Estimate


class Binning(StrEnum):
    """EQUAL_MASS puts about as many answers into each bin (equal scores stay together); EQUAL_WIDTH cuts 0 to 1."""

    EQUAL_MASS = "equal_mass"
    EQUAL_WIDTH = "equal_width"


@dataclass(frozen=True, slots=True)
class Bin:
    """Answers with scores of `low` to `high`: their mean score, and the share of violations among them."""

    low: float
    high: float
    mean_score: float
    rate: Estimate


@dataclass(frozen=True, slots=True)
class Calibration:
    """Bins that hold at least one answer, lowest first, and the expected calibration error over them."""

    binning: Binning
    bins: tuple[Bin, ...]
    ece: Estimate


def calibration(
    answers: Sequence[Answer],
    *,
    binning: Binning = Binning.EQUAL_MASS,
    bins: int = 10,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Calibration:
    """Bins for a plot and the ECE. No bins, and an ECE of None, if no answer has both a label and a score."""
    raise NotImplementedError
