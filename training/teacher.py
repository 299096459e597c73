"""What a simple classifier says of the training contents: softer targets than their labels.

Labels of one person's choice between neighbouring classes are noisy, and a noisy target costs a small judge many
contents. The teacher is TF-IDF with a logistic regression a class, for each source; what it says of a content was
learned from other groups of contents alone (five folds).

    python -m training.teacher DATA --out DIR      writes teacher.parquet, which `training.train` reads from its --out
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import pyarrow as pa
import typer
from rich.progress import track
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
from sklearn.multiclass import OneVsRestClassifier

from training.baseline_text import TfIdf
from training.command import run
from training.contents import Content, Tags, key_of
from training.parquet_records import read_records, write_whole
from training.sources import Labelled, read_all
from training.splits import Part
from training.wordings import Worded

FILE = "teacher.parquet"
FOLDS = 5
_C = 3.0
_SURE = 1e-3
_SCHEMA = pa.schema(
    [("source", pa.string()), ("key", pa.string()), ("tags", pa.list_(pa.string())), ("chance", pa.float64())]
)


@dataclass(frozen=True, slots=True)
class Opinion:
    """How likely the content of `source` with this `key` has exactly these tags."""

    source: str
    key: str
    tags: list[str]
    chance: float


class Teacher:
    """Answers from opinions, which may be none."""

    def __init__(self, opinions: Sequence[Opinion]) -> None:
        self._found: dict[tuple[str, str], dict[Tags, float]] = {}
        for each in opinions:
            self._found.setdefault((each.source, each.key), {})[tuple(each.tags)] = each.chance
        by_source: dict[str, list[Mapping[Tags, float]]] = defaultdict(list)
        for (source, _), chances in self._found.items():
            by_source[source].append(chances)
        self._shares = {source: _mean(some) for source, some in by_source.items()}

    def chance(self, under: Worded, content: Content) -> float | None:
        """How likely `content` violates, where half of what is shown under the policy does; None if it has no opinion.

        A pack has as many violations as allowed contents. So the odds are divided by those of all contents of the
        policy's sources.
        """
        opinion = self._found.get((content.source, key_of(content.shown)))
        if opinion is None or not all(source in self._shares for source in under.sources):
            return None
        usual = sum(_violates(under, content, self._shares[each]) for each in under.sources) / len(under.sources)
        odds = _odds(_violates(under, content, opinion)) / _odds(usual)
        return odds / (1 + odds)


NOBODY = Teacher(())
"""Has no opinion of anything."""


def _violates(under: Worded, content: Content, chances: Mapping[Tags, float]) -> float:
    """Of the tags that the policy is clear about, the share that violates it."""
    known = [(replace(content, tags=tags), chance) for tags, chance in chances.items()]
    clear = [(bool(under.broken(each)), chance) for each, chance in known if under.fits(each)]
    return sum(chance for broken, chance in clear if broken) / max(_SURE, sum(chance for _, chance in clear))


def _odds(chance: float) -> float:
    kept = min(max(chance, _SURE), 1 - _SURE)
    return kept / (1 - kept)


def _mean(opinions: Sequence[Mapping[Tags, float]]) -> dict[Tags, float]:
    total: Counter[Tags] = Counter()
    for each in opinions:
        total.update(each)
    return {tags: chance / len(opinions) for tags, chance in total.items()}


def read_teacher(folder: Path) -> Teacher:
    """From `teacher.parquet` of the folder. Raises InputError."""
    return Teacher(read_records(folder / FILE, Opinion, "run `python -m training.teacher` first"))


def opinions(source: str, listed: Sequence[Labelled]) -> list[Opinion]:
    """Of each content what the others teach about it. Raises ValueError where there are fewer groups than folds."""
    kinds = sorted({each.content.tags for each in listed})
    texts = [each.shown for each in listed]
    numbers = np.array([kinds.index(each.content.tags) for each in listed])
    model = OneVsRestClassifier(LogisticRegression(C=_C, solver="liblinear"))
    found = cross_val_predict(
        model,
        TfIdf(texts)(texts),
        numbers,
        groups=[each.group for each in listed],
        cv=StratifiedGroupKFold(FOLDS),
        method="predict_proba",
    )
    return [
        Opinion(source, each.key, list(tags), float(chance))
        for each, row in zip(listed, found, strict=True)
        for tags, chance in zip(kinds, row, strict=True)
    ]


def main(
    data: Annotated[Path, typer.Argument(help="The folder that holds the labelled data sets.")],
    out: Annotated[Path, typer.Option(help="The training run's folder.")],
) -> None:
    """Write what the teacher says of the training contents."""
    said: list[Opinion] = []
    for source, listed in track(read_all(data).items(), description="sources"):
        known = [each for each in listed if each.part is Part.TRAIN]
        if len({each.content.tags for each in known}) > 1:
            said += opinions(source, known)
    write_whole(out / FILE, pa.Table.from_pylist([asdict(each) for each in said], schema=_SCHEMA))


if __name__ == "__main__":
    run(main)
