"""Agreement: of all policies of an item with its labels, of a judge with itself, and with labels beyond chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from measure.answers import Answer, Estimate


@dataclass(frozen=True, slots=True)
class SelfAgreement:
    """How often a judge says the same when asked again. A rejection differs from either verdict.

    `items` were asked at least twice. `unanimous` is the share of them whose answers are all the same,
    `disagreement` the mean over them of the share of pairs of answers that differ. Labels play no part.
    """

    policy_id: str
    items: int
    repeats: int
    unanimous: Estimate
    disagreement: Estimate
    wavering: tuple[str, ...]
    """The ids of the items whose answers differ, most divided first."""


def exact_match(answers: Sequence[Answer], *, confidence: float = 0.95) -> Estimate:
    """The share of items for which every policy with a known label is right. A rejection is wrong.

    With repeats each repeat of an item is tried by itself. Items without a label are left out.
    """
    raise NotImplementedError


def self_agreement(answers: Sequence[Answer], *, confidence: float = 0.95) -> tuple[SelfAgreement, ...]:
    """One for each policy of which an item was asked at least twice, by policy id."""
    raise NotImplementedError


def kappa(answers: Sequence[Answer], *, confidence: float = 0.95) -> Estimate:
    """Cohen's kappa (1960) of the verdicts with the labels, -1 to 1; a rejection counts as the wrong verdict.

    None if verdicts and labels are all of one class: then chance alone would agree.
    """
    raise NotImplementedError
