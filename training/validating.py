"""How good the judge is at the moment: area under the ROC curve on fixed packs of validation contents."""

from __future__ import annotations

import random
from collections.abc import Iterator

from sklearn.metrics import roc_auc_score

from training.drawing import TASKS, Drawer
from training.encoding import Encoded, Encoder
from training.lora import Judge

_SEEN, _OTHER = 4, 4
"""How many packs of each task, and of each of the other kinds."""


def validation_packs(drawer: Drawer, encoder: Encoder) -> dict[str, tuple[Encoded, ...]]:
    """Packs for each task, and for inverted, swapped and unseen policies, always the same for the same drawer."""
    found: dict[str, list[Encoded]] = {}
    for name, mode, task, unseen, count in _wanted():
        for number in range(count):
            rng = random.Random(f"validation:{name}:{number}")
            drawn = drawer.drawn(mode, task or rng.choice(("hate", "spam", "injection")), rng, unseen)
            found.setdefault(name, []).append(encoder.encode(drawn, rng))
    return {name: tuple(packs) for name, packs in found.items()}


def _wanted() -> Iterator[tuple[str, str, str, bool, int]]:
    for task in TASKS:
        yield task, "real", task, False, _SEEN
    yield "swapped", "swapped", "", False, _OTHER
    yield "inverted", "inverted", "", False, _OTHER
    yield "unseen-attributes", "attribute", "", True, _OTHER
    for task in ("dialogue", "sexism"):
        yield f"unseen-{task}", "real", task, True, 2


def figures(judge: Judge, encoder: Encoder, packs: dict[str, tuple[Encoded, ...]]) -> dict[str, float]:
    """The AUC of each kind, over all its packs together."""
    return {name: _auc(judge, encoder, each) for name, each in packs.items()}


def _auc(judge: Judge, encoder: Encoder, packs: tuple[Encoded, ...]) -> float:
    odds = [odd for each in packs for odd in judge.odds(each.pack, each.digits, encoder.zero, encoder.one)]
    labels = [label for each in packs for label in each.labels]
    return float(roc_auc_score(labels, odds)) if len(set(labels)) == 2 else float("nan")
