"""Logistic regression whose strictness is chosen by cross-validation on the training cases alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, issparse
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from measure.samples import Bools, numbered

Dense = NDArray[np.float32]
Matrix: TypeAlias = Dense | csr_matrix
"""A row a case."""

FOLDS = 3
_TRIED = {True: (0.3, 3.0, 30.0), False: (1e-4, 1e-3, 1e-2)}
"""Values of C: for sparse features as they are, for dense ones of unit variance."""
_UNTRIED = {True: 3.0, False: 1e-3}


def fit(features: Matrix, labels: Bools, together: Sequence[str], seed: int) -> Pipeline:
    """A fitted classifier; its `predict_proba(features)[:, 1]` is P(violation).

    C is the one with the best AUC over FOLDS folds; cases with equal `together` are in one fold. Where fewer than two
    such sets hold a violation, or an allowed case, there is nothing to cross-validate, and C is a usual one. Raises
    ValueError if all labels are equal.
    """
    sparse = issparse(features)
    model = _sparse() if sparse else _dense()
    sets = numbered(together)
    folds = min(FOLDS, *(len(np.unique(sets[labels == side])) for side in (True, False)))
    if folds < 2:
        return model.fit(features, labels)
    split = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    grid = {"logisticregression__C": _TRIED[sparse]}
    return GridSearchCV(model, grid, scoring="roc_auc", cv=split).fit(features, labels, groups=sets).best_estimator_


def _sparse() -> Pipeline:
    return make_pipeline(LogisticRegression(C=_UNTRIED[True], solver="liblinear"))


def _dense() -> Pipeline:
    return make_pipeline(StandardScaler(), LogisticRegression(C=_UNTRIED[False], max_iter=1000, tol=1e-3))
