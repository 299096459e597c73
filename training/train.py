"""Trains the small judge: `python -m training.train DATA --out DIR --minutes 75`.

DATA holds the labelled data sets as `training.sources` lists them. DIR gets checkpoints, from which `--resume` goes on;
if `training.teacher` has been there before, targets are softer than labels.
With `--steps` a run is the same to the last bit however often it is interrupted; with `--minutes` its length, and so
the learning rate's course, is decided by the clock.
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import torch
import typer
from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from actors.small_model import prepare
from assay.errors import InputError
from training.checkpoints import Progress, moments_of, newest, progress_of, save, weights_of
from training.command import run as command
from training.drawing import PACKS, Drawer
from training.encoding import Encoded, Encoder
from training.lora import Judge, Precision
from training.sources import Labelled, contents_of, read_all
from training.splits import Part
from training.steps import Trainer
from training.teacher import FILE as TEACHER_FILE
from training.teacher import NOBODY, read_teacher
from training.validating import figures, validation_packs

SAVE_EVERY, VALIDATE_EVERY = 240.0, 1_200.0
"""Seconds between checkpoints and between validations."""

_CONSOLE = Console(stderr=True)


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long to train, and how. One of `steps` and `minutes` is None; at step `stop_after` the run is interrupted."""

    steps: int | None
    minutes: float | None
    packs: int
    stop_after: int | None = None

    def over(self, progress: Progress) -> bool:
        """Whether to stop, because the run is done or was to be interrupted here."""
        return self.done(progress) >= 1 or (self.stop_after is not None and progress.step >= self.stop_after)

    def done(self, progress: Progress) -> float:
        """The share of the run that is behind."""
        if self.steps is not None:
            return progress.step / self.steps
        return progress.seconds / (60 * (self.minutes or 1))


@dataclass(frozen=True, slots=True)
class Run:
    """A training run at work."""

    folder: Path
    judge: Judge
    encoder: Encoder
    trainer: Trainer
    drawer: Drawer
    checks: Mapping[str, tuple[Encoded, ...]]

    def packs(self, progress: Progress, count: int, done: float = 1.0) -> list[Encoded]:
        """What the next step is trained on: decided by seed, step, and the share of the run that is behind."""
        return [
            self.encoder.encode(
                self.drawer.draw(progress.step, place, done),
                random.Random(f"{progress.seed}:{progress.step}:{place}:answer"),
            )
            for place in range(count)
        ]

    def save(self, progress: Progress) -> None:
        save(self.folder, progress, self.judge.parameters(), self.trainer.moments())


def train(run: Run, progress: Progress, schedule: Schedule) -> Progress:
    """Train until the schedule is done, with checkpoints and validations on the way."""
    saved = checked = time.monotonic()
    with Bar(TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=_CONSOLE) as bar:
        shown = bar.add_task("training", total=1.0)
        while not schedule.over(progress):
            progress, said = _step(run, progress, schedule)
            bar.update(shown, completed=min(1.0, schedule.done(progress)), description=said)
            if progress.step % 10 == 0:
                print(said, flush=True)
            if time.monotonic() - saved > SAVE_EVERY:
                run.save(progress)
                saved = time.monotonic()
            if time.monotonic() - checked > VALIDATE_EVERY:
                _validate(run, progress)
                checked = time.monotonic()
    run.save(progress)
    return progress


def _step(run: Run, progress: Progress, schedule: Schedule) -> tuple[Progress, str]:
    began = time.monotonic()
    packs = run.packs(progress, schedule.packs, schedule.done(progress))
    digits, words = run.trainer.step(packs, schedule.done(progress))
    took = time.monotonic() - began
    tokens = sum(each.pack.tokens for each in packs)
    after = Progress(
        seed=progress.seed,
        step=progress.step + 1,
        cases=progress.cases + sum(len(each.labels) for each in packs),
        tokens=progress.tokens + tokens,
        seconds=progress.seconds + took,
    )
    return after, f"step {after.step} loss {digits:.3f} words {words:.3f} {tokens / took:.0f} tokens/s"


def _validate(run: Run, progress: Progress) -> None:
    found = figures(run.judge, run.encoder, dict(run.checks))
    line = " ".join(f"{name} {auc:.3f}" for name, auc in found.items())
    print(f"AUC after {progress.step} steps, {progress.cases} cases: {line}", flush=True)


def main(
    data: Annotated[Path, typer.Argument(help="The folder that holds the labelled data sets.")],
    out: Annotated[Path, typer.Option(help="Where checkpoints go.")],
    steps: Annotated[int | None, typer.Option(min=1, help="Train this many steps.")] = None,
    minutes: Annotated[float | None, typer.Option(min=0.1, help="Train this long.")] = None,
    seed: Annotated[int, typer.Option(help="What is drawn follows from it.")] = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the newest checkpoint in --out.")] = False,
    model: Annotated[Path | None, typer.Option(help="The base model's folder, if it is made already.")] = None,
    peak: Annotated[float, typer.Option(help="The highest learning rate.")] = 6e-4,
    packs: Annotated[int, typer.Option(min=1, help="Packs in a step.")] = PACKS,
    threads: Annotated[int, typer.Option(min=1, help="Threads to compute with.")] = 2,
    precision: Annotated[Precision, typer.Option(help="What to compute in.")] = Precision.BFLOAT16,
    first_layer: Annotated[int, typer.Option(min=0, help="The lowest layer that is trained.")] = 10,
    stop_after: Annotated[int | None, typer.Option(min=1, help="Interrupt the run at this step.")] = None,
) -> None:
    """Train the small judge on labelled data."""
    if (steps is None) == (minutes is None):
        raise InputError("give either --steps or --minutes")
    torch.set_num_threads(threads)
    out.mkdir(parents=True, exist_ok=True)
    found = read_all(data)
    folder = model or prepare(Path(".models"))
    run = _run(Judge(folder, seed, first_layer, precision), Encoder(folder), out, found, seed, peak)
    progress = _resumed(run, seed) if resume else Progress(seed=seed)
    after = train(run, progress, Schedule(steps, minutes, packs, stop_after))
    _validate(run, after)


def _resumed(run: Run, seed: int) -> Progress:
    """Take over the newest checkpoint of the run's folder. Raises InputError if it is of another seed."""
    checkpoint = newest(run.folder)
    progress = progress_of(checkpoint)
    if progress.seed != seed:
        raise InputError(f"{checkpoint}: was trained with --seed {progress.seed}; give that one, or another --out")
    run.judge.load(weights_of(checkpoint))
    run.trainer.load_moments(moments_of(checkpoint))
    return progress


def _run(
    judge: Judge, encoder: Encoder, out: Path, found: Mapping[str, tuple[Labelled, ...]], seed: int, peak: float
) -> Run:
    teacher = read_teacher(out) if (out / TEACHER_FILE).is_file() else NOBODY
    drawer = Drawer(contents_of(found, Part.TRAIN), Part.TRAIN, seed, teacher)
    checks = validation_packs(Drawer(contents_of(found, Part.VALID), Part.VALID, seed), encoder)
    return Run(out, judge, encoder, Trainer(judge, encoder, peak), drawer, checks)


if __name__ == "__main__":
    command(main)
