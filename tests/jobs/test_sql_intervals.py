"""The statistics that are macros of `assay sql`, beside the libraries that have them too."""

from __future__ import annotations

from random import Random
from typing import Any

import duckdb
import numpy as np
import pytest
from scipy.stats import fisher_exact
from statsmodels.stats.proportion import confint_proportions_2indep

from assay.intervals import wilson
from jobs.sql_views import sql_files


def each(expression: str, counts: list[tuple[int, ...]]) -> list[Any]:
    """The expression's value for each row of counts a, b, c, d."""
    with duckdb.connect() as connection:
        for macro in ("wilson", "newcombe", "effective_number", "log_choose", "log_hypergeometric", "fisher"):
            connection.execute(sql_files()[macro].sql)
        values = ", ".join(map(str, counts))
        return [
            row[0] for row in connection.execute(f"SELECT {expression} FROM (VALUES {values}) t(a, b, c, d)").fetchall()
        ]


def some_counts() -> list[tuple[int, int, int, int]]:
    """Hits and trials, twice: all the small ones, and some up to thousands, rare hits among them."""
    random = Random(7)
    small = [(a, b, c, d) for b in (1, 2, 5) for a in range(b + 1) for d in (1, 3) for c in range(d + 1)]
    for _ in range(100):
        b, d, rare = random.randint(1, 5000), random.randint(1, 5000), random.choice((1, 10, 200))
        small.append((random.randint(0, b // rare), b, random.randint(0, d // rare), d))
    return small


def test_wilson_is_that_of_the_rest_of_assay() -> None:
    counts = some_counts()
    for found, (hits, of, *_) in zip(each("wilson(a, b)", counts), counts, strict=True):
        assert (found["low"], found["high"]) == pytest.approx(wilson(hits, of), abs=1e-12)
    assert each("wilson(a, b)", [(0, 0, 0, 0)]) == [{"low": 0.0, "high": 1.0}]


def test_newcombe_is_that_of_statsmodels() -> None:
    counts = some_counts()
    for found, count in zip(each("newcombe(a, b, c, d)", counts), counts, strict=True):
        expected = confint_proportions_2indep(*count, method="newcomb", compare="diff")
        assert (found["low"], found["high"]) == pytest.approx(expected, abs=1e-9)


def test_fisher_is_that_of_scipy() -> None:
    counts = [*some_counts(), (101_000, 10_000_000, 100_000, 10_000_000), (900, 1000, 100, 1000)]
    for found, (a, b, c, d) in zip(each("fisher(a, b, c, d)", counts), counts, strict=True):
        expected = fisher_exact([[a, b - a], [c, d - c]]).pvalue
        assert found == pytest.approx(expected, rel=1e-4 if b > 10_000 else 1e-6, abs=1e-200)
    assert each("fisher(a, b, c, d)", [(5, 10, 0, 0)]) == [None]


def test_the_effective_number_is_that_of_the_linear_variance() -> None:
    rng = np.random.default_rng(3)
    for size in (3, 30, 300):
        weights, hit = 1 + rng.exponential(20, size), rng.random(size) < 0.7
        hit[:2] = True, False
        whole, share = weights.sum(), weights[hit].sum() / weights.sum()
        variance = ((1 - 1 / weights) * (weights * (hit - share) / whole) ** 2).sum()
        spread = weights * (weights - 1)
        asked = f"{share}, {spread[hit].sum()}, {spread[~hit].sum()}, {whole}, {(weights**2).sum()}"
        assert each(f"effective_number({asked})", [(0, 0, 0, 0)]) == [pytest.approx(share * (1 - share) / variance)]


@pytest.mark.parametrize(
    ("asked", "number"),
    [
        ("1, 4 * 12, 0, 16, 4 * 16", 16 / 3),
        ("1, 9 * 10, 0, 12, 2 + 100", 144 / 90),  # two that are known, and one of ten
        ("1 - 1e-16, 4 * 12, 0, 16, 4 * 16", 16 / 3),  # a sum that was rounded
        ("0, 0, 2 * 1e18, 2e9, 2e18", 2),  # labels without weights
        ("0.5, 0, 0, 2, 2", 1e15),
    ],
)
def test_the_effective_number_of_what_shows_no_spread(asked: str, number: float) -> None:
    assert each(f"effective_number({asked})", [(0, 0, 0, 0)]) == [pytest.approx(number)]
