"""Simple baselines on the same split as the judge: what it must beat to be worth its size.

    python -m training.baselines WORKFOLDER [--per-task N] [--seed N]

They read cases.parquet and policies.parquet and add to predictions.parquet, under these names of systems:

    tfidf, minilm                TF-IDF, or MiniLM embeddings, of the content alone, and a logistic regression for each
                                 task, or for those of its policies that mean the same. They read no policy: known
                                 tasks in new words they judge as ever, and policies about something else not at all.
    tfidf-pairs, minilm-pairs    one logistic regression over the training cases of all policies, with features of the
                                 policy's and the content's vectors: [c, p, c * p, |c - p|].
    tfidf-cosine, minilm-cosine  how alike policy and content are; nothing is learned from labels.

Nothing is learned from a case whose part is not "train": neither weights, nor C, nor words.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from measure.samples import Bools, Floats
from training.baseline_data import Data, read_data
from training.baseline_embeddings import MiniLm
from training.baseline_families import Named, families, largest, of_family
from training.baseline_fit import Matrix, fit
from training.baseline_pairs import Pairs, Vectors
from training.baseline_text import TfIdf, Topics
from training.cases import CaseRow
from training.command import run
from training.predictions import Prediction, replace_predictions

PER_TASK = 10_000
DIRECTIONS = 256
PAIRS, COSINE = "-pairs", "-cosine"
_AT_ONCE = 4096

Reader = Callable[[Sequence[str]], Matrix]
Learner = Callable[[Sequence[str]], Reader]
"""From training texts, how any text becomes a vector."""


def baselines(folder: Path, *, per_task: int | None = PER_TASK, seed: int = 0, embed: Vectors | None = None) -> None:
    """Fit all baselines and add their predictions of every case outside the train part to the work folder.

    `per_task` caps the training cases of a task; `embed` stands in for MiniLM. The same data and seed give the same
    predictions. Raises InputError if data or model are missing.
    """
    data, vectors = read_data(folder, per_task), embed or MiniLm(folder)
    topics = Topics(data.training_texts, DIRECTIONS, seed)
    found = [
        *of_content("tfidf", data, TfIdf, seed),
        *of_content("minilm", data, lambda _: vectors, seed),
        *over_policies("tfidf", data, topics, seed),
        *over_policies("minilm", data, vectors, seed),
    ]
    replace_predictions(folder, found)


def of_content(system: str, data: Data, learner: Learner, seed: int) -> Iterator[Prediction]:
    """A classifier for each set of a task's policies that mean the same, if there are training cases of both labels.

    A policy in words that are not in the train part is judged by the one of its task that learned from most cases.
    """
    lessons = data.trained_as_written
    known = families(lessons)
    most = largest(known, lessons)
    asked: dict[frozenset[Named], list[CaseRow]] = defaultdict(list)
    for case in data.same_meaning:
        asked[known.get((case.task, case.policy_id)) or most.get(case.task, frozenset())].append(case)
    for family, cases in asked.items():
        learned = of_family(lessons, family)
        if len({case.label for case in learned}) == 2:
            yield from _judged(system, cases, _classified(learned, cases, learner, seed))


def over_policies(system: str, data: Data, vectors: Vectors, seed: int) -> Iterator[Prediction]:
    """One classifier of pairs for all policies, its C chosen on folds of whole policies; and the cosine."""
    pairs, lessons = Pairs(data.cases, data.words, vectors), data.trained
    model = fit(pairs.features(lessons), _labels(lessons), [case.policy_id for case in lessons], seed)
    for start in range(0, len(data.held_out), _AT_ONCE):
        cases = data.held_out[start : start + _AT_ONCE]
        yield from _judged(system + PAIRS, cases, model.predict_proba(pairs.features(cases))[:, 1])
        yield from _judged(system + COSINE, cases, pairs.likeness(cases))


def _classified(lessons: Sequence[CaseRow], cases: Sequence[CaseRow], learner: Learner, seed: int) -> Floats:
    reader = learner([case.shown for case in lessons])
    together = [case.group or case.key for case in lessons]
    model = fit(reader([case.shown for case in lessons]), _labels(lessons), together, seed)
    found: Floats = model.predict_proba(reader([case.shown for case in cases]))[:, 1]
    return found


def _labels(cases: Sequence[CaseRow]) -> Bools:
    return np.array([case.label for case in cases], dtype=np.bool_)


def _judged(system: str, cases: Sequence[CaseRow], scores: Floats) -> list[Prediction]:
    return [
        Prediction(
            system=system,
            task=case.task,
            part=case.part,
            policy_id=case.policy_id,
            policy_hash=case.policy_hash,
            key=case.key,
            group=case.group,
            label=case.label,
            score=float(score),
        )
        for case, score in zip(cases, scores, strict=True)
    ]


def main(
    folder: Annotated[Path, typer.Argument(metavar="WORKFOLDER", help="The folder with cases.parquet.")],
    per_task: Annotated[int, typer.Option(min=1, help="The most training cases of a task.")] = PER_TASK,
    seed: Annotated[int, typer.Option(help="Folds and directions follow from it.")] = 0,
) -> None:
    """Add the baselines' predictions to those of the judge."""
    baselines(folder, per_task=per_task, seed=seed)


if __name__ == "__main__":
    run(main)
