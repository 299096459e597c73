"""An evaluation for a pull request: the same Markdown, byte for byte, whenever the answers and labels are the same.

What an item, a label or a judge says is shown as code, so that it can be no link, image, mention, HTML or table cell.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from jobs.attack_words import attack_cells, attack_heads, attack_title
from jobs.eval_report import EvalReport, PolicyReport
from jobs.eval_words import MAIN, OTHERS, TITLES, UNKNOWN, agreement, both, excerpt, heading, judgement, operating
from jobs.sql_output import printable
from measure.figures import Figures

MISTAKES = 10
"""So many of a policy's mistakes are listed."""

_RUN_OF_TICKS = re.compile("`+")


def eval_markdown(report: EvalReport) -> str:
    """The report as GitHub-flavoured Markdown: figures first, the rest folded."""
    return "\n\n".join("\n".join(block) for block in _blocks(report)) + "\n"


def code(text: str) -> str:
    """The text as a code span that it can't end."""
    flat = printable(text)
    longest = max((len(run) for run in _RUN_OF_TICKS.findall(flat)), default=0)
    pad = " " if flat.startswith("`") or flat.endswith("`") or not flat else ""
    fence = "`" * (longest + 1)
    return f"{fence}{pad}{flat}{pad}{fence}"


def cell(text: str) -> str:
    """The same for a table, which a bar would end, even in code."""
    return code(text).replace("|", "\\|")


def _blocks(report: EvalReport) -> Iterable[Sequence[str]]:
    yield (f"## Evaluation of {code(report.job)}",)
    yield (code(heading(report)),)
    if report.gates:
        yield [f"- {'' if gate.passed else '**FAILED** '}{code(gate.text)}" for gate in report.gates]
    yield _figures("policy", [(_name(each), each.figures) for each in report.policies], MAIN)
    if len(report.policies) > 1:
        yield (f"All policies of an item right: {both(report.exact_match)} of {report.exact_match.n:,}.",)
    if report.published:
        yield from _published(report)
    rows = [(_name(each), each.figures) for each in report.policies]
    yield from folded("More figures", _figures("policy", rows, OTHERS))
    for policy in report.policies:
        yield from _policy(policy)
    for attacked in report.attacks:
        yield (f"{attack_title(attacked)}:",)
        yield table(attack_heads(attacked), attack_cells(attacked))
    yield ("Intervals are at 95 %. A rejection counts as a wrong answer.",)


def _name(policy: PolicyReport) -> str:
    return f"{policy.policy_id} {policy.version}"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a table. Its cells are Markdown already: content comes through `cell`."""
    lines = [heads, ["---"] * len(heads), *rows]
    return [f"| {' | '.join(cells)} |" for cells in lines]


def _figures(title: str, rows: Iterable[tuple[str, Figures]], names: Sequence[str]) -> list[str]:
    heads = [title, "labelled", "right", *(TITLES[name] for name in names)]
    return table(heads, (_row(name, figures, names) for name, figures in rows))


def _row(name: str, figures: Figures, names: Sequence[str]) -> list[str]:
    known = figures.answers - figures.unknown
    counts = [f"{known:,}" + (f" (+{figures.unknown:,} unknown)" if figures.unknown else "")]
    counts.append(f"{figures.tp + figures.tn:,}")
    return [cell(name), *counts, *(both(figures.estimate(each)) for each in names)]


def _published(report: EvalReport) -> Iterable[Sequence[str]]:
    assert report.published is not None
    heads = ("category", "policy", "figure", "value", "violations", "labelled")
    yield (f"{report.published.title}, as published:",)
    yield table(
        heads,
        (
            (
                cell(each.category),
                cell(each.policy_id),
                TITLES[each.figure],
                both(each.estimate),
                f"{each.violations:,}",
                f"{each.estimate.n:,}",
            )
            for each in report.published.figures
        ),
    )


def _policy(policy: PolicyReport) -> Iterable[Sequence[str]]:
    name = policy.policy_id
    for point in policy.operating:
        yield (f"- {code(name)}: {operating(point)}",)
    if policy.agreement:
        yield (f"- {code(name)}: {code(agreement(policy.agreement))}",)
    for column in dict.fromkeys(each.column for each in policy.slices):
        rows = [(each.value or UNKNOWN, each.figures) for each in policy.slices if each.column == column]
        yield from folded(f"{code(name)} by {code(column)}", _figures(cell(column), rows, MAIN))
    if policy.rules:
        yield from folded(f"Rules of {code(name)}", _rules(policy))
    if policy.sweep:
        yield from folded(f"Thresholds of {code(name)}", _sweep(policy))
    if policy.mistakes:
        yield from folded(f"Mistakes under {code(name)}: {len(policy.mistakes):,}", _mistakes(policy))


def _rules(policy: PolicyReport) -> list[str]:
    heads = ("rule", "expected", "cited", "both", "precision", "recall")
    return table(
        heads,
        (
            (
                cell(each.rule_id),
                *map(str, (each.expected, each.cited, each.both)),
                *map(both, (each.precision, each.recall)),
            )
            for each in policy.rules
        ),
    )


def _sweep(policy: PolicyReport) -> list[str]:
    heads = ("from score", "precision", "recall", "specificity", "flagged")
    return table(
        heads,
        (
            (f"{point.threshold:.4g}", *map(both, (point.precision, point.recall, point.specificity, point.flagged)))
            for point in policy.sweep
        ),
    )


def _mistakes(policy: PolicyReport) -> list[str]:
    lines = [
        f"- **{each.kind}** {code(each.item_id)} {code(judgement(each))}<br>judged {code(excerpt(each.content))}"
        f"<br>because {code(excerpt(each.rationale))}"
        for each in policy.mistakes[:MISTAKES]
    ]
    more = len(policy.mistakes) - MISTAKES
    return [*lines, f"- and {more:,} more"] if more > 0 else lines


def folded(title: str, lines: Sequence[str]) -> Iterable[Sequence[str]]:
    """The blocks of a part that is shown on a click.

    Inside <summary> GitHub reads HTML, not Markdown, unless a blank line comes between.
    """
    yield ("<details><summary>", "", title, "", "</summary>")
    yield lines
    yield ("</details>",)
