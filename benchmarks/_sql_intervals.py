"""How often the intervals that SQL gives hold the truth: those of `label_agreement`, and of a change (`newcombe`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import duckdb
import numpy as np
import pyarrow as pa
from _labelling import Content, Quality, content, labelled

from jobs.sql_views import create_views

Held = Mapping[str, tuple[float, float]]
"""Of each interval, the share that holds the truth, and the mean width."""

_FIGURES = ("precision", "recall", "kappa")
_RISE = 1.5


def agreement(judge: Quality, labels: int, by: str, prevalences: Iterator[float], seed: int) -> Held:
    """Each repeat is a policy of its own to the view. What can't be had, as recall without a violation, is left out."""
    rng = np.random.default_rng(seed)
    truths, tables = [], []
    for repeat, prevalence in enumerate(prevalences):
        items = content(judge, prevalence, rng)
        truths.append(_truth(items))
        tables.append(_labels(repeat, items, labels, by, rng))
    with duckdb.connect() as connection:
        connection.from_arrow(pa.concat_tables(tables)).create("labelled")
        create_views(connection, {"wilson", "effective_number", "label_agreement"})
        rows = connection.sql("FROM label_agreement").to_arrow_table().to_pylist()
    return {
        name: _held([(row[f"{name}_low"], row[f"{name}_high"], truths[int(row["policy_id"])][name]) for row in rows])
        for name in _FIGURES
    }


def difference(verdicts: int, before: int, prevalences: Iterator[float], seed: int) -> Held:
    """Of two periods the rate of the later is half as high again."""
    rng, rates = np.random.default_rng(seed), np.array(list(prevalences))
    hits, hits_before = rng.binomial(verdicts, _RISE * rates), rng.binomial(before, rates)
    with duckdb.connect() as connection:
        counts = pa.table({"hits": hits, "hits_before": hits_before})
        connection.from_arrow(counts).create("counts")
        create_views(connection, {"wilson", "newcombe"})
        sql = f"SELECT unnest(newcombe(hits, {verdicts}, hits_before, {before})) FROM counts"
        limits = connection.sql(sql).fetchall()
    return {"change (Newcombe)": _held([(*pair, _RISE * p - p) for pair, p in zip(limits, rates, strict=True)])}


def _labels(repeat: int, items: Content, labels: int, by: str, rng: np.random.Generator) -> pa.Table:
    drawn = labelled(items, labels, by, rng)
    columns = {
        "policy_id": [str(repeat)] * len(drawn),
        "label": [each.truth for each in drawn],
        "said": [each.flagged for each in drawn],
        "rejected": [False] * len(drawn),
        "weight": [each.weight for each in drawn],
    }
    return pa.table(columns)


def _truth(items: Content) -> Mapping[str, float]:
    """The figures of all items; nan where there are none."""
    both, said, true = (float(each.mean()) for each in (items.truth & items.flagged, items.flagged, items.truth))
    same, chance = 1 - said - true + 2 * both, said * true + (1 - said) * (1 - true)
    return {
        "precision": both / said if said else np.nan,
        "recall": both / true if true else np.nan,
        "kappa": (same - chance) / (1 - chance) if chance < 1 else np.nan,
    }


def _held(rows: list[tuple[float | None, float | None, float]]) -> tuple[float, float]:
    known = [(low, high, truth) for low, high, truth in rows if low is not None and high is not None]
    if not known:
        return np.nan, np.nan
    low, high, truth = np.array(known).T
    return float(((low <= truth) & (truth <= high)).mean()), float((high - low).mean())
