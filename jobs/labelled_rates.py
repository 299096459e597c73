"""How much really violates each policy, as far as the labels that the config names can tell."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

import duckdb

from jobs.sql import answer, stored
from measure.prevalence import Labelled, Prevalence, prevalence


@dataclass(frozen=True, slots=True)
class PolicyRates:
    """What the labels of one policy and its verdicts that stand say, at 95 %.

    If any label has a sampling weight (`weighted`), estimates are of those that do, and the others are `left_out`: how
    they were chosen nobody knows. If none has, estimates hold as far as the labels were drawn at random.
    """

    policy_id: str
    left_out: int
    weighted: bool
    rates: Prevalence


def labelled_rates(connection: duckdb.DuckDBPyConnection, path: str) -> tuple[PolicyRates, ...]:
    """For each policy with labels and verdicts, by id. `connection` is one that `jobs.sql.opened` gave for `path`.

    A label whose item the judge rejected counts as not flagged. Raises what `jobs.sql.query` does.
    """
    with answer(connection, path, stored("labelled_items"), None) as reader:
        columns = reader.read_all().to_pydict()
    rows = zip(*columns.values(), strict=True)
    return tuple(_rates(policy_id, list(group)) for policy_id, group in groupby(rows, itemgetter(0)))


def _rates(policy_id: str, rows: list[tuple[str, bool, bool | None, float | None, int, int]]) -> PolicyRates:
    labels = [Labelled(truth, said, weight) for _, truth, said, weight, _, _ in rows]
    weighted = [label for label in labels if label.weight is not None]
    taken, (items, flagged) = weighted or labels, rows[0][4:]
    return PolicyRates(
        policy_id=policy_id,
        left_out=len(labels) - len(taken),
        weighted=bool(weighted),
        rates=prevalence(taken, flagged, items),
    )
