"""The records that travel through a run. All are frozen; nothing on the data path is a loose dict.

An item is read from a source, paired with each policy to make cases, and every case ends as exactly one outcome:
a verdict or a rejection.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from json.encoder import encode_basestring as _quoted
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assay.policy import Policy


class ItemKind(StrEnum):
    TEXT = "text"
    COMPLETION = "completion"
    CHAT = "chat"


class Confidence(StrEnum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Action(StrEnum):
    """What a policy asks to be done, mildest first; `escalate`, which no rule has, if the verdict is unsure."""

    ALLOW = "allow"
    WARN = "warn"
    LIMIT = "limit"
    REVIEW = "review"
    BLOCK = "block"
    ESCALATE = "escalate"


class Mode(StrEnum):
    """How a job uses a policy: `live` is acted on; `shadow` is judged and kept beside it, and nobody is told."""

    LIVE = "live"
    SHADOW = "shadow"


class Stage(StrEnum):
    """Who decided an outcome."""

    SOURCE = "source"
    POLICY = "policy"
    JUDGE = "judge"
    REUSED = "reused"


class Reason(StrEnum):
    """Why something could not be judged. One word each; the outcome's `detail` says more."""

    # decided by the item alone
    MISSING_ID = "missing_id"
    DUPLICATE_ID = "duplicate_id"
    WRONG_TYPE = "wrong_type"
    EMPTY = "empty"
    INVALID_UTF8 = "invalid_utf8"
    SURROGATE = "surrogate"
    BAD_CHAT = "bad_chat"
    TOO_LONG = "too_long"
    NOT_JSON = "not_json"
    NOT_AVRO = "not_avro"
    TOMBSTONE = "tombstone"
    # decided by the item's kind and the policy
    OTHER_KIND = "other_kind"
    # decided by the item and the policy: nobody wants to know
    NOT_ASKED = "not_asked"
    # decided by the source: items that were gone before they could be read
    GAP = "gap"
    # decided by how the judge answered
    LENGTH = "length"
    NO_FINAL = "no_final"
    MALFORMED = "malformed"
    UNKNOWN_RULE = "unknown_rule"
    CONTRADICTION = "contradiction"
    ENGINE = "engine"
    DEADLINE = "deadline"


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of a chat. `role` is user, assistant, system or tool; `content` is plain text."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where an item was read. `position` orders the items of a shard; the position after it is `position + 1`."""

    source: str
    shard: str
    position: int


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to audit.

    `judged` is what is judged (one turn, or a whole chat); `context` is shown before it but not judged. A text item
    has a single judged turn of role "user" and no context; a completion has its prompt as context and its response
    judged. `carried` are the source's extra columns, as text. `content_hash` is the sha256 of what the judge sees.
    """

    id: str
    kind: ItemKind
    judged: tuple[Turn, ...]
    place: Place
    context: tuple[Turn, ...] = ()
    time: datetime | None = None
    carried: tuple[tuple[str, str], ...] = ()
    content_hash: str = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "content_hash", content_hash(self.kind, self.context, self.judged))

    @property
    def size(self) -> int:
        """Characters of content, id and carried columns: what an item costs in memory, roughly."""
        shown = sum(len(turn.content) for turn in self.judged) + sum(len(turn.content) for turn in self.context)
        return shown + len(self.id) + sum(len(value) for _, value in self.carried)

    @property
    def raw(self) -> bytes:
        """The content as bytes, for a rejection: a text as it is, otherwise the turns as JSON."""
        if self.kind is ItemKind.TEXT:
            return self.judged[0].content.encode()
        turns = [{"role": turn.role, "content": turn.content} for turn in (*self.context, *self.judged)]
        return json.dumps(turns, ensure_ascii=False).encode()


def content_hash(kind: ItemKind, context: tuple[Turn, ...], judged: tuple[Turn, ...]) -> str:
    """sha256 (hex) over the canonical JSON of what the judge is shown: kind, context turns, judged turns."""
    shown = f"[{_quoted(kind)},{_pairs(context)},{_pairs(judged)}]"  # what json.dumps writes, with less work
    return hashlib.sha256(shown.encode()).hexdigest()


def _pairs(turns: tuple[Turn, ...]) -> str:
    return "[" + ",".join([f"[{_quoted(turn.role)},{_quoted(turn.content)}]" for turn in turns]) + "]"


@dataclass(frozen=True, slots=True)
class BadItem:
    """An item that its source could not make sense of. `raw` holds the bytes as they were read, uncut."""

    id: str | None
    kind: ItemKind
    reason: Reason
    detail: str
    raw: bytes
    place: Place
    time: datetime | None = None
    carried: tuple[tuple[str, str], ...] = ()

    @property
    def size(self) -> int:
        return len(self.raw) + len(self.id or "") + sum(len(value) for _, value in self.carried)


Arrival = Item | BadItem
"""What a source delivers: each with its place, so that none is lost from the count."""


@dataclass(frozen=True, slots=True)
class Case:
    """One item under one policy: the unit of work and of cost. `key`: see `assay.keys`."""

    item: Item
    policy: Policy
    key: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the judge decided. `score` is P(violation) from the verdict token, None where it can't be had."""

    violation: bool
    rule_ids: tuple[str, ...]
    severity: int
    action: Action
    confidence: Confidence
    rationale: str
    score: float | None = None
    reasoning: str | None = None


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why there is no verdict. `raw` is what could not be used: the item's bytes, or the judge's output."""

    reason: Reason
    detail: str
    raw: bytes | None = None
    reasoning: str | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """A judge's answer to one case, with what it took.

    `prompt_hash` is the sha256 (hex) of exactly what the judge read. Token counts are sums over all attempts.
    `cacheable_tokens` is the most that prefix caching could have served: the policy's prefix rounded down to blocks,
    for each attempt.
    """

    result: Verdict | Rejection
    attempts: int = 1
    prompt_hash: str = ""
    prompt_tokens: int = 0
    cached_tokens: int = 0
    cacheable_tokens: int = 0
    output_tokens: int = 0


@dataclass(frozen=True, slots=True)
class JudgeIdentity:
    """Which judge, to the last setting that can change an answer.

    `name` is the model as configured, `revision` identifies its weights and tokenizer, `settings_hash` (sha256 hex)
    covers prompt format, sampling, effort and limits, but nothing that only changes speed.
    """

    name: str
    revision: str
    settings_hash: str


@dataclass(frozen=True, slots=True)
class Origin:
    """The judged case whose verdict another one got: its item's id, the run that judged it, when, and what it took."""

    run_id: str
    item_id: str
    judged_at: datetime
    prompt_tokens: int = 0
    output_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Known:
    """What a key is known to come to."""

    result: Verdict | Rejection
    origin: Origin


@dataclass(frozen=True, slots=True)
class Outcome:
    """The one row that a case ends as. `latency_ms` is from admission by the judge to its answer.

    `key` is that of its case, "" if the item could not be read. `origin` is there if the verdict was reused, or if it
    would have been and was judged again to see whether it still holds.
    """

    item: Item | BadItem
    policy: Policy
    judgement: Judgement
    stage: Stage
    judge: JudgeIdentity
    run_id: str
    judged_at: datetime
    latency_ms: float = 0.0
    key: str = ""
    origin: Origin | None = None
