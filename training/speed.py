"""How fast the judge that ships is, through the whole path.

    python -m training.speed WORKFOLDER

Leaves what `benchmarks/small_judge.py` prints in the work folder's speed.txt, from where the card has it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from assay.errors import FatalError
from training.card_speed import SPEED
from training.command import run

_BENCHMARK = Path(__file__).parents[1] / "benchmarks" / "small_judge.py"


def measure(folder: Path, benchmark: Path = _BENCHMARK) -> None:
    """Only a benchmark that ended well leaves a file. Raises FatalError."""
    unfinished = folder / f"{SPEED}.new"
    with unfinished.open("w", encoding="utf-8") as file:
        code = subprocess.run([sys.executable, str(benchmark)], stdout=file, check=False).returncode
    if code:
        raise FatalError(f"{benchmark.name} ended with {code}: see above, and {unfinished}")
    os.replace(unfinished, folder / SPEED)


def main(folder: Annotated[Path, typer.Argument(help="The work folder.")]) -> None:
    """Measure the speed for the card."""
    measure(folder)


if __name__ == "__main__":
    run(main)
