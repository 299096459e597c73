"""What the driver of a stream makes of ledger and table: where partitions begin, what is left, what is missing."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

import pytest

from assay.config import DeltaConfig
from assay.contracts import Shard
from assay.errors import FatalError
from jobs.lag import LagGauge, lag_of
from jobs.stream_marks import Mark, balance, begin_at_ends, read_marks, shards_of
from sinks.delta import DeltaSink
from sources.kafka_client import Survey
from tests.sinks.outcomes import JUDGE, SPAM, policy, verdict

HOME = Shard("events", "0", stream=True)
ABUSE = policy("abuse")
SEEN = Survey({("events", 0): 2, ("events", 1): 0}, {("events", 0): 7, ("events", 1): 0})
ADDED = Survey({**SEEN.begins, ("events", 2): 0}, {("events", 0): 9, ("events", 1): 1, ("events", 2): 4})


@pytest.fixture
def sink(tmp_path: Path) -> DeltaSink:
    return DeltaSink(DeltaConfig(kind="delta", path=str(tmp_path)), str(tmp_path))


def commit(sink: DeltaSink, spam: Iterable[int], abuse: Iterable[int]) -> None:
    under = [(SPAM, position) for position in spam] + [(ABUSE, position) for position in abuse]
    sink.commit([verdict(position, shard=HOME, under=one) for one, position in under], {})


def check(path: Path, items: int, *, low: int = 0, high: int = 10) -> None:
    """`items`: how many the ledger counted between these positions."""
    balance(str(path), [SPAM, ABUSE], {HOME: Mark(low, 100)}, {HOME: Mark(high, 100 + items)})


def test_each_item_needs_a_row_under_each_policy(sink: DeltaSink, tmp_path: Path) -> None:
    check(tmp_path, 0)
    holes = (0, 1, 2, 5, 9)
    commit(sink, [*holes, 10], [*holes, 11])
    check(tmp_path, 5)
    check(tmp_path, 3, low=2)
    for items in (0, 4, 6):
        with pytest.raises(FatalError, match=rf"events/0 offsets 0 to 10: {items} items were read; outcomes there are"):
            check(tmp_path, items)


def test_a_row_that_is_lost_is_noticed_and_its_policy_named(sink: DeltaSink, tmp_path: Path) -> None:
    commit(sink, range(10), [0, 1, 2, 4, 5, 6, 7, 8, 9])
    with pytest.raises(
        FatalError, match="10 items were read; outcomes there are of 10 under policy spam, 9 under poli"
    ):
        check(tmp_path, 10)


def test_a_row_that_is_there_twice_is_noticed(sink: DeltaSink, tmp_path: Path) -> None:
    commit(sink, range(10), [*range(10), 4])
    with pytest.raises(FatalError, match="under policy abuse: 1 outcomes are doubled"):
        check(tmp_path, 10)


def test_a_record_that_vanished_half_judged_is_no_loss_and_hides_none(sink: DeltaSink, tmp_path: Path) -> None:
    commit(sink, range(10), [0, 1, 2, 4, 5, 6, 7, 8, 9])
    check(tmp_path, 9)
    with pytest.raises(FatalError, match="does not balance"):
        check(tmp_path, 10)


def test_outcomes_of_a_policy_that_the_job_has_no_more_do_not_count(sink: DeltaSink, tmp_path: Path) -> None:
    former = policy("former")
    sink.commit([verdict(position, shard=HOME, under=former) for position in range(20)], {})
    commit(sink, range(10), range(10))
    check(tmp_path, 10)


def test_a_partition_that_was_added_is_counted_from_nothing(sink: DeltaSink, tmp_path: Path) -> None:
    commit(sink, range(4), range(4))
    balance(str(tmp_path), [SPAM, ABUSE], {}, {HOME: Mark(4, 4)})
    with pytest.raises(FatalError, match="does not balance"):
        balance(str(tmp_path), [SPAM, ABUSE], {}, {HOME: Mark(4, 3)})


def test_a_topic_begins_at_its_ends_once(sink: DeltaSink) -> None:
    begin_at_ends(sink, SEEN, JUDGE)
    began = {one.id: mark.position for one, mark in read_marks(sink, shards_of(ADDED, None), JUDGE).items()}
    assert began == {"0": 7, "1": 0, "2": None}
    begin_at_ends(sink, ADDED, JUDGE)
    again = {one.id: mark.position for one, mark in read_marks(sink, shards_of(ADDED, None), JUDGE).items()}
    assert again == began, "a partition that was added begins at its first offset"
    other = Survey({**ADDED.begins, ("more", 0): 0}, {**ADDED.ends, ("more", 0): 3})
    begin_at_ends(sink, other, JUDGE)
    assert [mark.position for mark in read_marks(sink, shards_of(other, None), JUDGE).values()] == [7, 0, None, 3]


class Late(DeltaSink):
    """Looks, and before it can write another job has."""

    other: DeltaSink | None = None

    def ledger(self, keys: Collection[str]) -> dict[str, int]:
        found = super().ledger(keys)
        if self.other is not None:
            begin_at_ends(self.other, SEEN, JUDGE)
            self.other = None
        return found


def test_of_two_jobs_that_begin_at_once_the_first_says_where(sink: DeltaSink, tmp_path: Path) -> None:
    late = Late(DeltaConfig(kind="delta", path=str(tmp_path)), str(tmp_path))
    late.other = sink
    begin_at_ends(late, ADDED, JUDGE)
    assert [mark.position for mark in read_marks(sink, shards_of(ADDED, None), JUDGE).values()] == [7, 0, None]


def test_lag_is_what_a_partition_has_left() -> None:
    assert [lag_of(SEEN, HOME, position) for position in (None, 3, 7, 9)] == [5, 4, 0, 0]
    gauge = LagGauge()
    gauge.measure(ADDED, dict.fromkeys(shards_of(ADDED, None)))
    assert gauge.latest is not None
    assert gauge.latest.text().startswith("lag 12 (events/0 7, events/1 1, events/2 4), last commit ")
