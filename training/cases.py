"""The labelled cases and policies of a work folder: `cases.parquet` and `policies.parquet`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa

from training.parquet_records import read_records, write_whole

CASES, POLICIES = "cases.parquet", "policies.parquet"

_WAY_OUT = "run `python -m training.prepare` first"
_CASES_SCHEMA = pa.schema(
    [
        ("task", pa.string()),
        ("part", pa.string()),
        ("policy_id", pa.string()),
        ("policy_hash", pa.string()),
        ("key", pa.string()),
        ("group", pa.string()),
        ("kind", pa.string()),
        ("shown", pa.string()),
        ("label", pa.bool_()),
        ("rules", pa.list_(pa.string())),
    ]
)
_POLICIES_SCHEMA = pa.schema(
    [
        ("policy_hash", pa.string()),
        ("policy_id", pa.string()),
        ("task", pa.string()),
        ("style", pa.string()),
        ("text", pa.string()),
        ("file", pa.string()),
    ]
)


@dataclass(frozen=True, slots=True)
class CaseRow:
    """One content under one policy, with its label.

    `part` is train, valid or test, where the policy is one that is trained on; unseen, where it is not; inverted or
    swapped, where a held-out content is shown under a policy that is turned round or of another subject. `shown` is the
    content as the judge sees it and `key` its sha256 (hex); near duplicates share their `group`. `kind` is
    `assay.records.ItemKind`. `rules` are the ids of the rules that are broken.
    """

    task: str
    part: str
    policy_id: str
    policy_hash: str
    key: str
    group: str
    kind: str
    shown: str
    label: bool
    rules: list[str]


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """A policy as it was asked: `text` are the judge's whole instructions (for plain text), `file` the policy file."""

    policy_hash: str
    policy_id: str
    task: str
    style: str
    text: str
    file: str


def write_cases(folder: Path, cases: Sequence[CaseRow], policies: Sequence[PolicyRow]) -> None:
    """Replace both files; a policy or a case that is there twice is written once."""
    once = {(row.part, row.policy_hash, row.key): row for row in cases}
    known = {row.policy_hash: row for row in policies}
    for name, rows, schema in ((CASES, once, _CASES_SCHEMA), (POLICIES, known, _POLICIES_SCHEMA)):
        write_whole(folder / name, pa.Table.from_pylist([asdict(row) for row in rows.values()], schema=schema))


def read_cases(folder: Path) -> tuple[CaseRow, ...]:
    """Raises InputError."""
    return read_records(folder / CASES, CaseRow, _WAY_OUT)


def read_policies(folder: Path) -> dict[str, PolicyRow]:
    """The policies by hash. Raises InputError."""
    return {row.policy_hash: row for row in read_records(folder / POLICIES, PolicyRow, _WAY_OUT)}
