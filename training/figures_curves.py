"""From raw scores to calibrated ones, and to verdicts: fitted on the valid part alone, for every system alike."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from actors.calibration import Calibration, Curve
from measure.samples import Bools, Floats
from training.predictions import Prediction

VALID = "valid"
LEAST = 20
"""A policy with fewer valid cases of a label has the default curve."""

_FLATTEST = 1e-6
_SURE = 1e-9


def fitted(predictions: Iterable[Prediction]) -> Calibration:
    """The curves of one system from its predictions of valid cases; others are ignored, and so are rejections.

    The default curve is fitted on all of them, and one for each policy that has LEAST cases of either label.
    """
    valid = [each for each in predictions if each.part == VALID and each.score is not None]
    policies: dict[str, list[Prediction]] = defaultdict(list)
    for each in valid:
        policies[each.policy_id].append(each)
    enough = {name: some for name, some in policies.items() if _least(some) >= LEAST}
    return Calibration(default=curve(valid), policies={name: curve(some) for name, some in sorted(enough.items())})


def curve(scored: Sequence[Prediction]) -> Curve:
    """Platt's sigmoid (1999) over the log odds, with his smoothed targets, and the threshold with the best balanced
    accuracy on the same cases. As it was, with threshold 0.5, where not both labels occur.

    The slope is kept above 0: a system that ranks backwards has a flat curve, not one that is turned round.
    """
    if not _least(scored):
        return Curve(slope=1.0, intercept=0.0, threshold=0.5)
    truth = np.array([each.label for each in scored], dtype=np.bool_)
    odds = log_odds([each.score for each in scored if each.score is not None])
    violations, allowed = int(truth.sum()), int((~truth).sum())
    target = np.where(truth, (violations + 1) / (violations + 2), 1 / (allowed + 2))
    model = LogisticRegression(C=np.inf, max_iter=1000, tol=1e-6)
    twice, weights = np.concatenate([odds, odds])[:, None], np.concatenate([target, 1 - target])
    model.fit(twice, np.repeat([True, False], len(odds)), weights)
    slope, intercept = float(model.coef_[0, 0]), float(model.intercept_[0])
    if slope <= 0:
        slope, intercept = _FLATTEST, float(logit(target.mean()))
    return Curve(slope=slope, intercept=intercept, threshold=_threshold(expit(slope * odds + intercept), truth))


def log_odds(scores: Sequence[float] | Floats) -> Floats:
    """ln(p / (1 - p)), finite also for scores of 0 and 1."""
    found: Floats = logit(np.clip(np.asarray(scores, dtype=np.float64), _SURE, 1 - _SURE))
    return found


def _threshold(scores: Floats, truth: Bools) -> float:
    """Halfway between the score that is the best threshold and the next lower one; of equally good ones the highest."""
    found, place = np.unique(scores, return_inverse=True)
    hits, alarms = (np.bincount(place, truth == side, len(found))[::-1].cumsum()[::-1] for side in (True, False))
    best = len(found) - 1 - int(np.argmax((hits / truth.sum() - alarms / (~truth).sum())[::-1]))
    return float((found[best] + found[best - 1]) / 2) if best else 0.0


def _least(scored: Sequence[Prediction]) -> int:
    violations = sum(each.label for each in scored)
    return min(violations, len(scored) - violations)
