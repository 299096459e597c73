"""What a policy's front matter is made of: rules, the defaults for them, and when to escalate."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from assay.records import Action, Confidence

ID = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
Severity = Annotated[int, Field(ge=0, le=4)]


class Part(BaseModel):
    """Frozen; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @field_validator("*")
    @classmethod
    def _is_unicode(cls, value: object) -> object:
        """YAML can spell half of a surrogate pair, which neither a table nor a judge's prompt can hold."""
        if isinstance(value, str) and any("\ud800" <= letter <= "\udfff" for letter in value):
            raise ValueError("not valid Unicode: it has half of a surrogate pair")
        return value


def _for_rules(action: Action) -> Action:
    if action is Action.ESCALATE:
        raise ValueError("a rule can't ask for it; key `escalate` of the policy says when a verdict is escalated")
    return action


class Defaults(Part):
    """What a rule brings that does not say so itself."""

    severity: Severity = 2
    action: Action = Action.REVIEW

    _action_for_rules = field_validator("action")(_for_rules)


class Rule(Part):
    """One rule that a verdict may cite. `severity` is 0 (harmless) to 4 (gravest).

    `heading` names the heading of the prose that holds the rule; its words are then the rule's `text`.
    """

    id: Annotated[str, Field(pattern=ID)]
    text: str = ""
    heading: str = ""
    label: str = ""
    severity: Severity = 2
    action: Action = Action.REVIEW

    _action_for_rules = field_validator("action")(_for_rules)


class Escalate(Part):
    """When a verdict is unsure: it has one of these confidences, or a score in this band, both bounds included."""

    confidence: tuple[Confidence, ...] = ()
    score: tuple[Annotated[float, Field(ge=0, le=1)], Annotated[float, Field(ge=0, le=1)]] | None = None

    @model_validator(mode="after")
    def _something(self) -> Escalate:
        if not self.confidence and self.score is None:
            raise ValueError("give confidence (a list of low, medium, high), or score (two numbers, from and to)")
        if self.score is not None and self.score[0] > self.score[1]:
            raise ValueError(f"score: from {self.score[0]:g} to {self.score[1]:g} is no band; put the lower one first")
        return self

    def covers(self, confidence: Confidence, score: float | None) -> bool:
        """Whether a verdict of this confidence and score is unsure. A verdict without a score is in no band."""
        if confidence in self.confidence:
            return True
        return score is not None and self.score is not None and self.score[0] <= score <= self.score[1]
