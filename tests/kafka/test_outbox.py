"""What the verdict topic and the dead-letter topic get, on a real broker."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from assay.ledger import digest
from assay.records import BadItem, Reason, Verdict
from sinks.messages import verdict_messages
from sinks.schema import to_table
from tests.kafka.broker import Topics
from tests.kafka.letters import (
    EVENTS,
    check_schema,
    make_topics,
    outbox,
    quiet_verdict,
    read,
    under_both,
    with_result,
)
from tests.sinks.outcomes import rejection, verdict


def test_a_verdict_is_told_with_all_that_a_consumer_enforces_on(kafka: Topics, tmp_path: Path, topic_name: str) -> None:
    make_topics(kafka, topic_name)
    box = outbox(kafka, tmp_path, topic_name)
    box.publish([verdict(7, shard=EVENTS), quiet_verdict(8)])
    box.close()
    first, second = sorted(read(kafka, f"{topic_name}-v"), key=lambda one: str(one.key))
    case = digest("events", "0", "7", "spam")
    assert first.key == b"i7"
    assert dict(first.headers) == {"assay-case": case.encode(), "assay-schema": b"1", "assay-policy": b"spam"}
    message = json.loads(first.value)
    enforced = {"violation": True, "rule_ids": ["S1"], "severity": 2, "action": "review", "policy_version": "1"}
    assert enforced.items() <= message.items()
    placed = {"topic": "events", "partition": 0, "offset": 7, "case": case, "carried": {"lang": "en"}, "cut": []}
    assert placed.items() <= message.items()
    assert message["item_time"] == "2026-03-04T05:06:07.000089Z"
    for one in (first, second):
        check_schema(one.value)


def test_only_violations_are_told_if_so_configured(kafka: Topics, tmp_path: Path, topic_name: str) -> None:
    make_topics(kafka, topic_name)
    box = outbox(kafka, tmp_path, topic_name, only="violations")
    box.publish([verdict(1, shard=EVENTS), quiet_verdict(2)])
    box.close()
    assert [one.key for one in read(kafka, f"{topic_name}-v")] == [b"i1"]


def test_a_record_that_can_not_be_read_is_told_once_with_its_bytes(
    kafka: Topics, tmp_path: Path, topic_name: str
) -> None:
    make_topics(kafka, topic_name)
    gap = rejection(6, shard=EVENTS)
    assert isinstance(gap.item, BadItem)
    lost = dataclasses.replace(gap.judgement.result, reason=Reason.GAP)
    box = outbox(kafka, tmp_path, topic_name)
    gap = dataclasses.replace(gap, judgement=dataclasses.replace(gap.judgement, result=lost))
    box.publish([*under_both(rejection(5, shard=EVENTS, raw=b"\xff\x00\xfe")), gap])
    box.close()
    (letter,) = read(kafka, f"{topic_name}-d")
    assert (letter.key, letter.value) == (b"events/0/5", b"\xff\x00\xfe")
    assert dict(letter.headers) == {
        "assay-reason": b"invalid_utf8",
        "assay-detail": b"byte 0",
        "assay-topic": b"events",
        "assay-partition": b"0",
        "assay-offset": b"5",
    }
    assert read(kafka, f"{topic_name}-v") == []


def test_what_is_too_large_is_told_cut_and_the_others_whole(kafka: Topics, tmp_path: Path, topic_name: str) -> None:
    make_topics(kafka, topic_name, max_message_bytes=20_000)
    raw = bytes(range(256)) * 200
    wordy = verdict(1, shard=EVENTS)
    assert isinstance(wordy.judgement.result, Verdict)
    essay = dataclasses.replace(wordy.judgement.result, rationale="é" * 9_000, reasoning="r" * 100_000)
    outcomes = [
        with_result(wordy, essay),
        verdict(2, shard=EVENTS, carried=(("c", "x" * 30_000),)),
        verdict(3, shard=EVENTS, id="k" * 30_000),
        *(rejection(number, shard=EVENTS, raw=raw) for number in (4, 5)),
        rejection(6, shard=EVENTS, raw=b"small"),
        *(verdict(number, shard=EVENTS) for number in range(7, 60)),
    ]
    box = outbox(kafka, tmp_path, topic_name)
    box.publish(outcomes)
    box.close()
    verdicts = {json.loads(one.value)["offset"]: one for one in read(kafka, f"{topic_name}-v")}
    assert sorted(verdicts) == [1, 2, 3, *range(7, 60)]
    for one in verdicts.values():
        check_schema(one.value)
    cut = {offset: json.loads(one.value)["cut"] for offset, one in verdicts.items()}
    assert {offset: names for offset, names in cut.items() if names} == {
        1: ["rationale"],
        2: ["carried"],
        3: ["carried", "item_id"],
    }
    letters = {one.key: one for one in read(kafka, f"{topic_name}-d")}
    assert len(letters) == 3
    assert letters[b"events/0/6"].value == b"small"
    for key in (b"events/0/4", b"events/0/5"):
        assert raw.startswith(letters[key].value)
        assert len(letters[key].value) > 10_000
        assert ("assay-truncated", b"true") in letters[key].headers


def test_a_score_that_is_no_number_is_left_out() -> None:
    outcome = verdict(1, shard=EVENTS)
    assert isinstance(outcome.judgement.result, Verdict)
    odd = with_result(outcome, dataclasses.replace(outcome.judgement.result, score=float("nan")))
    (message,) = verdict_messages(to_table([odd]))
    assert json.loads(message.value)["score"] is None
    check_schema(message.value)
