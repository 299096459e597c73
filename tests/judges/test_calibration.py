"""Scores are corrected as the file beside the model says; without the file nothing is."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.calibration import FILE, Calibration, Curve, Held, read_calibration
from actors.identity import identify
from actors.parse import Answer, Codec, parse, split_plain
from assay.config import VllmConfig
from assay.errors import InputError
from assay.policy import Policy, parse_policy
from assay.records import Action, Confidence, Verdict

CURVE = Curve(slope=2, intercept=-1, threshold=0.3)
DEFAULT = {"slope": 1, "intercept": 0, "threshold": 0.5}
TOKENS = {1: '{"violation":', 2: "0", 3: "1", 4: ',"rule_ids":["S1"],', 5: ',"rule_ids":[],'}
TOKENS |= {6: '"confidence":"medium","rationale":""}', 7: ""}
CODEC = Codec(lambda ids: "".join(TOKENS[k] for k in ids), lambda ids: split_plain(ids, frozenset({7})), 2, 3)


class Odds:
    """The engine says that a violation has these log odds."""

    def __init__(self, odds: float) -> None:
        self._odds = odds

    def at(self, position: int, token: int) -> float | None:
        assert position == 1
        return self._odds - 1 if token == 3 else -1


def escalating(escalate: str) -> Policy:
    rules = "rules: [{id: S1, text: No promotion, severity: 2, action: limit}]"
    return parse_policy(f'---\nid: spam\nversion: "1"\n{rules}\nescalate: {escalate}\n---\nIs it spam?', "spam.md")


def judged(
    violation: bool, odds: float, curve: Curve | None, held: Held | None = None, escalate: str = "{confidence: [low]}"
) -> Verdict:
    ids = [1, 3, 4, 6, 7] if violation else [1, 2, 5, 6, 7]
    verdict = parse(Answer(ids, "stop", Odds(odds)), escalating(escalate), CODEC, curve=curve, held=held)
    assert isinstance(verdict, Verdict)
    return verdict


@given(st.floats(-50, 50))
def test_the_score_is_the_formulas(odds: float) -> None:
    assert CURVE.score(odds) == pytest.approx(1 / (1 + math.exp(-(2 * odds - 1))))


def test_odds_without_bounds_are_certain() -> None:
    assert (CURVE.score(math.inf), CURVE.score(-math.inf), CURVE.score(1e308)) == (1, 0, 1)


@given(st.floats(-50, 50), st.booleans())
def test_a_curve_that_changes_nothing_keeps_the_score(odds: float, violation: bool) -> None:
    assert judged(violation, odds, Curve.model_validate(DEFAULT)).score == judged(violation, odds, None).score


@pytest.mark.parametrize(
    ("score", "violation", "word"),
    [
        (0.9, True, Confidence.HIGH),
        (0.89, True, Confidence.MEDIUM),
        (0.7, True, Confidence.MEDIUM),
        (0.69, True, Confidence.LOW),
        (0.2, True, Confidence.LOW),
        (0.1, False, Confidence.HIGH),
        (0.3, False, Confidence.MEDIUM),
        (0.31, False, Confidence.LOW),
    ],
)
def test_the_word_is_the_chance_of_being_right(score: float, violation: bool, word: Confidence) -> None:
    assert CURVE.confidence(score, violation) is word


def test_an_answer_gets_the_corrected_score_and_its_word() -> None:
    plain, corrected = judged(True, 3, None), judged(True, 3, CURVE)
    assert (plain.score, plain.confidence) == (pytest.approx(1 / (1 + math.exp(-3))), Confidence.MEDIUM)
    assert (corrected.score, corrected.confidence) == (CURVE.score(3), Confidence.HIGH)


def test_the_policy_decides_by_the_corrected_ones() -> None:
    assert judged(True, 0, CURVE).action is Action.ESCALATE  # P = 0.27, so a violation of low confidence
    assert judged(True, 0, None).action is Action.LIMIT  # the model's own word is medium
    band = "{score: [0.2, 0.3]}"
    assert judged(True, 0, CURVE, escalate=band).action is Action.ESCALATE
    assert judged(True, 0, None, escalate=band).action is Action.LIMIT


@pytest.mark.parametrize(
    ("violation", "odds", "overruled"),
    [(True, 1, None), (True, 0, False), (False, 0, None), (False, 0.1, True)],
)
def test_the_threshold_overrules_the_digit(violation: bool, odds: float, overruled: bool | None) -> None:
    held = CURVE.overrules(judged(violation, odds, CURVE))
    assert (held.violation if held else None) is overruled
    if held:
        assert held.score == CURVE.score(odds)
        assert held.confidence is CURVE.confidence(held.score, held.violation)


def test_a_score_at_the_threshold_is_a_violation() -> None:
    at = Curve(slope=1, intercept=0, threshold=0.5)
    assert at.overrules(judged(True, 0, at)) is None
    assert at.overrules(judged(False, 0, at)) is not None


def test_an_answer_that_was_held_keeps_the_score_that_led_to_it() -> None:
    verdict = judged(True, -9, CURVE, Held(True, 0.45, Confidence.LOW))
    assert (verdict.score, verdict.confidence, verdict.action) == (0.45, Confidence.LOW, Action.ESCALATE)


def test_a_verdict_without_a_score_is_left_as_it_is() -> None:
    verdict = judged(True, math.nan, CURVE)
    assert (verdict.score, verdict.confidence) == (None, Confidence.MEDIUM)
    assert CURVE.overrules(verdict) is None


def test_a_policy_without_a_curve_has_the_default() -> None:
    calibration = Calibration(default=Curve.model_validate(DEFAULT), policies={"spam": CURVE})
    assert calibration.of("spam") == CURVE
    assert calibration.of("scam") == calibration.default


def test_a_folder_without_the_file_is_not_calibrated(tmp_path: Path) -> None:
    assert read_calibration(tmp_path) is None


def test_what_the_file_says_is_read(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(json.dumps({"default": DEFAULT, "policies": {"spam": CURVE.model_dump()}}))
    found = read_calibration(tmp_path)
    assert found == Calibration(default=Curve.model_validate(DEFAULT), policies={"spam": CURVE})


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("{", "JSON"),
        ("[]", "the file"),
        ("{}", "default"),
        (json.dumps({"default": DEFAULT, "curves": {}}), "curves"),
        (json.dumps({"default": {**DEFAULT, "slope": 0}}), "default.slope"),
        (json.dumps({"default": {**DEFAULT, "slope": math.inf}}), "default.slope"),
        (json.dumps({"default": {**DEFAULT, "intercept": math.nan}}), "default.intercept"),
        (json.dumps({"default": DEFAULT, "policies": {"spam": {**DEFAULT, "threshold": 1.1}}}), "spam.threshold"),
    ],
)
def test_a_file_that_is_wrong_is_named_with_its_key(tmp_path: Path, content: str, named: str) -> None:
    (tmp_path / FILE).write_text(content)
    with pytest.raises(InputError, match=named) as raised:
        read_calibration(tmp_path)
    assert str(tmp_path / FILE) in str(raised.value)


def test_the_file_is_part_of_the_judges_identity(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(bytes(1000))
    config = VllmConfig(kind="vllm", model=str(tmp_path))
    identities = [identify(config)]
    for threshold in (0.5, 0.6):
        (tmp_path / FILE).write_text(json.dumps({"default": {**DEFAULT, "threshold": threshold}}))
        identities.append(identify(config))
    assert len({identity.revision for identity in identities}) == 3
