"""One small table with a bit of everything, for the tests of views and macros: two runs, two policies, one in two
versions, a stream, reuse, rejections. What the views must say of it is written by hand in the tests.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from assay.contracts import Shard
from assay.policy import Policy, parse_policy
from assay.records import Action, Confidence, Judgement, Origin, Outcome, Reason, Rejection, Stage, Verdict
from sinks.policies import PolicyLog
from sinks.runs import RunLog, RunRecord, RunState
from tests.sinks.outcomes import JUDGE, rejection, verdict
from tests.sinks.stand import open_sink

FILE = Shard("items.parquet", "0-100:aaaa", 100)
CHANGED = Shard("items.parquet", "0-100:bbbb", 100)
TOPIC = (Shard("events", "3", stream=True), Shard("events", "10", stream=True))
MONDAY = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
TUESDAY = MONDAY + timedelta(days=1)
MONDAYS = "since := '2026-03-02', until := '2026-03-02'"


def policy(id: str, version: int) -> Policy:
    rules = "".join(f"  - {{id: R{n}, text: rule {n} of version {version}}}\n" for n in (1, 2, 3))
    return parse_policy(f"---\nid: {id}\nversion: {version}\nrules:\n{rules}---\nJudge it.\n", f"{id}.md")


SPAM, SPAM2, HARM = policy("spam", 1), policy("spam", 2), policy("harm", 1)


def yes(*rules: str, severity: int = 2, action: Action = Action.REVIEW, score: float | None = 0.9) -> Verdict:
    return Verdict(True, rules, severity, action, Confidence.HIGH, f"It breaks {', '.join(rules)}.", score, "Thought.")


def no(score: float | None = 0.1, confidence: Confidence = Confidence.HIGH) -> Verdict:
    return Verdict(False, (), 0, Action.ALLOW, confidence, "Nothing.", score)


def case(
    position: int,
    under: Policy,
    result: Verdict | Rejection,
    at: datetime = MONDAY,
    *,
    run: str = "run-1",
    lang: str = "en",
    shard: Shard = FILE,
    stage: Stage = Stage.JUDGE,
    origin: Origin | None = None,
    latency: float = 10.0,
) -> Outcome:
    """The outcome of item `i<position>`, which is an hour older than it; a reused one took no tokens."""
    tokens = (100, 64, 10) if stage is Stage.JUDGE else (0, 0, 0)
    item = {"id": f"i{position}", "carried": (("lang", lang),), "time": at - timedelta(hours=1)}
    judgement = Judgement(
        result, prompt_tokens=tokens[0], cached_tokens=tokens[1], output_tokens=tokens[2], prompt_hash="a" * 64
    )
    return replace(
        verdict(position, shard=shard, under=under, **item),  # type: ignore[arg-type]
        judgement=judgement,
        judged_at=at,
        run_id=run,
        stage=stage,
        origin=origin,
        latency_ms=latency,
    )


_KNOWN = Origin("run-0", "i99", MONDAY)

CASES = (
    case(0, SPAM, yes("R1", score=0.95), latency=10),
    case(1, SPAM, yes("R1", "R2", severity=3, action=Action.BLOCK, score=0.9), lang="de", latency=20),
    case(2, SPAM, no(score=0.1), lang="de", latency=30),
    case(3, SPAM, no(score=0.5, confidence=Confidence.LOW), latency=40),
    case(4, SPAM, no(score=None), latency=50),
    replace(rejection(5, shard=FILE, id="i5"), policy=SPAM, judged_at=MONDAY),
    # an edited text judges the first three again on the next day: one flips
    case(0, SPAM2, no(score=0.2), TUESDAY, run="run-2"),
    case(1, SPAM2, yes("R3", "R1", score=1.0), TUESDAY, run="run-2", lang="de"),
    case(2, SPAM2, no(), TUESDAY, run="run-2", lang="de"),
    # the other policy
    case(0, HARM, no(), stage=Stage.REUSED, origin=_KNOWN),
    case(1, HARM, yes("R2"), origin=_KNOWN, lang="de"),
    case(2, HARM, Rejection(Reason.MALFORMED, "not JSON"), lang="de"),
    # a stream: one partition on two days
    case(0, HARM, no(), shard=TOPIC[0], run="run-2"),
    case(1, HARM, yes("R2"), TUESDAY, shard=TOPIC[0], run="run-2"),
    case(0, HARM, no(), TUESDAY, shard=TOPIC[1], run="run-2"),
)


def write_small_table(path: str) -> None:
    """Write the cases, their runs and policies into the tables under `path`."""
    open_sink(path).commit(CASES, {})
    PolicyLog(path).write([SPAM, SPAM2, HARM], MONDAY)
    log = RunLog(path)
    start = RunRecord("run-1", "nightly", RunState.RUNNING, MONDAY, judge=JUDGE.name)
    log.write(start)
    log.write(replace(start, state=RunState.DONE, ended_at=MONDAY + timedelta(hours=1), cost=7.0))
    log.write(replace(start, run_id="run-2", started_at=TUESDAY))
