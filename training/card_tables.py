"""The tables of the model card, as lines of Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from actors.calibration import Calibration, Curve, Licence
from measure.answers import Estimate
from training.card_data import AIM, TASKS, TaskCounts
from training.card_speed import Speed
from training.figures import CHANGES, EVERY, TEST, UNSEEN, Measured, Report, Slice
from training.predictions import BASE, JUDGE

SYSTEMS: Mapping[str, str] = {
    JUDGE: JUDGE,
    BASE: "base model, untrained",
    "tfidf": "TF-IDF, a classifier a task",
    "minilm": "MiniLM, a classifier a task",
    "tfidf-pairs": "TF-IDF of policy and content",
    "minilm-pairs": "MiniLM of policy and content",
    "tfidf-cosine": "TF-IDF likeness",
    "minilm-cosine": "MiniLM likeness",
}
"""What systems are called on the card, in the order in which they are shown; others follow by their own names."""

_FIGURES = ("average_precision", "balanced_accuracy", "f1", "precision", "recall", "ece")
_HEADS = ("AUC", "average precision", "balanced accuracy", "F1", "precision", "recall", "ECE")


def number(estimate: Estimate | None) -> str:
    """`0.912 (0.852 to 0.951)`, or `-` if it can't be had."""
    if estimate is None or estimate.value is None:
        return "-"
    return f"{estimate.value:.3f} ({estimate.low:.3f} to {estimate.high:.3f})"


def signed(estimate: Estimate | None) -> str:
    """The same with the sign of a difference."""
    if estimate is None or estimate.value is None:
        return "-"
    return f"{estimate.value:+.3f} ({estimate.low:+.3f} to {estimate.high:+.3f})"


def aim_table(report: Report) -> str:
    """Each task with its AUC and whether it reaches the aim."""
    rows = [
        (title, number(found.auc), f"{found.figures.tp + found.figures.fn:,}", f"{found.auc.n:,}", verdict(found.auc))
        for task, title in TASKS.items()
        if (found := report.of(Slice(JUDGE, TEST, task, EVERY)))
    ]
    return table(("task", "AUC", "violations", "cases", f"at least {AIM}"), rows)


def verdict(auc: Estimate) -> str:
    """Whether a figure reaches the aim, and whether its interval leaves room for doubt."""
    if auc.value is None or auc.low is None or auc.high is None:
        return "not measured"
    if auc.value >= AIM:
        return "met" if auc.low >= AIM else "met, but the interval reaches below"
    return "not met" if auc.high < AIM else "not met, but the interval reaches it"


def figures_table(report: Report, part: str) -> str:
    """The judge's figures on a part, task by task."""
    rows = [
        (title(found.slice.task), *(number(each) for each in (found.auc, *map(found.figures.estimate, _FIGURES))))
        for found in _of(report, JUDGE, part)
        if found.slice.task and not found.slice.policy_id
    ]
    return table(("task", *_HEADS), rows)


def comparison_table(report: Report, part: str, name: Callable[[Slice], str], rows: Sequence[Slice]) -> str:
    """AUCs side by side, a row for each slice of the judge's, and the difference to the best baseline of that row."""
    systems = [each for each in ordered(report) if any(found.slice.part == part for found in _of(report, each, part))]
    return table(
        ("", *(SYSTEMS.get(each, each) for each in systems), "assay-small less the best baseline"),
        [(name(row), *_side_by_side(report, row, systems)) for row in rows],
    )


def _side_by_side(report: Report, row: Slice, systems: Iterable[str]) -> list[str]:
    found = {each: report.of(Slice(each, row.part, row.task, row.policy_id)) for each in systems}
    best = best_baseline(report, row)
    return [*(number(each.auc if each else None) for each in found.values()), signed(best.difference if best else None)]


def best_baseline(report: Report, row: Slice) -> Measured | None:
    """The baseline with the highest AUC on this slice itself, which flatters it: the judge has to beat that one."""
    found = (report.of(Slice(each, row.part, row.task, row.policy_id)) for each in ordered(report))
    known = [each for each in found if each and each.slice.system not in (JUDGE, BASE) and each.auc.known]
    return max(known, key=lambda each: each.auc.value or 0.0, default=None)


def task_comparison(report: Report) -> str:
    rows = [each.slice for each in _of(report, JUDGE, TEST) if each.slice.task and not each.slice.policy_id]
    return comparison_table(report, TEST, lambda row: title(row.task), rows)


def unseen_comparison(report: Report) -> str:
    rows = [each.slice for each in _of(report, JUDGE, UNSEEN) if each.slice.policy_id or not each.slice.task]
    return comparison_table(report, UNSEEN, lambda row: f"`{row.policy_id}`" if row.policy_id else "**mean**", rows)


def accuracy_table(report: Report, part: str) -> str:
    """How often verdicts are right on a part, of all systems."""
    found = [(each, report.of(Slice(each, part, EVERY, EVERY))) for each in ordered(report)]
    rows = [
        (SYSTEMS.get(name, name), number(each.accuracy), number(each.figures.balanced_accuracy), f"{each.accuracy.n:,}")
        for name, each in found
        if each
    ]
    return table(("", "right verdicts", "balanced accuracy", "cases"), rows)


def following_table(report: Report) -> str:
    """What becomes of the verdicts when the policy changes."""
    rows = [
        (SYSTEMS.get(each.system, each.system), each.change, number(each.following.flipped),
         number(each.following.followed), f"{each.following.pairs:,}")
        for change in CHANGES
        for each in report.followed
        if each.change == change and each.task == EVERY
    ]  # fmt: skip
    return table(("", "policy", "verdicts that flip", "of right ones, right again", "contents"), rows)


def calibration_table(calibration: Calibration) -> str:
    """The curves that ship with the judge."""
    curves: dict[str, Curve] = {"every other policy": calibration.default}
    curves |= {f"`{name}`": curve for name, curve in sorted(calibration.policies.items())}
    rows = [
        (name, f"{each.slope:.3f}", f"{each.intercept:+.3f}", f"{each.threshold:.3f}") for name, each in curves.items()
    ]
    return table(("policy", "slope", "intercept", "threshold"), rows)


def data_table(counts: Sequence[TaskCounts]) -> str:
    rows = [
        (title(each.task), f"{each.policies:,}", *(f"{part:,}" for part in each.contents), f"{each.violating:.0%}")
        for each in counts
    ]
    return table(("task", "policies", "train", "valid", "test", "violating, of train"), rows)


def licence_table(licences: Sequence[Licence]) -> str:
    return table(("name", "licence", "what"), [(each.name, each.licence, each.what) for each in licences])


def speed_table(speed: Speed) -> str:
    rows = [
        (str(each.policies), "on" if each.caching else "off", ", ".join(f"{rate:.1f}" for rate in each.rates))
        for each in speed.paces
    ]
    return table(("policies", "prefix caching", "cases per second, each round"), rows)


def title(task: str) -> str:
    return TASKS.get(task, task.replace("_", " "))


def ordered(report: Report) -> list[str]:
    """The report's systems, known ones first."""
    found = {each.slice.system for each in report.measured}
    return [*(each for each in SYSTEMS if each in found), *sorted(found - set(SYSTEMS))]


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; nothing in a cell can end it."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |" for line in lines)


def absent(report: Report) -> list[str]:
    """What the card calls the systems that it usually shows and that were not measured."""
    return [name for system, name in SYSTEMS.items() if system not in ordered(report)]


def _of(report: Report, system: str, part: str) -> list[Measured]:
    return [each for each in report.measured if (each.slice.system, each.slice.part) == (system, part)]
