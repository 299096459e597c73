"""Outcomes for the tests of sinks and queries."""

from __future__ import annotations

from datetime import UTC, datetime

from assay.contracts import Shard
from assay.policy import Policy, parse_policy
from assay.records import (
    Action,
    BadItem,
    Confidence,
    Item,
    ItemKind,
    JudgeIdentity,
    Judgement,
    Outcome,
    Place,
    Reason,
    Rejection,
    Stage,
    Turn,
    Verdict,
)

JUDGE = JudgeIdentity(name="scripted", revision="r1", settings_hash="5" * 64)
SHARD = Shard(source="items.parquet", id="0-1000", stop=1000)
DAY = datetime(2026, 3, 4, 5, 6, 7, 89, tzinfo=UTC)


def policy(id: str = "spam") -> Policy:
    text = f"---\nid: {id}\nversion: 1\nrules:\n  - {{id: S1, text: promotion}}\n---\nJudge it.\n"
    return parse_policy(text, f"{id}.md")


SPAM = policy()


def verdict(
    position: int = 0, *, shard: Shard = SHARD, under: Policy = SPAM, text: str = "hello", **item: object
) -> Outcome:
    """A flagged verdict at `position`; keywords replace fields of the item."""
    fields = {"id": f"i{position}", "carried": (("lang", "en"),), "time": DAY} | item
    return Outcome(
        item=Item(
            kind=ItemKind.TEXT,
            judged=(Turn("user", text),),
            place=Place(shard.source, shard.id, position),
            **fields,  # type: ignore[arg-type]
        ),
        policy=under,
        judgement=Judgement(
            Verdict(True, ("S1",), 2, Action.REVIEW, Confidence.HIGH, "It promotes.", 0.9),
            prompt_hash="a" * 64,
            prompt_tokens=100,
            cached_tokens=64,
            output_tokens=12,
        ),
        stage=Stage.JUDGE,
        judge=JUDGE,
        run_id="run-1",
        judged_at=DAY,
        latency_ms=1.5,
    )


def rejection(position: int = 0, *, shard: Shard = SHARD, id: str | None = None, raw: bytes = b"\xff\x00") -> Outcome:
    """A bad item's rejection at `position`."""
    return Outcome(
        item=BadItem(id, ItemKind.TEXT, Reason.INVALID_UTF8, "byte 0", raw, Place(shard.source, shard.id, position)),
        policy=SPAM,
        judgement=Judgement(Rejection(Reason.INVALID_UTF8, "byte 0"), attempts=0),
        stage=Stage.SOURCE,
        judge=JUDGE,
        run_id="run-1",
        judged_at=DAY,
    )
