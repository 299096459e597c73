"""The one command: the order of its steps, and what it says when one of them fails."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from itertools import pairwise
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from actors.small_judge_model import DELTA_FILE
from assay.errors import FatalError, InputError
from training import everything
from training.everything import Step, do, do_all, making, measuring
from training.lora import Precision


def test_steps_are_in_order_and_share_seed_and_folder(tmp_path: Path) -> None:
    found = making(Path("data"), tmp_path, 90, 7, Precision.FLOAT32)
    assert [step.name for step in found] == [
        "prepare",
        "teacher",
        "train",
        "score",
        "score",
        "baselines",
        "export",
        "speed",
        "card",
    ]
    assert all(str(tmp_path) in step.arguments for step in found)
    assert [_after("--seed", step) for step in (found[0], found[2])] == ["7", "7"]
    assert [step.name for step in found if _after("--checkpoint", step) == str(tmp_path)] == ["score", "export"]
    assert [step.name for step in found if _after("--precision", step) == "float32"] == ["train", "score", "score"]


def _after(option: str, step: Step) -> str | None:
    return dict(pairwise(step.arguments)).get(option)


def test_the_judge_that_ships_is_measured_without_training(tmp_path: Path) -> None:
    found = measuring(Path("data"), tmp_path, 90, 7, Precision.FLOAT32)
    assert [step.name for step in found] == ["prepare", "score", "score", "baselines", "speed", "card"]
    assert [step.name for step in found if "--shipped" in step.arguments] == ["score"]


def test_training_goes_on_from_a_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "step-000010").mkdir()
    assert "--resume" in making(Path("data"), tmp_path, 90, 0, Precision.BFLOAT16)[2].arguments


def test_every_step_takes_the_arguments_that_it_is_given(tmp_path: Path) -> None:
    (tmp_path / "step-000010").mkdir()
    for step in (
        *making(Path("data"), tmp_path, 90, 7, Precision.FLOAT32),
        *measuring(Path("data"), tmp_path, 90, 7, Precision.FLOAT32),
    ):
        command = typer.Typer()
        command.command()(import_module(f"training.{step.name}").main)
        assert CliRunner().invoke(command, [*step.arguments, "--help"]).exit_code == 0, step


def test_a_step_with_wrong_input_ends_it(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InputError, match="the step figures found its input wrong"):
        do(Step("figures", (str(tmp_path),)))
    assert "predictions.parquet: can't be read" in capfd.readouterr().err


def test_a_step_that_fails_ends_it() -> None:
    with pytest.raises(FatalError, match="the step nothing ended with 1"):
        do(Step("nothing", ()))


def test_what_came_to_its_end_is_not_repeated(tmp_path: Path) -> None:
    """Stopped in the third step, and given again; then with another seed for the second."""
    done: list[str] = []

    def record(step: Step) -> None:
        if step.name == "baselines" and "baselines" not in done:
            done.append("baselines")
            raise FatalError("stopped")
        done.append(step.name)

    steps = [Step("prepare", ()), Step("train", ("--seed", "1")), Step("baselines", ()), Step("card", ())]
    with pytest.raises(FatalError):
        do_all(steps, tmp_path / "work", record)
    resumed = [steps[0], Step("train", ("--seed", "1", "--resume")), *steps[2:]]
    do_all(resumed, tmp_path / "work", record)
    assert done == ["prepare", "train", "baselines", "baselines", "card"]
    do_all([steps[0], Step("train", ("--seed", "2")), *steps[2:]], tmp_path / "work", record)
    assert done[5:] == ["train", "baselines", "card"]
    do_all(resumed, tmp_path / "work", record)
    assert done[8:] == ["train", "baselines", "card"], "what was done with another seed is not this"


def test_other_weights_are_measured_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    for weights in (b"some", b"some", b"others"):
        (tmp_path / DELTA_FILE).write_bytes(weights)
        monkeypatch.setattr(everything, "PARTS", tmp_path)
        do_all([Step("prepare", ()), Step("score", ("--shipped",))], tmp_path, lambda step: done.append(step.name))
    assert done == ["prepare", "score", "score"]


def test_the_command_ends_with_its_steps_code(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "training.card", str(tmp_path), "--out", str(tmp_path / "card.md")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {tmp_path}")
