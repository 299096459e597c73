"""How often the intervals of each estimate of prevalence hold the truth; and of precision, recall, kappa and a change.

    python benchmarks/prevalence.py [--quick] [--repeats N] [--seed N]

Of simulated content with a known share of violations, scored by a simulated judge, people label a sample; each estimate
is made from it and its interval looked at. In a repeat of the column `0.1-1 %` the prevalence is one of that range,
even on the log scale; the other columns hold it fixed. From 1,000 repeats a standard error of coverage is 0.7 points.
Without an interval, as kappa of labels with weights, it says nan.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import product

import numpy as np
from _labelling import HIGH, ITEMS, JUDGES, LOW, Quality, content, labelled, spread_over
from _machine import describe
from _sql_intervals import Held, agreement, difference

from measure.answers import Estimate
from measure.prevalence import labelled_share, prediction_powered, raw_rate

Round = Callable[[float, np.random.Generator], dict[str, tuple[Estimate, float]]]
Simulation = Callable[[Iterator[float], int], Held]
_FIXED = (0.001, 0.002, 0.005, 0.01)


def from_labels(judge: Quality, labels: int, by: str) -> Round:
    def one(prevalence: float, rng: np.random.Generator) -> dict[str, tuple[Estimate, float]]:
        items = content(judge, prevalence, rng)
        truth, flagged = float(items.truth.mean()), int(items.flagged.sum())
        seen = labelled(items, labels, by, rng)
        found = {"labelled share": (labelled_share(seen), truth)}
        if by == "score":
            found["prediction-powered"] = (prediction_powered(seen, flagged, ITEMS), truth)
        return found

    return one


def raw(prevalence: float, rng: np.random.Generator) -> dict[str, tuple[Estimate, float]]:
    """The raw rate estimates what the judge flags, not what violates."""
    flagged = prevalence * 0.85 + (1 - prevalence) * 0.001
    return {"raw rate": (raw_rate(int(rng.binomial(ITEMS, flagged)), ITEMS), flagged)}


def simulations() -> Iterator[tuple[str, Simulation]]:
    yield f"verdicts on {ITEMS:,}", partial(covered, raw)
    for labels in (200, 1000):
        yield f"{labels} labels at random", partial(covered, from_labels(JUDGES[0], labels, "random"))
    for judge in JUDGES:
        for labels in (200, 1000):
            where = f"{labels} labels by score, judge {judge.name}"
            yield where, partial(covered, from_labels(judge, labels, "score"))
    for judge, (labels, by) in product(JUDGES, ((1000, "random"), (200, "score"), (1000, "score"))):
        where = f"{labels} labels {'at' if by == 'random' else 'by'} {by}, judge {judge.name}"
        yield where, partial(agreement, judge, labels, by)
    for verdicts, before in ((ITEMS, ITEMS), (500, 2000)):
        yield f"verdicts on {verdicts:,}, before on {before:,}", partial(difference, verdicts, before)


def covered(one: Round, prevalences: Iterator[float], seed: int) -> Held:
    """Of each estimate, the share of intervals that hold the truth, and their mean width."""
    rng = np.random.default_rng(seed)
    held: dict[str, list[bool]] = {}
    widths: dict[str, list[float]] = {}
    for prevalence in prevalences:
        for name, (estimate, truth) in one(prevalence, rng).items():
            low, high = estimate.low or 0.0, 1.0 if estimate.high is None else estimate.high
            held.setdefault(name, []).append(low <= truth <= high)
            widths.setdefault(name, []).append(high - low)
    return {name: (float(np.mean(held[name])), float(np.mean(widths[name]))) for name in held}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="100 repeats")
    parser.add_argument("--repeats", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    repeats = 100 if chosen.quick else chosen.repeats
    describe({"repeats": repeats, "seed": chosen.seed, "items": ITEMS, "range": [LOW, HIGH]})
    heads = ("0.1-1 %", *(f"{prevalence:.1%}" for prevalence in _FIXED), "width at 0.5 %")
    print(f"{'estimate':<20}{'from':<52}" + "".join(f"{head:>9}" for head in heads))
    began, worst = time.perf_counter(), dict[str, float | None]()
    for where, simulate in simulations():
        over = simulate(spread_over(repeats), chosen.seed)
        fixed = [simulate(iter([prevalence] * repeats), chosen.seed + 1) for prevalence in _FIXED]
        for name, (held, _) in over.items():
            cells = "".join(f"{each:9.1%}" for each in (held, *(found[name][0] for found in fixed)))
            print(f"{name:<20}{where:<52}{cells}{fixed[2][name][1]:10.3%}", flush=True)
            worst[f"{name}: {where}"] = None if np.isnan(held) else round(held, 3)
    print(json.dumps({"covered": worst, "seconds": round(time.perf_counter() - began)}))


if __name__ == "__main__":
    main()
