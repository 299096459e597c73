"""A track's position never passes a case without an outcome, whatever the order of finishing."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from assay.records import JudgeIdentity, Judgement, Outcome, Reason, Rejection, Stage
from assay.tracks import Track
from tests.loop.builders import item, policy, shard

HOME = shard("0-100", 100)
POLICY = policy()


def outcome(position: int) -> Outcome:
    judgement = Judgement(Rejection(Reason.MALFORMED, ""))
    judge = JudgeIdentity("scripted", "1", "s")
    return Outcome(item(HOME, position), POLICY, judgement, Stage.JUDGE, judge, "run", datetime.now(UTC))


def positions(track: Track) -> list[int]:
    return [each.item.place.position for each in track.release()]


def test_a_slow_case_holds_back_the_position_but_not_the_outcomes_behind_it() -> None:
    track = Track(0)
    for position in range(3):
        track.admit(position)
    track.reach(3)
    track.finish(outcome(1))
    track.finish(outcome(2))
    assert (positions(track), track.settled, track.ahead) == ([1, 2], 0, 3)
    track.finish(outcome(0))
    assert (positions(track), track.settled, track.ahead) == ([0], 3, 3)


def test_positions_without_items_are_passed_over_once_all_before_them_is_settled() -> None:
    track = Track(5)
    track.admit(7)
    track.reach(20)
    assert track.settled == 7
    track.finish(outcome(7))
    assert track.settled == 20


def test_what_is_settled_elsewhere_is_not_wanted() -> None:
    track = Track(5, frozenset({8}))
    assert [position for position in range(10) if track.wants(position)] == [5, 6, 7, 9]
    assert track.ahead == 9


@given(st.permutations(range(12)), st.lists(st.booleans(), min_size=12, max_size=12), st.sets(st.integers(0, 11)))
def test_each_outcome_is_released_once_and_every_case_before_the_position_was(
    order: list[int], release_after: list[bool], skip: set[int]
) -> None:
    track = Track(0, frozenset(skip))
    wanted = [position for position in range(12) if track.wants(position)]
    for position in wanted:
        track.admit(position)
    track.reach(12)
    released: list[int] = []
    for position, release in zip(order, release_after, strict=True):
        if position in wanted:
            track.finish(outcome(position))
        if release:
            released += positions(track)
            assert {each for each in wanted if each < track.settled} <= set(released)
            assert all(each < track.ahead for each in released)
    released += positions(track)
    assert sorted(released) == wanted
    assert track.settled == 12
    assert track.idle
