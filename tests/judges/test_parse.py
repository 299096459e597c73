"""Parsing is total, and gives a verdict only where the final message holds a valid contract."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai_harmony import HarmonyEncodingName, load_harmony_encoding

from actors.parse import Answer, Codec, parse, split_harmony, split_plain
from actors.prompt_harmony import CALL, CHANNEL, END, MESSAGE, RETURN, START
from assay.records import Action, Confidence, Reason, Rejection, Verdict
from tests.judge_cases import policy

ENCODING = load_harmony_encoding(HarmonyEncodingName.HARMONY_GPT_OSS)
UNDER = policy()


def decode(ids: Sequence[int]) -> str:
    return ENCODING.decode(list(ids))


def encode(text: str) -> list[int]:
    return ENCODING.encode(text, disallowed_special=())


(ZERO,), (ONE,) = encode("0"), encode("1")
HARMONY = Codec(decode, lambda ids: split_harmony(ids, decode), ZERO, ONE)
PLAIN = Codec(decode, lambda ids: split_plain(ids, frozenset({RETURN, START})), ZERO, ONE)

FLAGGED = '{"violation":1,"rule_ids":["S2","S1"],"confidence":"high","rationale":"A prize that is none."}'
CLEAN = '{"violation":0,"rule_ids":[],"confidence":"low","rationale":"Nothing sold."}'
ANALYSIS = [
    CHANNEL,
    *encode("analysis"),
    MESSAGE,
    *encode("Let me think: " + FLAGGED),
    END,
    START,
    *encode("assistant"),
]


def final(text: str, header: str = "final", end: int | None = RETURN) -> list[int]:
    return [CHANNEL, *encode(header), MESSAGE, *encode(text), *([] if end is None else [end])]


def result(ids: Sequence[int], finish: str | None = "stop", codec: Codec = HARMONY) -> Verdict | Rejection:
    return parse(Answer(ids, finish), UNDER, codec)


def reason(ids: Sequence[int], finish: str | None = "stop") -> Reason:
    rejection = result(ids, finish)
    assert isinstance(rejection, Rejection)
    assert rejection.raw == decode(ids).encode()
    return rejection.reason


@pytest.mark.parametrize("header", ["final", "final json", "final "])
def test_a_flagged_answer_becomes_a_verdict_with_the_gravest_consequence(header: str) -> None:
    verdict = result(ANALYSIS + final(FLAGGED, header))
    assert verdict == Verdict(
        violation=True,
        rule_ids=("S2", "S1"),
        severity=3,
        action=Action.BLOCK,
        confidence=Confidence.HIGH,
        rationale="A prize that is none.",
        score=None,
        reasoning="Let me think: " + FLAGGED,
    )


def test_reasoning_is_left_out_on_request() -> None:
    verdict = parse(Answer(ANALYSIS + final(CLEAN), "stop"), UNDER, HARMONY, keep_reasoning=False)
    assert isinstance(verdict, Verdict)
    assert (verdict.violation, verdict.action, verdict.reasoning) == (False, Action.ALLOW, None)


def test_a_contract_in_the_reasoning_is_no_verdict() -> None:
    assert reason(ANALYSIS) is Reason.MALFORMED
    assert reason([*ANALYSIS[:-3], RETURN]) is Reason.NO_FINAL
    assert reason([]) is Reason.NO_FINAL
    assert reason([RETURN]) is Reason.MALFORMED
    assert reason([CHANNEL, *encode("commentary to=f"), MESSAGE, *encode(FLAGGED), CALL]) is Reason.NO_FINAL


def test_a_cut_answer_is_never_read_even_if_it_looks_complete() -> None:
    assert reason(final(FLAGGED), "length") is Reason.LENGTH
    assert reason(final(FLAGGED, end=None), "stop") is Reason.MALFORMED
    assert reason(final(FLAGGED), "abort") is Reason.ENGINE
    assert reason(final(FLAGGED), None) is Reason.ENGINE


def test_the_final_message_must_be_one_and_the_last() -> None:
    assert reason([*final(CLEAN, end=END), START, *encode("assistant"), *final(FLAGGED)]) is Reason.MALFORMED
    after = [START, *encode("assistant"), CHANNEL, *encode("analysis"), MESSAGE, *encode("hm"), RETURN]
    assert reason([*final(CLEAN, end=END), *after]) is Reason.MALFORMED
    assert reason([CHANNEL, *encode("final"), MESSAGE, *encode(CLEAN), START, RETURN]) is Reason.MALFORMED


def fields(**changes: object) -> str:
    return json.dumps({**json.loads(FLAGGED), **changes})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Reason.MALFORMED),
        ("[]", Reason.MALFORMED),
        (FLAGGED[:-1], Reason.MALFORMED),
        (FLAGGED + FLAGGED, Reason.MALFORMED),
        ("[" * 100_000, Reason.MALFORMED),
        (FLAGGED.replace("1", "9" * 5000, 1), Reason.MALFORMED),
        (FLAGGED[:-1] + ',"violation":0}', Reason.MALFORMED),
        (FLAGGED[:-1] + ',"note":"x"}', Reason.MALFORMED),
        (fields(violation=True), Reason.MALFORMED),
        (fields(violation=1.0), Reason.MALFORMED),
        (fields(violation=math.nan), Reason.MALFORMED),
        (fields(violation=2), Reason.MALFORMED),
        (fields(rule_ids="S1"), Reason.MALFORMED),
        (fields(rule_ids=[["S1"]]), Reason.MALFORMED),
        (fields(confidence="sure"), Reason.MALFORMED),
        (fields(confidence=["high"]), Reason.MALFORMED),
        (fields(rationale=None), Reason.MALFORMED),
        (fields(rule_ids=["S1", "S9"]), Reason.UNKNOWN_RULE),
        (fields(rule_ids=["s1"]), Reason.UNKNOWN_RULE),
        (fields(rule_ids=["\ud800"]), Reason.UNKNOWN_RULE),
        (fields(rule_ids=[]), Reason.CONTRADICTION),
        (fields(violation=0), Reason.CONTRADICTION),
    ],
)
def test_a_broken_contract_is_a_named_rejection(text: str, expected: Reason) -> None:
    rejection = result(final(text))
    assert isinstance(rejection, Rejection)
    assert rejection.reason is expected


def test_a_rule_cited_twice_counts_once_and_surrogates_become_writable() -> None:
    verdict = result(final(fields(rule_ids=["S1", "S1"], rationale="\ud83d lone")))
    assert isinstance(verdict, Verdict)
    assert verdict.rule_ids == ("S1",)
    assert verdict.rationale == "? lone"


def test_an_answer_without_channels_is_read_whole() -> None:
    assert isinstance(result(encode(CLEAN), codec=PLAIN), Verdict)
    assert isinstance(result([*encode(CLEAN), RETURN], codec=PLAIN), Verdict)
    stray = result([*encode(CLEAN), START, RETURN], codec=PLAIN)
    assert isinstance(stray, Rejection)
    assert stray.reason is Reason.MALFORMED


@dataclass(frozen=True)
class Scores:
    """ln P of 0 and 1 at one position of the answer."""

    place: int
    zero: float | None
    one: float | None

    def at(self, position: int, token: int) -> float | None:
        assert position == self.place
        return {ZERO: self.zero, ONE: self.one}[token]


@pytest.mark.parametrize(
    ("zero", "one", "expected"),
    [
        (math.log(0.2), math.log(0.6), 0.75),
        (math.log(0.9), math.log(0.1), 0.1),
        (-800.0, 0.0, 1.0),
        (0.0, -math.inf, 0.0),
        (-math.inf, -math.inf, None),
        (None, -1.0, None),
    ],
)
def test_score_is_the_share_of_one_at_the_violation_token(
    zero: float | None, one: float | None, expected: float | None
) -> None:
    ids = ANALYSIS + final(FLAGGED)
    place = len(ANALYSIS) + ids[len(ANALYSIS) :].index(ONE)
    assert decode(ids[:place]).endswith('<|message|>{"violation":')
    verdict = parse(Answer(ids, "stop", Scores(place, zero, one)), UNDER, HARMONY)
    assert isinstance(verdict, Verdict)
    assert verdict.score == (None if expected is None else pytest.approx(expected))


def test_score_is_null_where_no_token_says_just_the_digit() -> None:
    table = {1: '{"viol', 2: 'ation":1', 3: FLAGGED.split(":1", 1)[1], 4: ""}
    merged = Codec(lambda ids: "".join(table[k] for k in ids), lambda ids: split_plain(ids, frozenset({4})), 8, 9)
    verdict = parse(Answer([1, 2, 3, 4], "stop", Scores(0, -1, -1)), UNDER, merged)
    assert isinstance(verdict, Verdict)
    assert verdict.score is None


WORDS = st.sampled_from(
    [FLAGGED, CLEAN, "analysis", "final", "final json", "assistant", '{"violation":1', "}", " to=x", "hm"]
).map(encode)
TOKENS = st.one_of(
    WORDS, st.sampled_from([[k] for k in range(199998, 200019)]), st.integers(0, 201087).map(lambda k: [k])
)
ANSWERS = st.lists(TOKENS, max_size=12).map(lambda parts: [token for part in parts for token in part])


@settings(max_examples=1500, deadline=None)
@given(ANSWERS, st.sampled_from(["stop", "stop", "stop", "length", "abort", None]))
def test_any_tokens_give_a_verdict_only_from_a_finished_final_message(ids: list[int], finish: str | None) -> None:
    outcome = result(ids, finish)
    if isinstance(outcome, Verdict):
        assert finish == "stop"
        assert ids[-1] == RETURN
        assert ids.count(RETURN) == 1
        opening = len(ids) - 1 - ids[::-1].index(MESSAGE)
        assert "final" in decode(ids[:opening].copy()[-4:])
        assert json.loads(decode(ids[opening + 1 : -1]))["violation"] == outcome.violation
        assert outcome.violation == bool(outcome.rule_ids)
    else:
        assert outcome.raw is not None


@settings(max_examples=1000, deadline=None)
@given(st.one_of(st.text(), st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps)))
def test_any_text_in_the_final_message_is_handled(text: str) -> None:
    outcome = result(final(text.encode("utf-8", "replace").decode()))
    assert isinstance(outcome, Rejection)
    assert outcome.reason in (Reason.MALFORMED, Reason.UNKNOWN_RULE, Reason.CONTRADICTION)
