"""What is told again from the table, on a real broker."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from assay.contracts import Shard
from assay.errors import InputError
from sinks.delta import DeltaSink
from tests.kafka.broker import Topics
from tests.kafka.letters import (
    EVENTS,
    make_topics,
    outbox,
    quiet_verdict,
    read,
    sink_config,
    told,
    under_both,
)
from tests.sinks.outcomes import rejection, verdict


def test_what_is_repeated_from_the_table_is_what_was_told(kafka: Topics, tmp_path: Path, topic_name: str) -> None:
    make_topics(kafka, f"{topic_name}-a")
    make_topics(kafka, f"{topic_name}-b")
    elsewhere = Shard("events", "1", stream=True)
    early = [verdict(0, shard=EVENTS), rejection(1, shard=EVENTS)]
    late = [
        *under_both(verdict(3, shard=EVENTS, carried=(("a", "ünï\ud800"), ("b", "\x00")))),
        *under_both(rejection(2, shard=EVENTS, raw=bytes(range(256)))),
        verdict(5, shard=EVENTS, time=None),
        quiet_verdict(4),
    ]
    sink = DeltaSink(sink_config(tmp_path), str(tmp_path))
    sink.commit(early, {})
    sink.commit(late, {})
    sink.commit([verdict(3, shard=elsewhere)], {})
    live, again = outbox(kafka, tmp_path, f"{topic_name}-a"), outbox(kafka, tmp_path, f"{topic_name}-b")
    live.publish(late)
    assert list(again.republish(EVENTS, 2)) == [5]
    assert list(again.republish(EVENTS, 100)) == []
    live.close()
    again.close()
    for end, count in (("v", 4), ("d", 1)):
        first = told(read(kafka, f"{topic_name}-a-{end}"))
        assert first == told(read(kafka, f"{topic_name}-b-{end}"))
        assert len(first) == count


def test_repeats_of_many_rows_keep_the_order_of_an_item(kafka: Topics, tmp_path: Path, topic_name: str) -> None:
    make_topics(kafka, topic_name)
    sink = DeltaSink(sink_config(tmp_path), str(tmp_path))
    rows = [verdict(number, shard=EVENTS, id=f"user-{number % 7}") for number in range(5000)]
    sink.commit(rows[1::2], {})
    sink.commit(rows[::2], {})
    box = outbox(kafka, tmp_path, topic_name)
    *_, last = box.republish(EVENTS, 10)
    assert last == 4_999
    box.close()
    by_item: dict[str, list[int]] = {}
    for one in read(kafka, f"{topic_name}-v"):
        by_item.setdefault(one.key, []).append(json.loads(one.value)["offset"])
    assert sorted(offset for offsets in by_item.values() for offset in offsets) == list(range(10, 5000))
    assert all(offsets == sorted(offsets) for offsets in by_item.values())


def test_what_is_repeated_is_told_by_position_and_says_how_far_it_is(
    kafka: Topics, tmp_path: Path, topic_name: str
) -> None:
    make_topics(kafka, topic_name)
    sink = DeltaSink(sink_config(tmp_path), str(tmp_path))
    sink.commit([verdict(number, shard=EVENTS) for number in range(0, 9_000, 2)], {})
    sink.commit([rejection(number, shard=EVENTS, raw=b"x") for number in range(1, 9_000, 2)], {})
    box = outbox(kafka, tmp_path, topic_name)
    pieces = box.republish(EVENTS, 1_000)
    first, second = next(pieces), next(pieces)
    pieces.close()
    box.close()
    assert 1_000 < first < second < 9_000
    offsets = {json.loads(one.value)["offset"] for one in read(kafka, f"{topic_name}-v")}
    offsets |= {int(dict(one.headers)["assay-offset"]) for one in read(kafka, f"{topic_name}-d")}
    assert set(range(1_000, second)) <= offsets


def test_what_no_topic_takes_is_not_passed_by(kafka: Topics, tmp_path: Path, topic_name: str) -> None:
    kafka.create_topic(f"{topic_name}-v", 3)
    kafka.create_topic(f"{topic_name}-d", 1, max_message_bytes=100)
    sink = DeltaSink(sink_config(tmp_path), str(tmp_path))
    sink.commit([verdict(number, shard=EVENTS) for number in range(3_000)], {})
    sink.commit([rejection(5, shard=EVENTS, raw=b"x")], {})
    box = outbox(kafka, tmp_path, topic_name)
    pieces = box.republish(EVENTS, 0)
    assert [next(pieces), next(pieces)] == [5, 5]
    with pytest.raises(InputError, match=r"source\.dead_letter: .* raise its max\.message\.bytes"):
        next(pieces)
    box.close()
    assert len(read(kafka, f"{topic_name}-v")) == 3_000
