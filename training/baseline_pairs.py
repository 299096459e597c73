"""Features of a policy and a content together, for baselines that can read a policy they have never seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from measure.samples import Floats
from training.baseline_fit import Dense
from training.cases import CaseRow

Vectors = Callable[[Sequence[str]], Dense]

_CHUNK_CHARS = 900
"""About 200 tokens of English: less than what the embedding model reads of a text."""


class Pairs:
    """Vectors of contents c and of policies p. A policy, which may be long, is the mean of its parts' vectors."""

    def __init__(self, cases: Sequence[CaseRow], words: dict[str, str], vectors: Vectors) -> None:
        shown = {case.key: case.shown for case in cases}
        self._contents = dict(zip(shown, vectors(list(shown.values())), strict=True))
        parts = {each: chunks(words[each]) for each in dict.fromkeys(case.policy_hash for case in cases)}
        texts = list(dict.fromkeys(part for some in parts.values() for part in some))
        found = dict(zip(texts, vectors(texts), strict=True))
        self._policies = {
            each: _length_one(np.mean([found[part] for part in some], axis=0)) for each, some in parts.items()
        }

    def features(self, cases: Sequence[CaseRow]) -> Dense:
        """[c, p, c * p, |c - p|] for each case."""
        c, p = self._sides(cases)
        return np.hstack([c, p, c * p, np.abs(c - p)])

    def likeness(self, cases: Sequence[CaseRow]) -> Floats:
        """The cosine of c and p, brought from -1 to 1 to 0 to 1: nothing is learned for it."""
        c, p = self._sides(cases)
        cosine: Floats = (c * p).sum(axis=1, dtype=np.float64)
        return np.clip((1 + cosine) / 2, 0, 1)

    def _sides(self, cases: Sequence[CaseRow]) -> tuple[Dense, Dense]:
        c = np.stack([self._contents[case.key] for case in cases])
        return c, np.stack([self._policies[case.policy_hash] for case in cases])


def chunks(text: str) -> list[str]:
    """The text in parts of at most _CHUNK_CHARS, cut between lines where that is possible; at least one."""
    parts = [""]
    for line in text.splitlines():
        for start in range(0, max(1, len(line)), _CHUNK_CHARS):
            piece = line[start : start + _CHUNK_CHARS]
            if len(parts[-1]) + len(piece) < _CHUNK_CHARS:
                parts[-1] += f"{piece}\n"
            else:
                parts.append(f"{piece}\n")
    return [part for part in parts if part.strip()] or [text]


def _length_one(vector: Dense) -> Dense:
    length = float(np.linalg.norm(vector))
    return vector / np.float32(length) if length > 0 else vector
