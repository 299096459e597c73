"""From the ids that a model generated to a verdict or a named rejection. Total: it never raises on any output.

Nothing is ever read out of the reasoning. A verdict needs an answer that ended by itself, one final message, and a
contract that holds in every part.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from actors.calibration import Curve, Held, sigmoid
from actors.prompt_harmony import CALL, CHANNEL, CONSTRAIN, END, MESSAGE, RETURN, SPECIAL_IDS, START
from assay.errors import RecordError
from assay.policy import Policy
from assay.records import Confidence, Reason, Rejection, Verdict

_KEYS = ("violation", "rule_ids", "confidence", "rationale")
_DIGIT = re.compile(r'\s*\{\s*"violation"\s*:\s*([01])')


class TokenScores(Protocol):
    """Log probabilities that came with an answer."""

    def at(self, position: int, token: int) -> float | None:
        """ln P of `token` at `position` of the answer; None where the engine did not tell."""
        ...


@dataclass(frozen=True, slots=True)
class Answer:
    """What the engine returned: generated ids including a stop token, and why it stopped ("stop", "length", ...)."""

    ids: Sequence[int]
    finish_reason: str | None
    scores: TokenScores | None = None


@dataclass(frozen=True, slots=True)
class Channels:
    """An answer taken apart: index ranges of its reasoning, and of its final message (None: there is none)."""

    reasoning: tuple[range, ...]
    final: range | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Codec:
    """How to read one model's ids. `zero` and `one` are the ids of "0" and "1", None if these are no single tokens."""

    decode: Callable[[Sequence[int]], str]
    split: Callable[[Sequence[int]], Channels]
    zero: int | None
    one: int | None


def parse(
    answer: Answer,
    policy: Policy,
    codec: Codec,
    keep_reasoning: bool = True,
    curve: Curve | None = None,
    held: Held | None = None,
) -> Verdict | Rejection:
    """The verdict, or why there is none; `raw` is then the whole output as text, control tokens shown.

    With a `curve` the score is corrected by it, and the confidence follows from the score. An answer that was `held` to
    a decision has the score and the confidence that came with it.
    """
    channels = codec.split(answer.ids)
    pieces = (codec.decode([answer.ids[k] for k in part]) for part in channels.reasoning)
    reasoning = _writable("\n".join(pieces)) if keep_reasoning and channels.reasoning else None
    try:
        final = _final(answer, channels)
        text = codec.decode([answer.ids[k] for k in final])
        contract = _contract(text, policy)
    except RecordError as error:
        raw = _writable(codec.decode(answer.ids)).encode()
        return Rejection(error.reason, error.detail, raw, reasoning)
    score, confidence = _certainty(contract, _log_odds(answer, final, text, codec), curve, held)
    severity, action = policy.decide(contract.rule_ids, confidence, score)
    return Verdict(
        contract.violation,
        contract.rule_ids,
        severity,
        action,
        confidence,
        contract.rationale,
        score,
        reasoning,
    )


def _final(answer: Answer, channels: Channels) -> range:
    if answer.finish_reason == "length":
        raise RecordError(Reason.LENGTH, f"no end after {len(answer.ids)} tokens")
    if answer.finish_reason != "stop":
        raise RecordError(Reason.ENGINE, f"the engine ended the answer: {answer.finish_reason}")
    if channels.problem:
        raise RecordError(Reason.MALFORMED, channels.problem)
    if channels.final is None:
        raise RecordError(Reason.NO_FINAL, "the answer has no final message")
    return channels.final


@dataclass(frozen=True, slots=True)
class _Contract:
    violation: bool
    rule_ids: tuple[str, ...]
    confidence: Confidence
    rationale: str


def _contract(text: str, policy: Policy) -> _Contract:
    try:
        fields = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise RecordError(Reason.MALFORMED, f"the final message is not JSON: {error}") from error
    if not isinstance(fields, dict) or set(fields) != set(_KEYS):
        raise RecordError(Reason.MALFORMED, f"the final message must be an object with exactly {', '.join(_KEYS)}")
    violation, rule_ids, confidence, rationale = (fields[key] for key in _KEYS)
    if type(violation) is not int or violation not in (0, 1):
        raise RecordError(Reason.MALFORMED, "violation must be 0 or 1")
    if not isinstance(rule_ids, list) or not all(isinstance(rule_id, str) for rule_id in rule_ids):
        raise RecordError(Reason.MALFORMED, "rule_ids must be a list of texts")
    if confidence not in ("low", "medium", "high"):
        raise RecordError(Reason.MALFORMED, "confidence must be low, medium or high")
    if not isinstance(rationale, str):
        raise RecordError(Reason.MALFORMED, "rationale must be a text")
    cited = tuple(dict.fromkeys(rule_ids))
    if unknown := [rule_id for rule_id in cited if rule_id not in policy.rule_ids]:
        raise RecordError(Reason.UNKNOWN_RULE, f"policy {policy.id} has no rule {_writable(unknown[0])[:64]!r}")
    if violation != bool(cited):
        raise RecordError(Reason.CONTRADICTION, f"violation {violation} with {len(cited)} rules cited")
    return _Contract(violation == 1, cited, Confidence(confidence), _writable(rationale))


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a key is there twice")
    return fields


