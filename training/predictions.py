"""Scores of systems on labelled cases: `predictions.parquet` in the work folder, one row per system and case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from actors.small_judge_model import NAME
from training.parquet_records import read_records, write_whole

FILE = "predictions.parquet"

JUDGE, BASE = NAME, "base"
"""The systems that are no baselines."""

SCHEMA = pa.schema(
    [
        ("system", pa.string()),
        ("task", pa.string()),
        ("part", pa.string()),
        ("policy_id", pa.string()),
        ("policy_hash", pa.string()),
        ("key", pa.string()),
        ("group", pa.string()),
        ("label", pa.bool_()),
        ("score", pa.float64()),
    ]
)


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a system says of one content under one policy.

    `score` is P(violation), 0 to 1, not calibrated; None where the system gave no verdict. `key` is the sha256 (hex) of
    the content as shown, `group` what near duplicates share; `part` is as in cases.parquet.
    """

    system: str
    task: str
    part: str
    policy_id: str
    policy_hash: str
    key: str
    group: str
    label: bool
    score: float | None


def read_predictions(folder: Path) -> tuple[Prediction, ...]:
    """All predictions of a work folder, in the order of the file. Raises InputError if it has none, or wrong ones."""
    return read_records(folder / FILE, Prediction, "run `python -m training.baselines`, or score the judge, first")


def replace_predictions(folder: Path, found: Sequence[Prediction]) -> None:
    """Add predictions to the work folder, in place of all that were there of the same systems. Atomic."""
    systems = {each.system for each in found}
    before = read_predictions(folder) if (folder / FILE).is_file() else ()
    rows = [*(each for each in before if each.system not in systems), *found]
    columns = {name: [getattr(row, name) for row in rows] for name in SCHEMA.names}
    write_whole(folder / FILE, pa.table(columns, schema=SCHEMA))
