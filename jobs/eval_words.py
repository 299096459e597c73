"""How figures and mistakes are written, wherever a report is shown."""

from __future__ import annotations

from jobs.eval_report import EvalReport, Mistake, Operating
from jobs.sql_output import printable
from measure.agreement import SelfAgreement
from measure.answers import Estimate
from measure.figures import FIGURES

TITLES = {
    "precision": "precision",
    "recall": "recall",
    "specificity": "specificity",
    "f1": "F1",
    "balanced_accuracy": "balanced accuracy",
    "auc": "AUC",
    "average_precision": "average precision",
    "ece": "ECE",
    "rejection_rate": "rejected",
}
"""What people call the figures, by their names."""

MAIN = ("precision", "recall", "f1", "specificity", "rejection_rate")
"""What is looked at first; the other figures are shown apart."""

OTHERS = tuple(name for name in FIGURES if name not in MAIN)

UNKNOWN = "-"
_EXCERPT = 200
_WAVERING = 8


def value(estimate: Estimate) -> str:
    """`0.912`, or `-` if it can't be had."""
    return UNKNOWN if estimate.value is None else f"{estimate.value:.3f}"


def interval(estimate: Estimate) -> str:
    """`0.852 to 0.951`: 95 %; nothing if there is none."""
    return "" if estimate.low is None or estimate.high is None else f"{estimate.low:.3f} to {estimate.high:.3f}"


def both(estimate: Estimate) -> str:
    """`0.912 (0.852 to 0.951)`."""
    return f"{value(estimate)} ({between})" if (between := interval(estimate)) else value(estimate)


def excerpt(text: str, most: int = _EXCERPT) -> str:
    """The start of a text, on one line, with control characters as escapes."""
    flat = printable(" ".join(text[: 8 * most].split()))
    return flat if len(flat) <= most else flat[: most - 3] + "..."


def judgement(mistake: Mistake) -> str:
    """`expected S1 S2, said allowed (score 0.12, 2 of 5 times)`."""
    rules = " ".join(mistake.expected_rules)
    expected = (rules or "a violation") if mistake.expected else "allowed"
    said = {"miss": "allowed", "false alarm": " ".join(mistake.rule_ids), "rejected": "nothing"}[mistake.kind]
    facts = [] if mistake.score is None else [f"score {mistake.score:.2f}"]
    if mistake.asked > 1:
        facts.append(f"{mistake.times} of {mistake.asked} times")
    return f"expected {expected}, said {said}" + (f" ({', '.join(facts)})" if facts else "")


def agreement(again: SelfAgreement) -> str:
    """How often the judge agreed with itself, in a sentence, with the items on which it wavered most."""
    shown = ", ".join(map(printable, again.wavering[:_WAVERING])) + (", ..." if len(again.wavering) > _WAVERING else "")
    wavering = f"; it wavered on {len(again.wavering):,}: {shown}" if again.wavering else ""
    return f"asked {again.repeats} times, it always said the same of {both(again.unanimous)} of items{wavering}"


def operating(point: Operating) -> str:
    """A wanted figure and the threshold that reaches it, in a sentence."""
    want, found = point.want, point.found
    if found is None:
        return f"{want.figure} {want.target:g}: no threshold has it as its lower bound"
    other = "recall" if want.figure == "precision" else "precision"
    reached, paid = getattr(found.point, want.figure), getattr(found.point, other)
    kept = "holds" if found.holds else "does not hold"
    return (
        f"{want.figure} {want.target:g}: from score {found.point.threshold:.4g} on, {want.figure} {both(reached)}, "
        f"{other} {both(paid)}; on items that had no say in the choice {both(found.held_out)}: it {kept}"
    )


def heading(report: EvalReport) -> str:
    """What was judged by whom, in a line."""
    repeats = f", {report.repeats} times each" if report.repeats > 1 else ""
    items = f"{report.items:,} item" + ("s" if report.items != 1 else "")
    return f"{items} of {', '.join(report.golden)}{repeats}, judged by {report.judge} ({report.judge_revision[:12]})"