def _refuse(constant: str) -> object:
    raise ValueError(f"{constant} is not JSON")


def _writable(text: str) -> str:
    """JSON can spell lone surrogates, which no UTF-8 column can hold."""
    return text.encode("utf-8", "replace").decode()


def _certainty(
    contract: _Contract, odds: float | None, curve: Curve | None, held: Held | None
) -> tuple[float | None, Confidence]:
    if held is not None:
        return held.score, held.confidence
    if odds is None or curve is None:
        return (None if odds is None else sigmoid(odds)), contract.confidence
    score = curve.score(odds)
    return score, curve.confidence(score, contract.violation)


def _log_odds(answer: Answer, final: range, text: str, codec: Codec) -> float | None:
    """ln(P(1) / P(0)) of the token that says 0 or 1. None where no token says just that."""
    found = _DIGIT.match(text)
    if not found or answer.scores is None or codec.zero is None or codec.one is None:
        return None
    place = found.start(1)
    position, read = final.start, 0
    while read <= place and position < final.stop:
        position += 1
        read = len(codec.decode(answer.ids[final.start : position]))
    position -= 1
    if read != place + 1 or answer.ids[position] not in (codec.zero, codec.one):
        return None
    zero, one = answer.scores.at(position, codec.zero), answer.scores.at(position, codec.one)
    if zero is None or one is None or math.isnan(zero - one):
        return None
    return one - zero


def split_plain(ids: Sequence[int], control: frozenset[int]) -> Channels:
    """An answer without channels: all of it, but for a stop token at its end, is the final message."""
    stop = len(ids) - 1 if ids and ids[-1] in control else len(ids)
    strays = any(token in control for token in ids[:stop])
    return Channels((), range(stop), "control tokens inside the answer" if strays else "")


@dataclass(frozen=True, slots=True)
class _Message:
    channel: str
    content: range
    end: int | None


def split_harmony(ids: Sequence[int], decode: Callable[[Sequence[int]], str]) -> Channels:
    """Take a Harmony answer apart by its control tokens. The first header continues `<|start|>assistant`."""
    messages: list[_Message] = []
    problem = ""
    at = 0
    while at < len(ids) and not problem:
        message, at, problem = _message(ids, at, decode)
        if message is not None:
            messages.append(message)
    reasoning = tuple(message.content for message in messages if message.channel == "analysis")
    finals = [message for message in messages if message.channel == "final"]
    if problem or not finals:
        return Channels(reasoning, None, problem)
    if len(finals) > 1 or finals[0] is not messages[-1]:
        return Channels(reasoning, None, "the final message must be one, and the last")
    if finals[0].end != RETURN:
        return Channels(reasoning, None, "the final message has no end")
    return Channels(reasoning, finals[0].content)


def _message(
    ids: Sequence[int], start: int, decode: Callable[[Sequence[int]], str]
) -> tuple[_Message | None, int, str]:
    """The message at `start`, where the next one starts, and what is wrong (then there may be no message)."""
    at = start
    while at < len(ids) and ids[at] != MESSAGE:
        if ids[at] in SPECIAL_IDS and ids[at] not in (START, CHANNEL, CONSTRAIN):
            return None, at, "a header that is none"
        at += 1
    if at == len(ids):
        return None, at, "a header without a message" if start else ""
    channel = _channel(ids[start:at], decode)
    first = at + 1
    at = first
    while at < len(ids) and ids[at] not in SPECIAL_IDS:
        at += 1
    end = ids[at] if at < len(ids) else None
    message = _Message(channel, range(first, at), end)
    if end not in (None, END, RETURN, CALL):
        return message, at, "control tokens inside a message"
    return message, at + 1, ""


def _channel(header: Sequence[int], decode: Callable[[Sequence[int]], str]) -> str:
    """The word after `<|channel|>`; "" if there is none or the header has another shape."""
    if list(header).count(CHANNEL) != 1:
        return ""
    rest = list(header)[list(header).index(CHANNEL) + 1 :]
    words = decode([token for token in rest if token not in SPECIAL_IDS]).split()
    return words[0] if words else ""
