"""From rows of table `verdicts` to what a lookup keeps: judged cases with a key that others may reuse."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import fs

from assay.keys import DECIDED_BY_CONTENT
from assay.records import Stage
from sinks.counts import fetch
from sinks.known_store import KEY_BYTES, Value
from sinks.schema import SCHEMA, VERDICT

_KEY = "case_key"
_FIELDS = (
    "run_id",
    "item_id",
    "judged_at",
    "prompt_tokens",
    "output_tokens",
    "violation",
    "rule_ids",
    "severity",
    "action",
    "confidence",
    "score",
    "rationale",
    "reason",
    "detail",
)
_COLUMNS = (_KEY, "stage", "status", *_FIELDS)
_SCHEMA = pa.schema([SCHEMA.field(name) for name in _COLUMNS])
_PIECE_ROWS = 20_000
_REASONS = sorted(reason.value for reason in DECIDED_BY_CONTENT)

Judged = dict[bytes, Value]


def short(key: str) -> bytes:
    """A case's key as the store keeps it."""
    return bytes.fromhex(key)[:KEY_BYTES]


def judged_rows(filesystem: fs.FileSystem, path: str) -> Iterator[Judged]:
    """A Parquet file's judged cases, in pieces. Of a key that comes twice in a piece, the one judged last.

    Raises FileNotFoundError, OSError, pa.ArrowException.
    """
    with pq.ParquetFile(path, filesystem=filesystem) as file:
        if _KEY not in file.schema_arrow.names:
            return
        for batch in file.iter_batches(_PIECE_ROWS, columns=list(_COLUMNS), use_threads=False):
            table = pa.table(batch).select(_COLUMNS).cast(_SCHEMA)  # delta-rs writes views of strings when it deletes
            rows = table.filter(_reusable(table))
            if rows.num_rows:
                yield _judged(rows)


def _reusable(rows: pa.Table) -> pa.ChunkedArray:
    judged = pc.and_(pc.equal(rows["stage"], Stage.JUDGE.value), pc.is_valid(rows[_KEY]))
    by_content = pc.is_in(rows["reason"], value_set=pa.array(_REASONS))
    return pc.and_(judged, pc.or_(pc.equal(rows["status"], VERDICT), by_content))


def rows_of(path: str, keys: Collection[bytes]) -> Judged:
    """What the table under `path` has of these keys now. Slow: reads all keys. Raises TransientError, FatalError."""
    found: Judged = {}
    rows = fetch(
        path,
        f"""SELECT {_KEY}, {", ".join("epoch_us(judged_at)" if name == "judged_at" else name for name in _FIELDS)}
            FROM read_parquet($files, union_by_name = true)
            WHERE left({_KEY}, 32) IN (SELECT unnest($keys::VARCHAR[])) AND stage = $stage
              AND (status = $status OR reason IN (SELECT unnest($reasons::VARCHAR[])))
            ORDER BY judged_at""",
        {
            "keys": [key.hex() for key in keys],
            "stage": Stage.JUDGE.value,
            "status": VERDICT,
            "reasons": _REASONS,
        },
    )
    for key, *fields in rows:
        found[short(key)] = _value(short(key), dict(zip(_FIELDS, fields, strict=True)))
    return found


def _judged(rows: pa.Table) -> Judged:
    at = rows.column_names.index("judged_at")
    rows = rows.set_column(at, "judged_at", rows["judged_at"].cast(pa.int64()))
    found: Judged = {}
    for row in rows.to_pylist():
        key = short(row[_KEY])
        value = _value(key, row)
        if key not in found or found[key].judged <= value.judged:
            found[key] = value
    return found


def _value(key: bytes, row: Mapping[str, object]) -> Value:
    """Raises TypeError or ValueError for a row that we can't have written."""
    origin = (key, str(row["run_id"]), str(row["item_id"] or ""), _int(row["judged_at"]))
    took = (_int(row["prompt_tokens"]), _int(row["output_tokens"]))
    if row["reason"] is not None:
        return Value(*origin, *took, reason=str(row["reason"]), detail=str(row["detail"] or ""))
    rule_ids, score = row["rule_ids"], row["score"]
    assert isinstance(rule_ids, list)
    return Value(
        *origin,
        *took,
        violation=bool(row["violation"]),
        rule_ids=tuple(map(str, rule_ids)),
        severity=_int(row["severity"]),
        action=str(row["action"]),
        confidence=str(row["confidence"]),
        score=None if score is None else float(str(score)),
        rationale=str(row["rationale"] or ""),
    )


def _int(value: object) -> int:
    assert isinstance(value, int)
    return value
