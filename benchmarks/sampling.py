"""How much narrower estimates are from labels drawn by score than from as many drawn at random.

    python benchmarks/sampling.py [--quick] [--repeats N] [--seed N]

At 0.5 % prevalence, for a simulated judge of stated quality: the mean width of the interval of `labelled_share` from
each kind of sample, their ratio, how often each holds the truth, and the mean error of the estimate (bias).
"""

from __future__ import annotations

import argparse
import json

import numpy as np
from _labelling import ITEMS, Quality, cases, content, labelled
from _machine import describe

from measure.prevalence import labelled_share

_PREVALENCE = 0.005
_LABELS = (200, 500, 1000)
_ENOUGH = 0.6


def measured(judge: Quality, labels: int, by: str, repeats: int, seed: int) -> tuple[float, float, float]:
    """Mean width, share that holds the truth, and relative bias."""
    rng, rows = np.random.default_rng(seed), []
    for _ in range(repeats):
        items = content(judge, _PREVALENCE, rng)
        truth, found = float(items.truth.mean()), labelled_share(labelled(items, labels, by, rng))
        low, high, value = found.low or 0.0, found.high or 0.0, found.value or 0.0
        rows.append((high - low, low <= truth <= high, value / truth - 1))
    width, held, bias = np.mean(rows, axis=0)
    return float(width), float(held), float(bias)


def quality(judge: Quality) -> str:
    """What the judge's verdicts would be worth at this prevalence."""
    items = content(judge, _PREVALENCE, np.random.default_rng(0), items=2_000_000)
    right = (items.truth & items.flagged).sum()
    return f"judge {judge.name}: recall {right / items.truth.sum():.2f}, precision {right / items.flagged.sum():.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="100 repeats")
    parser.add_argument("--repeats", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    repeats = 100 if chosen.quick else chosen.repeats
    describe({"repeats": repeats, "seed": chosen.seed, "items": ITEMS, "prevalence": _PREVALENCE})
    ratios: dict[str, float] = {}
    for judge, labels in cases(_LABELS):
        if labels == _LABELS[0]:
            print(quality(judge))
        risky, alike = (measured(judge, labels, by, repeats, chosen.seed) for by in ("score", "random"))
        ratio = risky[0] / alike[0]
        ratios[f"{judge.name}, {labels}"] = round(ratio, 2)
        for by, (width, held, bias) in (("score", risky), ("random", alike)):
            print(f"  {labels:>5} labels by {by:<7} width {width:.3%}  holds {held:.1%}  bias {bias:+.1%}")
        print(f"        ratio {ratio:.2f} {'<=' if ratio <= _ENOUGH else '> TOO WIDE'} {_ENOUGH}", flush=True)
    print(json.dumps({"ratios": ratios}))


if __name__ == "__main__":
    main()
