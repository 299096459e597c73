"""Rows of table `verdicts` as messages for others: verdicts as JSON, and the records that could not be read.

Messages are made from rows, never from outcomes, so that one sent after a commit and one repeated from the table are
the same bytes. The form of a verdict: verdict_message.v1.schema.json; what a consumer may rely on:
docs/verdict_topic.md.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc

from assay.ledger import digest
from assay.records import Mode, Reason, Stage
from sinks.schema import REJECTED, VERDICT

SCHEMA_VERSION = 1
MAX_TEXT = 4_000
"""Characters of a rationale, and of an item id that is too large for the topic."""
_MAX_DETAIL = 1_000
_SMALLEST = 1_024

Header = tuple[str, bytes]

DEAD_LETTER_COLUMNS = ("mode", "status", "stage", "reason", "detail", "raw", "source", "shard", "position")


@dataclass(frozen=True, slots=True)
class VerdictMessage:
    """One verdict. `cut` names the fields that are not whole."""

    item_id: str
    item_time: datetime | None
    item_kind: str
    content_hash: str | None
    policy_id: str
    policy_version: str
    policy_hash: str
    violation: bool
    rule_ids: tuple[str, ...]
    severity: int
    action: str
    confidence: str
    score: float | None
    rationale: str
    judge: str
    judge_revision: str
    run_id: str
    source: str
    shard: str
    position: int
    judged_at: datetime
    carried: tuple[tuple[str, str], ...]
    case: str
    cut: tuple[str, ...] = ()

    @property
    def key(self) -> bytes:
        return self.item_id.encode()

    @property
    def headers(self) -> tuple[Header, ...]:
        return (
            ("assay-case", self.case.encode()),
            ("assay-schema", str(SCHEMA_VERSION).encode()),
            ("assay-policy", self.policy_id.encode()),
        )

    @property
    def value(self) -> bytes:
        """The JSON, in UTF-8."""
        body = {
            "schema": SCHEMA_VERSION,
            "case": self.case,
            "item_id": self.item_id,
            "item_time": _instant(self.item_time),
            "item_kind": self.item_kind,
            "content_hash": self.content_hash,
            "policy_id": self.policy_id,
            "policy_version": self.policy_version,
            "policy_hash": self.policy_hash,
            "violation": self.violation,
            "rule_ids": self.rule_ids,
            "severity": self.severity,
            "action": self.action,
            "confidence": self.confidence,
            "score": self.score if self.score is not None and math.isfinite(self.score) else None,
            "rationale": self.rationale,
            "judge": self.judge,
            "judge_revision": self.judge_revision,
            "run_id": self.run_id,
            "topic": self.source,
            "partition": int(self.shard),
            "offset": self.position,
            "judged_at": _instant(self.judged_at),
            "carried": dict(self.carried),
            "cut": self.cut,
        }
        return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()

    def smaller(self) -> VerdictMessage | None:
        """The same verdict without what others can do without, for a topic that finds it too large; None at the end."""
        if self.carried:
            return replace(self, carried=(), cut=(*self.cut, "carried"))
        if len(self.item_id) > MAX_TEXT:
            return replace(self, item_id=self.item_id[:MAX_TEXT], cut=(*self.cut, "item_id"))
        return None


VERDICT_COLUMNS = tuple(each.name for each in fields(VerdictMessage) if each.name not in ("case", "cut"))
"""The columns that a verdict's message is made of, beside `status`: its fields have their names."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record that the source rejected: `value` holds its bytes, uncut unless the topic finds them too large."""

    source: str
    shard: str
    position: int
    reason: str
    detail: str
    value: bytes
    truncated: bool = False

    @property
    def key(self) -> bytes:
        return f"{self.source}/{self.shard}/{self.position}".encode()

    @property
    def headers(self) -> tuple[Header, ...]:
        headers = (
            ("assay-reason", self.reason.encode()),
            ("assay-detail", self.detail[:_MAX_DETAIL].encode()),
            ("assay-topic", self.source.encode()),
            ("assay-partition", self.shard.encode()),
            ("assay-offset", str(self.position).encode()),
        )
        return (*headers, ("assay-truncated", b"true")) if self.truncated else headers

    def smaller(self) -> DeadLetter | None:
        """The same with the first half of the bytes, None if next to nothing is left."""
        if len(self.value) <= _SMALLEST:
            return None
        return replace(self, value=self.value[: len(self.value) // 2], truncated=True)


Message = VerdictMessage | DeadLetter


def verdict_messages(rows: pa.Table, *, violations: bool = False) -> Iterator[VerdictMessage]:
    """A message per verdict among these rows, or per violation, in their order. Nobody is told of a shadow policy's."""
    wanted = pc.and_(pc.equal(rows["status"], VERDICT), pc.equal(rows["mode"], Mode.LIVE.value))
    if violations:
        wanted = pc.and_kleene(wanted, rows["violation"])
    for row in rows.select(VERDICT_COLUMNS).filter(wanted).to_pylist():
        yield _verdict(row)


def dead_letters(rows: pa.Table) -> Iterator[DeadLetter]:
    """A message per record that the source rejected, though a row says so for each live policy. A gap is no record."""
    wanted = pc.and_(pc.equal(rows["status"], REJECTED), pc.equal(rows["stage"], Stage.SOURCE.value))
    wanted = pc.and_(wanted, pc.equal(rows["mode"], Mode.LIVE.value))
    wanted = pc.and_(wanted, pc.not_equal(rows["reason"], Reason.GAP.value))
    seen: set[tuple[str, str, int]] = set()
    found = rows.select(DEAD_LETTER_COLUMNS).filter(wanted)
    for index in range(found.num_rows):  # row by row: values may be large, and repeat for each policy
        place = found["source"][index].as_py(), found["shard"][index].as_py(), found["position"][index].as_py()
        if place not in seen:
            seen.add(place)
            reason, detail = found["reason"][index].as_py(), found["detail"][index].as_py()
            yield DeadLetter(*place, reason, detail or "", found["raw"][index].as_py() or b"")


def _verdict(row: Mapping[str, object]) -> VerdictMessage:
    case = digest(str(row["source"]), str(row["shard"]), str(row["position"]), str(row["policy_id"]))
    rationale = str(row["rationale"] or "")
    whole = VerdictMessage(
        **{
            **row,
            "rule_ids": tuple(row["rule_ids"] or ()),  # type: ignore[arg-type]
            "carried": tuple(row["carried"] or ()),  # type: ignore[arg-type]
            "rationale": rationale[:MAX_TEXT],
            "case": case,
        }
    )
    return whole if len(rationale) <= MAX_TEXT else replace(whole, cut=("rationale",))


def _instant(moment: datetime | None) -> str | None:
    """RFC 3339 in UTC, always to the microsecond."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
