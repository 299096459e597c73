"""Many comparisons at once: p-values that allow for how many were looked at."""

from __future__ import annotations

from collections.abc import Sequence

from scipy.stats import false_discovery_control


def false_discovery(p_values: Sequence[float]) -> tuple[float, ...]:
    """Adjusted p-values (Benjamini and Hochberg 1995): of those below 0.05, at most 1 in 20 is expected to be false.

    For looking through many slices for something to look into.
    """
    return tuple(float(each) for each in false_discovery_control(p_values)) if p_values else ()


def family_wise(p_values: Sequence[float]) -> tuple[float, ...]:
    """Adjusted p-values (Holm 1979): that any at all below 0.05 is false has a chance of at most 1 in 20.

    For deciding, policy by policy.
    """
    adjusted, reached = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        reached = max(reached, min(1.0, p_values[place] * (len(p_values) - rank)))
        adjusted[place] = reached
    return tuple(adjusted)
