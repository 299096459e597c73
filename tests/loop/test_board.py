"""The board hands out every shard, takes back what a dead replica held, and finds the case that kills engines."""

from __future__ import annotations

from collections.abc import Mapping

from actors.board import Board, Death, Suspicion, suspect
from actors.counts import Report
from assay.contracts import Caution, Grant, Shard, Standing, Tally
from assay.policy import Policy
from tests.loop.builders import policy

SHARDS = [Shard("f", f"{start}-{start + 10}:v", start + 10) for start in range(0, 60, 10)]


def take(board: Board, replica: str) -> Shard:
    grant = board.next(replica)
    assert isinstance(grant, Grant)
    return grant.shard


def test_every_shard_is_handed_out_once_and_then_the_run_is_over() -> None:
    board = Board(SHARDS, 16)
    taken = []
    while isinstance(grant := board.next("a" if len(taken) % 2 else "b"), Grant):
        taken.append(grant.shard)
    assert sorted(taken, key=lambda shard: shard.stop or 0) == SHARDS
    assert grant == "wait"
    for number, shard in enumerate(taken):
        board.done("a" if number % 2 else "b", shard)
    assert board.next("a") is None
    assert board.status().finished


def test_a_replica_goes_on_with_the_neighbour_of_its_last_shard() -> None:
    board = Board(SHARDS, 16)
    assert take(board, "a") == SHARDS[0]
    assert take(board, "b") != SHARDS[1]
    board.done("a", SHARDS[0])
    assert take(board, "a") == SHARDS[1]


def test_a_dead_replica_gives_its_shards_and_its_counts_back() -> None:
    board = Board(SHARDS[:1], 16)
    shard = take(board, "a")
    board.report("a", Report(Tally(judged=7), {shard: Standing(3, 3, 9)}))
    board.ended("a", Death.NONE)
    assert board.next("b") == Grant(shard, None)
    assert board.status().tally.judged == 7
    board.ended("a", Death.NONE)
    assert board.status().tally.judged == 7


def test_care_grows_with_each_death_until_the_suspect_is_known() -> None:
    board = Board(SHARDS[:1], 256)
    cautions = []
    for standing in (Standing(0, 0, 8, 9), Standing(2, 2, 8, 4), Standing(4, 4, 8, 1), Standing(5, 5, 8, 1)):
        grant = board.next("a")
        assert isinstance(grant, Grant)
        cautions.append(grant.caution)
        board.report("a", Report(Tally(), {grant.shard: standing}))
        board.ended("a", Death.ENGINE)
    assert cautions == [None, Caution(16, 8), Caution(1, 8), Caution(1, 8, condemn=True)]
    grant = board.next("a")
    assert isinstance(grant, Grant)
    assert grant.caution == Caution(1, 8), "another case died: it has one death of its own, not three"


def test_a_death_beyond_the_suspected_region_starts_anew() -> None:
    assert suspect(Suspicion(2, True, None, 8), Standing(8, 8, 20), engine=True) == Suspicion(1, False, None, 20)


def test_the_same_case_dying_alone_again_stays_condemned() -> None:
    condemned = suspect(Suspicion(2, True, None, 8), Standing(4, 4, 8), engine=True)
    assert suspect(condemned, Standing(4, 4, 8), engine=True).caution(64) == Caution(1, 8, condemn=True)


def test_a_process_that_dies_for_any_reason_condemns_nothing_that_was_not_alone_three_times() -> None:
    thought = None
    condemned = []
    for _ in range(5):
        thought = suspect(thought, Standing(4, 4, 8, 1), engine=False)
        condemned.append(thought.caution(64).condemn)
    assert condemned == [False, False, False, False, True]


def test_a_shard_that_was_only_read_ahead_is_above_suspicion() -> None:
    board = Board(SHARDS[:2], 16)
    first, ahead = take(board, "a"), take(board, "a")
    standings = {first: Standing(0, 0, 5, 3), ahead: Standing(0, 0, 5, 0)}
    board.report("a", Report(Tally(), standings))
    board.ended("a", Death.ENGINE)
    cautions = {grant.shard: grant.caution for grant in (board.next("b"), board.next("b")) if isinstance(grant, Grant)}
    assert cautions == {first: Caution(4, 5), ahead: None}


def test_a_replica_that_was_given_up_is_not_counted_again() -> None:
    board = Board(SHARDS[:1], 16)
    shard = take(board, "a")
    late = Report(Tally(judged=100), {shard: Standing(3, 3, 9)})
    board.report("a", late)
    board.ended("a", Death.ENGINE)
    board.report("a", late)
    board.done("a", shard)
    assert board.status().tally.judged == 100
    assert not board.status().finished


def test_old_news_of_a_shard_is_not_believed() -> None:
    board = Board(SHARDS[:1], 16)
    shard = take(board, "a")
    board.report("a", Report(Tally(), {shard: Standing(5, 5, 9, 1)}))
    board.report("a", Report(Tally(), {shard: Standing(4, 4, 9, 1)}))
    board.ended("a", Death.ENGINE)
    board.next("b")
    board.report("b", Report(Tally(), {shard: Standing(9, 9, 9, 1)}))
    board.ended("b", Death.ENGINE)
    grant = board.next("c")
    assert isinstance(grant, Grant)
    assert grant.caution == Caution(4, 9), "it went beyond the region, so suspicion begins anew"


def test_where_a_changed_policy_begins_is_told_once_of_each_shard() -> None:
    old, new = policy("spam"), policy("spam", "No spam at all.")
    one, two = (Shard("events", name, stream=True) for name in "01")
    board = Board([one, two], 16)

    def news(replica: str, begins: Mapping[Shard, int], text: Policy = new) -> list[str]:
        board.report(replica, Report(Tally(), {}, begins={text.hash: begins}))
        return [each.text for each in board.status().news]

    assert news("a", {one: 5}, old) == []
    assert news("a", {one: 9}) == [], "a text that a run began with"
    board.renew([old], [new])
    assert news("a", {one: 9}) == [f"policy spam: version 1 ({new.hash[:12]}) begins: events/0 at 9"]
    assert news("a", {one: 9}) == []
    board.renew([new], [new])
    assert news("b", {one: 12, two: 4}) == [f"policy spam: version 1 ({new.hash[:12]}) begins: events/1 at 4"]
    board.renew([new], [old])
    assert news("b", {one: 20}, old) == [f"policy spam: version 1 ({old.hash[:12]}) begins: events/0 at 20"]
    board.renew([old], [new])
    assert news("b", {one: 30}) == [f"policy spam: version 1 ({new.hash[:12]}) begins: events/0 at 30"]
