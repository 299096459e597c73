"""What every sink promises, asked of each of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from assay.config import DeltaConfig
from assay.contracts import Move, Shard, Sink
from assay.errors import Refused
from assay.records import JudgeIdentity
from sinks.delta import DeltaSink
from sinks.memory import MemorySink
from tests.sinks.outcomes import DAY, JUDGE, SHARD, SPAM, policy, rejection, verdict

Opener = Callable[[], Sink]


@pytest.fixture(params=["memory", "delta"])
def opener(request: pytest.FixtureRequest, tmp_path: Path) -> Opener:
    """Gives sinks that share one store, as replicas do."""
    if request.param == "memory":
        store = MemorySink()
        return lambda: store
    return lambda: DeltaSink(DeltaConfig(kind="delta", path="out"), str(tmp_path / "out"))


def settled(sink: Sink, shard: Shard = SHARD) -> set[int]:
    return set(sink.settled(shard, SPAM, JUDGE))


def test_a_new_sink_holds_nothing(opener: Opener) -> None:
    sink = opener()
    assert sink.ledger(["track/a"]) == {}
    assert settled(sink) == set()


def test_outcomes_and_moves_arrive_together(opener: Opener) -> None:
    sink = opener()
    sink.commit([verdict(0), rejection(1)], {"track/a": Move(None, 2), "fence/a": Move(None, 1)})
    assert sink.ledger(["track/a", "fence/a", "track/b"]) == {"track/a": 2, "fence/a": 1}
    assert settled(sink) == {0, 1}


def test_a_refused_commit_changes_nothing(opener: Opener) -> None:
    sink = opener()
    sink.commit([verdict(0)], {"track/a": Move(None, 1), "fence/a": Move(None, 1)})
    for moves in (
        {"track/a": Move(0, 2)},
        {"track/a": Move(None, 2)},
        {"track/b": Move(0, 2)},
        {"track/b": Move(None, 2), "fence/a": Move(0, 2)},
    ):
        with pytest.raises(Refused):
            sink.commit([verdict(1)], moves)
    assert sink.ledger(["track/a", "track/b", "fence/a"]) == {"track/a": 1, "fence/a": 1}
    assert settled(sink) == {0}


def test_a_zombie_is_refused_once_the_fence_moved(opener: Opener) -> None:
    zombie, owner = opener(), opener()
    zombie.commit([verdict(0)], {"track/a": Move(None, 1), "fence/a": Move(None, 1)})
    owner.commit([], {"fence/a": Move(1, 2)})
    with pytest.raises(Refused):
        zombie.commit([verdict(1)], {"track/a": Move(1, 2), "fence/a": Move(1, 1)})
    owner.commit([verdict(1)], {"track/a": Move(1, 2), "fence/a": Move(2, 2)})
    assert zombie.ledger(["track/a", "fence/a"]) == {"track/a": 2, "fence/a": 2}
    assert settled(owner) == {0, 1}


def test_the_ledger_is_as_of_now(opener: Opener) -> None:
    one, other = opener(), opener()
    for value in range(5):
        one.commit([], {"track/a": Move(value - 1 if value else None, value)})
        assert other.ledger(["track/a"]) == {"track/a": value}


def test_moves_alone_and_outcomes_alone_and_nothing(opener: Opener) -> None:
    sink = opener()
    sink.commit([], {"fence/a": Move(None, 0)})
    sink.commit([verdict(4)], {})
    sink.commit([], {})
    assert sink.ledger(["fence/a"]) == {"fence/a": 0}
    assert settled(sink) == {4}


def test_settled_tells_shards_policies_and_judges_apart(opener: Opener) -> None:
    sink = opener()
    other_shard = replace(SHARD, id='it\'s "another"')
    other_judge = JudgeIdentity("scripted", "r2", JUDGE.settings_hash)
    sink.commit(
        [verdict(1), verdict(2, shard=other_shard), verdict(3, under=policy("scam"))], {"track/a": Move(None, 9)}
    )
    assert settled(sink) == {1}
    assert settled(sink, other_shard) == {2}
    assert sink.settled(SHARD, policy("scam"), JUDGE) == {3}
    assert sink.settled(SHARD, SPAM, other_judge) == frozenset()


def test_one_commit_may_span_two_days_and_hold_odd_text(opener: Opener) -> None:
    sink = opener()
    tomorrow = replace(verdict(1, id="\ud800", carried=()), judged_at=DAY + timedelta(days=1))
    sink.commit([verdict(0), tomorrow], {"track/a": Move(None, 2)})
    assert settled(sink) == {0, 1}
