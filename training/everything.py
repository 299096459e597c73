"""The small judge from labelled data to model card, by one command.

    python -m training.everything DATA --out out/training [--steps N] [--seed N]
    python -m training.everything DATA --out out/training --measure     the card of the judge that ships, no training

The steps are commands of their own, each with its own help, run one after another:

    prepare     cases and policies to measure on        cases.parquet, policies.parquet
    teacher     softer targets than labels              teacher.parquet
    train       the judge, from where it was stopped    checkpoint folders step-*
    score       what judge and base say of these cases  predictions.parquet
    baselines   what simple baselines say of them       predictions.parquet
    export      what ships: delta and judge.json        actors/small_judge/
    speed       how fast it judges on this machine      speed.txt
    card        the model card                          docs/small-judge.md

Each works on the same work folder. Stopped, or failed, the command can be given again: steps that came to their end are
not repeated (`finished.json` in that folder names them; without it all are), training goes on from its newest
checkpoint, and embeddings that were computed are kept.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import typer

from actors.small_judge_model import DELTA_FILE, PARTS
from assay.errors import FatalError, InputError
from training.baseline_embeddings import model_folder
from training.command import run
from training.lora import Precision

STEPS = 3400
"""As many as the judge that ships was trained."""

FINISHED = "finished.json"


@dataclass(frozen=True, slots=True)
class Step:
    """`python -m training.<name>` with these arguments."""

    name: str
    arguments: tuple[str, ...]


def making(data: Path, work: Path, count: int, seed: int, precision: Precision) -> tuple[Step, ...]:
    """What is done, in this order. `count` are the steps of training, which is resumed if there is a checkpoint."""
    trained = ("--checkpoint", str(work))
    resumed = ("--resume",) if any(work.glob("step-*")) else ()
    length = ("--steps", str(count), "--seed", str(seed), "--precision", precision)
    train = Step("train", (str(data), "--out", str(work), *length, *resumed))
    prepare, *rest = measuring(data, work, count, seed, precision, trained)
    *compared, speed, card = rest
    teacher = Step("teacher", (str(data), "--out", str(work)))
    return (prepare, teacher, train, *compared, Step("export", (str(work), *trained)), speed, card)


def measuring(
    data: Path, work: Path, count: int, seed: int, precision: Precision, judge: tuple[str, ...] = ("--shipped",)
) -> tuple[Step, ...]:
    """The same without training; `judge` tells `score` which one it is about."""
    seeded, computed = ("--seed", str(seed)), ("--precision", precision)
    return (
        Step("prepare", (str(data), "--out", str(work), "--drawn", str(count), *seeded)),
        Step("score", (str(work), *judge, *computed)),
        Step("score", (str(work), *computed)),
        Step("baselines", (str(work), *seeded)),
        Step("speed", (str(work),)),
        Step("card", (str(work),)),
    )


def do(step: Step) -> None:
    """Run one step to its end, what it prints going where ours goes. Raises InputError or FatalError if it fails."""
    print(f"== {step.name}", file=sys.stderr, flush=True)
    code = subprocess.run([sys.executable, "-m", f"training.{step.name}", *step.arguments], check=False).returncode
    if code == 2:
        raise InputError(f"the step {step.name} found its input wrong: see above; then give the same command again")
    if code:
        raise FatalError(f"the step {step.name} ended with {code}: see above; the same command goes on from there")


def do_all(steps: Sequence[Step], work: Path, do: Callable[[Step], None] = do) -> None:
    """Run those that did not come to their end before, from the first such on. Raises as `do` does."""
    file, wanted = work / FINISHED, [_identity(step) for step in steps]
    finished = json.loads(file.read_text("utf-8")) if file.exists() else []
    for count, step in enumerate(steps, start=1):
        if finished[:count] == wanted[:count]:
            print(f"== {step.name}: done before", file=sys.stderr, flush=True)
            continue
        do(step)
        work.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(wanted[:count], indent=1), "utf-8")


def _identity(step: Step) -> str:
    """What was done; of the judge that ships, with which weights. To resume is to do the same."""
    of = [sha256((PARTS / DELTA_FILE).read_bytes()).hexdigest()] if "--shipped" in step.arguments else []
    return " ".join((step.name, *(each for each in step.arguments if each != "--resume"), *of))


def main(
    data: Annotated[Path, typer.Argument(help="The folder that holds the labelled data sets.")],
    out: Annotated[Path, typer.Option(help="The work folder.")] = Path("out/training"),
    count: Annotated[int, typer.Option("--steps", min=1, help="Steps of training.")] = STEPS,
    seed: Annotated[int, typer.Option(help="What is drawn follows from it.")] = 0,
    precision: Annotated[Precision, typer.Option(help="What training and scoring compute in.")] = Precision.BFLOAT16,
    measure: Annotated[bool, typer.Option("--measure", help="Train nothing: measure the judge that ships.")] = False,
) -> None:
    """Make the judge, measure it beside the baselines, and write its card."""
    model_folder()
    do_all((measuring if measure else making)(data, out, count, seed, precision), out)


if __name__ == "__main__":
    run(main)
