"""`assay sample`: draws the items that people should label, and writes them with their sampling weights."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from assay.errors import FatalError, InputError
from jobs.load import Job
from jobs.sql import query, stored
from jobs.sql_output import Look, printable, write
from measure.samples import Floats
from measure.sampling import draw, generator, probabilities, risk, unscored_risk

_BLIND = pa.schema(
    [
        ("item_id", pa.string()),
        ("policy_id", pa.string()),
        ("label", pa.string()),
        ("who", pa.string()),
        ("when", pa.string()),
        ("weight", pa.float64()),
        ("probability", pa.float64()),
        ("source", pa.string()),
        ("position", pa.int64()),
        ("content_hash", pa.string()),
    ]
)
_SHOWN = pa.schema(
    [*_BLIND, ("violation", pa.bool_()), ("score", pa.float64()), ("confidence", pa.string()), ("rules", pa.string())]
)


@dataclass(frozen=True, slots=True)
class Drawing:
    """How to draw: so many labels for each policy, by "score" or "random", from this seed on."""

    per_policy: int = 200
    by: str = "score"
    seed: int = 0
    show_verdict: bool = False


@dataclass(frozen=True, slots=True)
class Drawn:
    """What was drawn for one policy: of `items` with a verdict, `labels` rows."""

    policy_id: str
    items: int
    labels: int


@dataclass(frozen=True, slots=True)
class SampleReport:
    """What was drawn, and into which file."""

    out: str
    policies: tuple[Drawn, ...]

    def text(self, as_json: bool) -> str:
        if as_json:
            drawn = [{"policy_id": p.policy_id, "items": p.items, "labels": p.labels} for p in self.policies]
            return json.dumps({"out": self.out, "policies": drawn}, ensure_ascii=False)
        rows = [f"{printable(p.policy_id)}: {p.labels:,} of {p.items:,} items" for p in self.policies]
        return "\n".join([*rows, f"to label in: {printable(self.out)} (column label: violates or allowed)"])


def sample_labels(job: Job, drawing: Drawing, out: Path) -> SampleReport:
    """Draw from the latest verdict of each item under each of the job's policies, and write `out`, CSV or Parquet.

    The same table, options and seed give the same file. The verdict is left out of it unless `show_verdict`, so that it
    leads nobody; the rows of a policy come in random order. `out` appears complete or not at all, and never replaces a
    file. Raises InputError: there is nothing to draw from, `out` is there or of another kind.
    """
    if drawing.per_policy < 1:
        raise InputError(f"--per-policy {drawing.per_policy}: draw at least 1")
    if out.suffix.lower() not in _WRITERS:
        raise InputError(f"--out {out}: a file of labels ends in {' or '.join(_WRITERS)}")
    if out.exists():
        raise InputError(f"--out {out}: is there already, maybe with labels in it; name another file")
    tables = [_drawn(job, policy.id, drawing) for policy in job.policies]
    report = SampleReport(str(out), tuple(found for found, _ in tables))
    if not any(found.labels for found in report.policies):
        raise InputError(
            f"{job.config.sink.path}: no verdict under any of these policies yet; run assay backfill first"
        )
    _write(pa.concat_tables([table for _, table in tables]), out)
    return report


def _drawn(job: Job, policy_id: str, drawing: Drawing) -> tuple[Drawn, pa.Table]:
    verdicts = query(job.config.sink.path, stored("to_label"), params={"policy": policy_id})
    chances = probabilities(_risks(verdicts, drawing.by), drawing.per_policy)
    places = draw(chances, generator(drawing.seed, policy_id))
    rows = _rows(verdicts.take(pa.array(places)), policy_id, chances[places], drawing.show_verdict)
    return Drawn(policy_id, verdicts.num_rows, len(places)), rows


def _risks(verdicts: pa.Table, by: str) -> Floats:
    if by == "random":
        return np.ones(verdicts.num_rows)
    scores = verdicts["score"].to_numpy().astype(np.float64)
    unscored = np.flatnonzero(np.isnan(scores))
    words = verdicts.select(["violation", "confidence"]).take(pa.array(unscored))
    scores[unscored] = [
        unscored_risk(bool(said), confidence or "")
        for said, confidence in zip(words["violation"].to_pylist(), words["confidence"].to_pylist(), strict=True)
    ]
    return risk(scores)


def _rows(verdicts: pa.Table, policy_id: str, chances: Floats, show_verdict: bool) -> pa.Table:
    """The rows to label, with the columns that a person fills in empty."""
    ours = {
        "policy_id": pa.array([policy_id] * len(chances), pa.string()),
        "weight": pa.array(1 / chances, pa.float64()),
        "probability": pa.array(chances, pa.float64()),
        "rules": pc.binary_join(verdicts["rule_ids"].combine_chunks().cast(pa.list_(pa.string())), " "),
    }
    schema = _SHOWN if show_verdict else _BLIND
    there = {name: verdicts[name] for name in verdicts.column_names} | ours
    nothing = pa.nulls(len(chances), pa.string())
    return pa.table([there.get(name, nothing) for name in schema.names], schema=schema)


def _write(rows: pa.Table, out: Path) -> None:
    unfinished = out.with_name(f".{out.name}.unfinished")
    try:
        _WRITERS[out.suffix.lower()](rows, unfinished)
        unfinished.replace(out)
    except OSError as error:
        raise FatalError(f"--out {out}: can't be written: {error}") from error


def _write_parquet(rows: pa.Table, path: Path) -> None:
    pq.write_table(rows, path)


def _write_csv(rows: pa.Table, path: Path) -> None:
    with path.open("wb") as out:
        write(rows.to_reader(), Look("csv"), out)


_WRITERS = {".csv": _write_csv, ".parquet": _write_parquet}
