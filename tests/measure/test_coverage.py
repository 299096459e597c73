"""How often intervals of 95 % hold the truth, over many samples from a known population."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from measure.agreement import kappa
from measure.answers import Answer, Estimate
from measure.calibration import calibration
from measure.figures import figures
from measure.paired import Pair, compare, extrapolate
from measure.samples import Floats
from measure.shares import share
from measure.thresholds import operating_point
from tests.measure.builders import answer, drawn, scored

LOWEST, HIGHEST = 0.91, 0.995
"""95 %, less what a few hundred rounds leave to chance and what small samples cost."""


def cover(truth: float, rounds: int, sampled: Callable[[int], Estimate]) -> float:
    """The share of rounds in which the interval holds the truth, of those that had one."""
    found = [estimate for estimate in map(sampled, range(rounds)) if estimate.low is not None]
    assert len(found) > rounds * 0.95
    return float(np.mean([(e.low or 0) <= truth <= (1 if e.high is None else e.high) for e in found]))


NAMES = ("recall", "precision", "f1", "balanced_accuracy", "auc", "average_precision")


@pytest.mark.parametrize(("n", "apart", "share"), [(50, 2.0, 0.3), (150, 3.5, 0.3), (400, 1.2, 0.15)])
def test_figures_of_independent_items(n: int, apart: float, share: float) -> None:
    known = figures(drawn(100_000, 0, apart=apart, share=share), resamples=2)
    rounds = 200
    found = [figures(drawn(n, seed + 1, apart=apart, share=share), resamples=150) for seed in range(rounds)]
    for name in NAMES:
        held = cover(known.estimate(name).value or 0, rounds, lambda turn, name=name: found[turn].estimate(name))
        assert LOWEST - 0.02 <= held <= 1, f"{name}: {held}"


@pytest.mark.parametrize(("clusters", "size", "rate"), [(10, 3, 0.9), (30, 10, 0.9), (100, 3, 0.97), (40, 5, 0.5)])
def test_a_share_of_answers_in_clusters(clusters: int, size: int, rate: float) -> None:
    def sampled(seed: int) -> Estimate:
        rng = np.random.default_rng(seed)
        cluster = np.repeat(np.arange(clusters), rng.poisson(size - 1, clusters) + 1)
        hits = (rng.random(len(cluster)) < rng.beta(4 * rate, 4 * (1 - rate), clusters)[cluster]).astype(np.float64)
        return share(hits, np.ones_like(hits), cluster, 0.95)

    assert LOWEST <= cover(rate, 600, sampled) <= HIGHEST


def test_figures_of_items_in_clusters() -> None:
    rounds, rng = 150, np.random.default_rng(0)

    def answers(groups: int) -> list[Answer]:
        truth = np.repeat(rng.random(groups) < 0.4, 5)
        shared = np.repeat(rng.normal(size=groups), 5)
        signal = np.where(truth, 1.0, -1.0) + 0.8 * shared + 0.6 * rng.normal(size=len(truth))
        return scored(truth, 1 / (1 + np.exp(-2 * signal)), per_group=5)

    known = figures(answers(20_000), resamples=2)
    found = [figures(answers(40), resamples=150) for _ in range(rounds)]
    for name in NAMES:
        held = cover(known.estimate(name).value or 0, rounds, lambda turn, name=name: found[turn].estimate(name))
        assert LOWEST - 0.03 <= held <= 1, f"{name}: {held}"


def scores_off_by(power: float, n: int, seed: int) -> list[Answer]:
    """Scores whose odds are off by a power: 1 for a judge that is as sure as it is right."""
    rng = np.random.default_rng(seed)
    score = rng.beta(0.5, 0.75, n)
    odds: Floats = ((score + 1e-3) / (1 - score + 1e-3)) ** power
    return scored(rng.random(n) < odds / (1 + odds), score)


@pytest.mark.parametrize(("power", "n"), [(1.0, 60), (1.0, 400), (0.5, 200), (0.3, 60), (2.0, 400)])
def test_calibration_error(power: float, n: int) -> None:
    bins = min(10, n // 10)
    truth = calibration(scores_off_by(power, 200_000, 0), bins=bins, resamples=2).ece.value or 0
    held = cover(truth, 200, lambda turn: calibration(scores_off_by(power, n, turn + 1), resamples=200).ece)
    assert LOWEST - 0.01 <= held <= 1


@pytest.mark.parametrize(("n", "hit", "alarm"), [(50, 0.9, 0.1), (50, 0.95, 0.02), (200, 0.7, 0.05)])
def test_kappa(n: int, hit: float, alarm: float) -> None:
    violating = 0.25
    agree = violating * hit + (1 - violating) * (1 - alarm)
    flagged = violating * hit + (1 - violating) * alarm
    chance = violating * flagged + (1 - violating) * (1 - flagged)

    def sampled(seed: int) -> Estimate:
        rng = np.random.default_rng(seed)
        truth = rng.random(n) < violating
        said = rng.random(n) < np.where(truth, hit, alarm)
        return kappa(
            [
                answer(str(i), expected=bool(a), violation=bool(b))
                for i, (a, b) in enumerate(zip(truth, said, strict=True))
            ]
        )

    assert LOWEST <= cover((agree - chance) / (1 - chance), 500, sampled) <= HIGHEST


@pytest.mark.parametrize("chances", [(0.3, 0.1, 0.05, 0.55), (0.1, 0.02, 0.02, 0.86), (0.8, 0.1, 0.05, 0.05)])
def test_a_difference_of_pairs(chances: tuple[float, ...]) -> None:
    def sampled(seed: int) -> Estimate:
        drawn_pairs = np.random.default_rng(seed).choice(4, 80, p=chances)
        return compare(
            [Pair(str(i), "", bool(v in (0, 2)), bool(v in (0, 1))) for i, v in enumerate(drawn_pairs)]
        ).difference

    assert LOWEST <= cover(chances[1] - chances[2], 500, sampled) <= HIGHEST


@pytest.mark.parametrize(
    ("population", "n", "hits"), [(1000, 100, 100), (1000, 500, 20), (100_000, 200, 3000), (200, 150, 60)]
)
def test_an_extrapolated_count(population: int, n: int, hits: int) -> None:
    counts = np.random.default_rng(0).hypergeometric(hits, population - hits, n, 800)
    found = [extrapolate(int(count), n, population) for count in counts]
    assert LOWEST <= np.mean([(e.low or 0) <= hits <= (e.high or 0) for e in found]) <= HIGHEST


def test_the_bound_of_a_chosen_threshold_seldom_promises_too_much() -> None:
    everything = drawn(100_000, 0, apart=2.5)
    too_much = held_out = 0
    rounds = 40
    for seed in range(rounds):
        chosen = operating_point(drawn(150, seed + 1, apart=2.5), recall=0.8)
        assert chosen is not None
        true = np.mean([(a.score or 0) >= chosen.point.threshold for a in everything if a.expected])
        too_much += true < (chosen.point.recall.low or 0)
        held_out += true < (chosen.held_out.low or 0)
    assert too_much <= 0.12 * rounds
    assert held_out <= 0.1 * rounds
