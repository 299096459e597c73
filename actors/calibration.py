"""A small judge's scores made honest: what its verdict token says is corrected, policy by policy, from labelled items.

A model folder that holds `assay-judge.json` is calibrated (Platt 1999, with the threshold apart):

    score      = sigmoid(slope * ln(p1 / p0) + intercept)     p0, p1: probabilities of the verdict token's two digits
    violation  = score >= threshold
    confidence = high, medium or low, by the chance that this is right: the score of a violation, else 1 - score

`judge.json` describes a judge as it is shipped, before it is merged with its base (`actors/small_judge_model.py`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from assay.errors import InputError
from assay.policy_parts import ID
from assay.records import Confidence, Verdict

FILE = "assay-judge.json"
"""The calibration in a model's folder. Like each JSON file there it is part of the judge's identity."""

SHIPPED_FILE = "judge.json"

_HIGH, _MEDIUM = 0.9, 0.7


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


@dataclass(frozen=True, slots=True)
class Held:
    """What a further attempt must come to, whatever the model says, with the score that led to it."""

    violation: bool
    score: float
    confidence: Confidence


class Curve(_Record):
    """The correction under one policy. A judge whose slope is not positive would be better turned round."""

    slope: Annotated[float, Field(gt=0)]
    intercept: float
    threshold: Annotated[float, Field(ge=0, le=1)]

    def score(self, odds: float) -> float:
        """P(violation) for the model's own log odds of a violation, which may be infinite."""
        return sigmoid(self.slope * odds + self.intercept)

    def confidence(self, score: float, violation: bool) -> Confidence:
        right = score if violation else 1 - score
        return Confidence.HIGH if right >= _HIGH else Confidence.MEDIUM if right >= _MEDIUM else Confidence.LOW

    def overrules(self, verdict: Verdict) -> Held | None:
        """The other decision, if the verdict's score is on the other side of the threshold."""
        if verdict.score is None or verdict.violation == (verdict.score >= self.threshold):
            return None
        other = not verdict.violation
        return Held(other, verdict.score, self.confidence(verdict.score, other))


class Calibration(_Record):
    """The curves of one judge, by the policies' ids."""

    default: Curve
    policies: Mapping[str, Curve] = {}

    def of(self, policy_id: str) -> Curve:
        """That of the policy; the default where it has none."""
        return self.policies.get(policy_id, self.default)


class Base(_Record):
    """The model that the delta is added to: `package` is the Python package that has its GGUF file."""

    name: str
    package: str
    gguf_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Delta(_Record):
    """Each merged weight is W + scale * (B @ A); `rank` is the inner size of B and A."""

    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    rank: Annotated[int, Field(gt=0)]
    scale: float


class Licence(_Record):
    """Under which licence something that went in is, and what it is."""

    name: str
    licence: str
    what: str


class ShippedJudge(_Record):
    """`judge.json`. `prompt_format` is that of the prompts that it was trained on."""

    name: Annotated[str, Field(pattern=ID)]
    version: str
    base: Base
    delta: Delta
    prompt_format: str
    calibration: Calibration
    licences: tuple[Licence, ...]
    training: Mapping[str, int | float | str]


_R = TypeVar("_R", bound=_Record)


def read_calibration(folder: Path) -> Calibration | None:
    """What the model's folder says; None if it has no `assay-judge.json`. Raises InputError for one that is wrong."""
    file = folder / FILE
    return _read(file, Calibration) if file.exists() else None


def read_shipped(parts: Path) -> ShippedJudge:
    """The `judge.json` of a folder with a judge's shipped parts. Raises InputError."""
    return _read(parts / SHIPPED_FILE, ShippedJudge)


def _read(file: Path, record: type[_R]) -> _R:
    try:
        return record.model_validate_json(file.read_bytes())
    except OSError as error:
        raise InputError(f"{file}: can't be read: {error}") from error
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, each['loc'])) or 'the file'}: {each['msg']}" for each in error.errors()]
        raise InputError(f"{file}: {'; '.join(faults)}; make the folder again, or correct the file") from error


def sigmoid(x: float) -> float:
    """1 / (1 + e^-x) without overflow."""
    if x >= 0:
        return 1 / (1 + math.exp(-x))
    return math.exp(x) / (1 + math.exp(x))
