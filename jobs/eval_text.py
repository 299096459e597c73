"""An evaluation for the terminal."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from jobs.attack_report import PolicyAttacks
from jobs.attack_words import attack_cells, attack_heads, attack_title
from jobs.eval_report import EvalReport, Mistake, PolicyReport
from jobs.eval_words import (
    MAIN,
    OTHERS,
    TITLES,
    UNKNOWN,
    agreement,
    both,
    excerpt,
    heading,
    interval,
    judgement,
    operating,
    value,
)
from jobs.sql_output import printable
from measure.answers import Estimate
from measure.figures import Figures

MISTAKES = 20
"""So many of a policy's mistakes are listed."""

_PLAIN_WIDTH = 160


def eval_text(report: EvalReport, *, terminal: bool = False) -> str:
    """The report in tables; as wide as the terminal and in colour if it goes to one."""
    return printed((Text(printable(heading(report))), *_parts(report)), terminal=terminal)


def printed(parts: Iterable[RenderableType], *, terminal: bool) -> str:
    """The parts with an empty line between them."""
    out = io.StringIO()
    width = None if terminal else _PLAIN_WIDTH
    console = Console(file=out, width=width, force_terminal=terminal, emoji=False, markup=False, highlight=False)
    for number, part in enumerate(parts):
        if number:
            console.print()
        console.print(part)
    return "".join(f"{line.rstrip()}\n" for line in out.getvalue().splitlines())


def _parts(report: EvalReport) -> Iterable[RenderableType]:
    rows = [(each.policy_id, each.figures) for each in report.policies]
    yield _figures("policy", rows, MAIN)
    yield _figures("policy", rows, OTHERS)
    if len(report.policies) > 1:
        yield Text(f"all policies of an item right: {both(report.exact_match)} of {report.exact_match.n:,}")
    if report.published:
        yield _published(report)
    for policy in report.policies:
        yield from _policy(policy)
    for attacked in report.attacks:
        yield _attacks(attacked)
    for gate in report.gates:
        yield Text(printable(gate.text), style="" if gate.passed else "bold red")


def _figures(title: str, rows: Sequence[tuple[str, Figures]], names: Sequence[str]) -> Table:
    table = new_table(title, "right of", *(TITLES[name] for name in names))
    for name, figures in rows:
        known = figures.answers - figures.unknown
        counts = f"{figures.tp + figures.tn:,} of {known:,}" + (f"\n+{figures.unknown:,}?" if figures.unknown else "")
        add_row(table, name, counts, *(_cell(figures.estimate(figure)) for figure in names))
    return table


def _cell(estimate: Estimate) -> str:
    return f"{value(estimate)}\n{interval(estimate).replace(' to ', '-')}".rstrip()


def _published(report: EvalReport) -> RenderableType:
    assert report.published is not None
    table = new_table("category", "policy", "figure", "value", "violations", "labelled")
    for each in report.published.figures:
        counts = f"{each.violations:,}", f"{each.estimate.n:,}"
        add_row(table, each.category, each.policy_id, TITLES[each.figure], both(each.estimate), *counts)
    return Group(Text(f"{report.published.title}, as published:"), table)


def _policy(policy: PolicyReport) -> Iterable[RenderableType]:
    name = policy.policy_id
    if policy.rules:
        table = new_table(f"rules of {name}", "expected", "cited", "both", "precision", "recall")
        for rule in policy.rules:
            counts = (f"{count:,}" for count in (rule.expected, rule.cited, rule.both))
            add_row(table, rule.rule_id, *counts, both(rule.precision), both(rule.recall))
        yield table
    for column in dict.fromkeys(each.column for each in policy.slices):
        rows = [(each.value or UNKNOWN, each.figures) for each in policy.slices if each.column == column]
        yield _figures(f"{name} by {column}", rows, MAIN)
    if policy.sweep:
        yield _sweep(policy)
    for point in policy.operating:
        yield Text(f"{name}: {operating(point)}")
    if policy.agreement:
        yield Text(f"{name}: {agreement(policy.agreement)}")
    if policy.mistakes:
        yield _mistakes(name, policy.mistakes)


def _sweep(policy: PolicyReport) -> Table:
    table = new_table(f"{policy.policy_id} from score", "precision", "recall", "specificity", "flagged")
    for point in policy.sweep:
        figures = (point.precision, point.recall, point.specificity, point.flagged)
        add_row(table, f"{point.threshold:.4g}", *map(both, figures))
    return table


def _mistakes(name: str, mistakes: Sequence[Mistake]) -> RenderableType:
    table = new_table("mistake", "item", "", "why the judge said so", "what it judged")
    for mistake in mistakes[:MISTAKES]:
        why, what = excerpt(mistake.rationale), excerpt(mistake.content)
        add_row(table, mistake.kind, mistake.item_id, judgement(mistake), why, what)
    head, more = Text(f"{name}: {len(mistakes):,} mistakes"), len(mistakes) - MISTAKES
    return Group(head, table, *([Text(f"and {more:,} more; --format json has all of them")] if more > 0 else []))


def _attacks(policy: PolicyAttacks) -> RenderableType:
    table = new_table(*attack_heads(policy))
    for cells in attack_cells(policy):
        add_row(table, *cells)
    return Group(Text(attack_title(policy)), table)


def new_table(*heads: str) -> Table:
    """A table without lines; heads may come from a file."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for head in heads:
        table.add_column(Text(printable(head)), overflow="fold")
    return table


def add_row(table: Table, *cells: str) -> None:
    """Cells are content: nothing in them is markup, and line ends are ours alone."""
    table.add_row(*(Text("\n".join(map(printable, cell.split("\n")))) for cell in cells))
