"""The figures of the judge and of the baselines, from predictions.parquet of a work folder.

    python -m training.figures WORKFOLDER [--resamples N] [--seed N]      as JSON

Every system is treated alike: its scores are calibrated, and its thresholds chosen, on the valid part; everything else
is measured on parts that had no say in that. Figures and intervals are those of `measure/` (docs/measuring.md).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from pydantic import TypeAdapter

from actors.calibration import Calibration
from assay.errors import InputError
from measure.answers import Answer, Estimate
from measure.figures import Figures, figures, share_of
from measure.samples import sample
from training.command import run
from training.figures_auc import auc_difference, mean_auc
from training.figures_curves import VALID, fitted, log_odds
from training.figures_following import Asked, Following, following, paired
from training.predictions import JUDGE, Prediction, read_predictions

TEST, UNSEEN, CHANGES = "test", "unseen", ("inverted", "swapped")
EVERY = ""
"""In place of a policy id: all policies of the task; in place of a task: all tasks."""


@dataclass(frozen=True, slots=True)
class Slice:
    """Cases of one system: of a part, and in it of a task and a policy, either of which may be EVERY."""

    system: str
    part: str
    task: str
    policy_id: str


@dataclass(frozen=True, slots=True)
class Measured:
    """`auc` is the mean over the policies (see `mean_auc`); `figures.auc` mixes them, and is for a single one.

    `accuracy` is the share of right verdicts, `difference` the judge's `auc` less this system's, for other systems.
    """

    slice: Slice
    figures: Figures
    auc: Estimate
    accuracy: Estimate
    difference: Estimate | None


@dataclass(frozen=True, slots=True)
class Followed:
    """What became of the verdicts of a system on the contents of a task when the policy was `change`d."""

    system: str
    task: str
    change: str
    following: Following


@dataclass(frozen=True, slots=True)
class Report:
    """All figures, the judge's first. `calibrations` are the curves by system."""

    measured: tuple[Measured, ...]
    followed: tuple[Followed, ...]
    calibrations: Mapping[str, Calibration]

    def of(self, slice: Slice) -> Measured | None:
        return next((each for each in self.measured if each.slice == slice), None)


@dataclass(frozen=True, slots=True)
class Spread:
    """How intervals are made: see `measure.bootstrap`."""

    resamples: int = 2000
    seed: int = 0
    confidence: float = 0.95


Case = tuple[str, str]
"""A policy's hash and a content's key."""


def report(folder: Path, spread: Spread | None = None) -> Report:
    """Every figure of a work folder. The same predictions give the same report. Raises InputError if there are none."""
    spread = spread or Spread()
    predictions = read_predictions(folder)
    if not predictions:
        raise InputError(f"{folder}: predictions.parquet is empty: nothing to measure")
    systems = {name: [each for each in predictions if each.system == name] for name in _systems(predictions)}
    curves = {name: fitted(some) for name, some in systems.items()}
    answers = {name: _answers(some, curves[name]) for name, some in systems.items()}
    slices = {name: _sliced(name, some) for name, some in systems.items()}
    measured = [_measured(slice, cases, answers, spread) for found in slices.values() for slice, cases in found.items()]
    followed = [each for name, found in slices.items() for each in _followed(name, found, answers[name], spread)]
    return Report(tuple(measured), tuple(followed), curves)


def _systems(predictions: Iterable[Prediction]) -> list[str]:
    """The judge first, then the others by name."""
    return sorted({each.system for each in predictions}, key=lambda name: (name != JUDGE, name))


def _answers(predictions: Sequence[Prediction], calibration: Calibration) -> dict[Case, Answer]:
    return {(each.policy_hash, each.key): _answer(each, calibration) for each in predictions}


def _answer(said: Prediction, calibration: Calibration) -> Answer:
    """As the job would: the score by the policy's curve, the verdict by its threshold. No score is a rejection."""
    if said.score is None:
        return Answer(said.key, said.group, said.policy_id, said.label, None, reason="no verdict")
    curve = calibration.of(said.policy_id)
    score = curve.score(float(log_odds([said.score])[0]))
    return Answer(said.key, said.group, said.policy_id, said.label, score >= curve.threshold, score)


def _sliced(system: str, predictions: Sequence[Prediction]) -> dict[Slice, list[Case]]:
    """The cases of each part but the valid one: in all, by task, and by policy of a task that has several."""
    found: dict[Slice, list[Case]] = defaultdict(list)
    policies: dict[tuple[str, str], set[str]] = defaultdict(set)
    for each in predictions:
        policies[each.part, each.task].add(each.policy_id)
    for each in (each for each in predictions if each.part != VALID):
        several = len(policies[each.part, each.task]) > 1
        ids = (EVERY, each.policy_id) if several or each.part == UNSEEN else (EVERY,)
        for task, policy_id in ((EVERY, EVERY), *((each.task, name) for name in ids)):
            found[Slice(system, each.part, task, policy_id)].append((each.policy_hash, each.key))
    return dict(sorted(found.items(), key=lambda item: (item[0].part, item[0].task, item[0].policy_id)))


def _measured(
    slice: Slice, cases: Sequence[Case], answers: Mapping[str, Mapping[Case, Answer]], spread: Spread
) -> Measured:
    own = [answers[slice.system][case] for case in cases]
    found = sample(own)
    right = share_of(found, np.ones_like(found.truth), found.said == found.truth, spread.confidence)
    return Measured(
        slice=slice,
        figures=figures(own, **asdict(spread)),
        auc=mean_auc(own, **asdict(spread)),
        accuracy=right,
        difference=_difference(slice.system, cases, answers, spread),
    )


def _difference(
    system: str, cases: Sequence[Case], answers: Mapping[str, Mapping[Case, Answer]], spread: Spread
) -> Estimate | None:
    """None for the judge itself, and where the judge has not answered each of the cases."""
    judge = answers.get(JUDGE, {})
    if system == JUDGE or not all(case in judge for case in cases):
        return None
    return auc_difference([answers[system][case] for case in cases], [judge[case] for case in cases], **asdict(spread))


def _followed(
    system: str, slices: Mapping[Slice, Sequence[Case]], answers: Mapping[Case, Answer], spread: Spread
) -> Iterator[Followed]:
    """For each change that there are cases of: all tasks, then task by task."""
    before = _by_task(slices, TEST, answers)
    for change in CHANGES:
        after = _by_task(slices, change, answers)
        for task in (EVERY, *dict.fromkeys(each for each, _ in after)) if after else ():
            pairs = paired(before, [each for each in after if task in (EVERY, each[0])])
            yield Followed(system, task, change, following(pairs, confidence=spread.confidence))


def _by_task(slices: Mapping[Slice, Sequence[Case]], part: str, answers: Mapping[Case, Answer]) -> list[Asked]:
    return [
        (slice.task, answers[case])
        for slice, cases in slices.items()
        if slice.part == part and slice.task and not slice.policy_id
        for case in cases
    ]


def main(
    folder: Annotated[Path, typer.Argument(metavar="WORKFOLDER", help="The folder with predictions.parquet.")],
    resamples: Annotated[int, typer.Option(min=2, help="How many, for intervals.")] = 2000,
    seed: Annotated[int, typer.Option(help="The resamples follow from it.")] = 0,
) -> None:
    """Print all figures as JSON."""
    found = report(folder, Spread(resamples, seed))
    print(TypeAdapter(Report).dump_json(found, indent=1).decode())


if __name__ == "__main__":
    run(main)
