"""Many comparisons at once: p-values that allow for how many were looked at."""

from __future__ import annotations

from collections.abc import Sequence


def false_discovery(p_values: Sequence[float]) -> tuple[float, ...]:
    """Adjusted p-values (Benjamini and Hochberg 1995): of those below 0.05, 1 in 20 is expected to be false.

    For looking through many slices for something to look into.
    """
    raise NotImplementedError


def family_wise(p_values: Sequence[float]) -> tuple[float, ...]:
    """Adjusted p-values (Holm 1979): that any at all below 0.05 is false has a chance of at most 1 in 20.

    For deciding, policy by policy.
    """
    raise NotImplementedError
