"""Answers as columns of numbers, with which of them belong together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from measure.answers import Answer

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """The answers that have a label, one place each in every column.

    `said` is the verdict, and the wrong one for a rejection. `score` is nan where there is none; of a rejection it is
    the wrong end, 0 for a violation and 1 for an allowed item. `cluster` numbers what is independent of each other.
    """

    truth: Bools
    said: Bools
    rejected: Bools
    score: Floats
    cluster: Ints

    @property
    def clustered(self) -> bool:
        return bool(len(self.cluster)) and int(self.cluster.max()) + 1 < len(self.cluster)

    @property
    def scored(self) -> Sample:
        """Those of use for a figure of scores: none if no verdict has a score, for rejections alone say nothing."""
        has_score = ~np.isnan(self.score)
        return self.only(has_score & bool((has_score & ~self.rejected).any()))

    def only(self, kept: Bools) -> Sample:
        cluster: Ints = np.unique(self.cluster[kept], return_inverse=True)[1]
        return Sample(self.truth[kept], self.said[kept], self.rejected[kept], self.score[kept], cluster)


def sample(answers: Sequence[Answer]) -> Sample:
    """The columns of the answers that have a label."""
    labelled = [answer for answer in answers if answer.expected is not None]
    truth = np.array([answer.expected for answer in labelled], dtype=np.bool_)
    rejected = np.array([answer.rejected for answer in labelled], dtype=np.bool_)
    said = np.array([bool(answer.violation) for answer in labelled], dtype=np.bool_)
    score = np.array([np.nan if answer.score is None else answer.score for answer in labelled], dtype=np.float64)
    return Sample(
        truth=truth,
        said=np.where(rejected, ~truth, said),
        rejected=rejected,
        score=np.where(rejected, np.where(truth, 0.0, 1.0), score),
        cluster=numbered(cluster_key(answer.group, answer.item_id) for answer in labelled),
    )


def cluster_key(group: str, item_id: str) -> tuple[str, str]:
    """What an answer shares with those that it is not independent of: its group, or else its item."""
    return ("group", group) if group else ("item", item_id)


def numbered(keys: Iterable[object]) -> Ints:
    """Each key as the number of its first occurrence: equal keys get equal numbers, from 0 without a gap."""
    numbers: dict[object, int] = {}
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.int64)
