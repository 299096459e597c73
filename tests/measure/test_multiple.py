"""p-values of many comparisons, against statsmodels."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from measure.multiple import false_discovery, family_wise


@pytest.mark.parametrize("seed", range(5))
def test_adjusted_p_values_are_those_of_statsmodels(seed: int) -> None:
    p_values = (np.random.default_rng(seed).random(12) ** 3).round(2).tolist()
    assert family_wise(p_values) == pytest.approx(multipletests(p_values, method="holm")[1].tolist())
    assert false_discovery(p_values) == pytest.approx(multipletests(p_values, method="fdr_bh")[1].tolist())


def test_nothing_to_adjust() -> None:
    assert family_wise([]) == false_discovery([]) == ()
    assert family_wise([0.03]) == false_discovery([0.03]) == (0.03,)
