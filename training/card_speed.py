"""The speed on the card: what benchmarks/small_judge.py printed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from assay.errors import InputError

SPEED = "speed.txt"
"""The file in a work folder for what the benchmark printed."""


class _Printed(BaseModel):
    """The benchmark's last line: cases per second of each round, by number of policies, with and without caching."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    one: tuple[float, ...] = Field(alias="cases_per_s_1", min_length=1)
    one_uncached: tuple[float, ...] = Field(alias="cases_per_s_1_uncached", min_length=1)
    four: tuple[float, ...] = Field(alias="cases_per_s_4", min_length=1)
    four_uncached: tuple[float, ...] = Field(alias="cases_per_s_4_uncached", min_length=1)


@dataclass(frozen=True, slots=True)
class Pace:
    """Cases per second in each round under so many policies."""

    policies: int
    caching: bool
    rates: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Speed:
    """`machine` as the benchmark describes it, "" if it was not kept."""

    machine: str
    paces: tuple[Pace, ...]


def read_speed(path: Path) -> Speed:
    """From a file with all that the benchmark printed, or with its last line alone. Raises InputError."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        printed = _Printed.model_validate_json(next((line for line in reversed(lines) if line.strip()), ""))
    except (OSError, UnicodeDecodeError, ValidationError) as error:
        way_out = "write there what benchmarks/small_judge.py prints"
        raise InputError(f"{path}: has no speed of the small judge: {way_out}: {error}") from error
    machine = next((line.removeprefix("machine").strip() for line in lines if line.startswith("machine ")), "")
    paces = (
        Pace(1, True, printed.one),
        Pace(1, False, printed.one_uncached),
        Pace(4, True, printed.four),
        Pace(4, False, printed.four_uncached),
    )
    return Speed(machine, paces)
