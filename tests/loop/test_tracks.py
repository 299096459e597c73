"""A track releases in order, whatever the order of finishing, and never an outcome without its position."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from assay.contracts import Move
from assay.records import JudgeIdentity, Judgement, Outcome, Reason, Rejection, Stage
from assay.tracks import Track
from tests.loop.builders import item, policy, shard

HOME = shard("0-100", 100)
POLICY = policy()


def outcome(position: int) -> Outcome:
    judgement = Judgement(Rejection(Reason.MALFORMED, ""))
    judge = JudgeIdentity("scripted", "1", "s")
    return Outcome(item(HOME, position), POLICY, judgement, Stage.JUDGE, judge, "run", datetime.now(UTC))


def test_nothing_is_released_before_the_first_case_is_finished() -> None:
    track = Track(None, 0)
    for position in range(3):
        track.admit(position)
    track.finish(outcome(1))
    track.finish(outcome(2))
    assert track.release() is None
    track.finish(outcome(0))
    release = track.release()
    assert release is not None
    assert [each.item.place.position for each in release.outcomes] == [0, 1, 2]
    assert release.move == Move(None, 3)


def test_positions_without_items_are_passed_over_once_all_before_them_is_settled() -> None:
    track = Track(5, 0)
    track.admit(7)
    track.reach(20)
    assert track.release() is None or track.settled == 5
    track.finish(outcome(7))
    assert track.settled == 20


def test_what_is_settled_elsewhere_is_not_wanted() -> None:
    track = Track(3, 5, frozenset({8}))
    assert [position for position in range(10) if track.wants(position)] == [5, 6, 7, 9]


@given(st.permutations(range(12)), st.lists(st.booleans(), min_size=12, max_size=12), st.sets(st.integers(0, 11)))
def test_any_order_of_finishing_commits_each_outcome_once_and_up_to_its_position(
    order: list[int], commit_after: list[bool], skip: set[int]
) -> None:
    track = Track(None, 0, frozenset(skip))
    wanted = [position for position in range(12) if track.wants(position)]
    for position in wanted:
        track.admit(position)
    track.reach(12)
    committed: list[int] = []
    for position, commit in zip(order, commit_after, strict=True):
        if position in wanted:
            track.finish(outcome(position))
        if commit and (release := track.release()):
            committed += [each.item.place.position for each in release.outcomes]
            assert release.move.was == track.committed
            track.commit(release.move)
            assert committed == [each for each in wanted if each < release.move.now]
    if release := track.release():
        committed += [each.item.place.position for each in release.outcomes]
        track.commit(release.move)
    assert committed == wanted
    assert track.committed == 12
