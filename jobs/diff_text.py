"""A comparison for the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from jobs.diff_report import Change, DiffReport, PolicyDiff
from jobs.diff_words import (
    CHANGE_HEADS,
    RULE_HEADS,
    change_name,
    heading,
    item_name,
    outcome,
    reason,
    rule_rows,
    sentences,
    side_rows,
    title,
)
from jobs.eval_text import add_row, new_table, printed
from jobs.eval_words import excerpt
from jobs.sql_output import printable

CHANGES = 20
"""So many of a policy's changed items are listed."""

LINES = 60
"""So many lines are shown of what the texts differ in."""

_STYLES = {"+": "green", "-": "red", "@": "dim"}


def diff_text(report: DiffReport, *, terminal: bool = False) -> str:
    """The report in tables; as wide as the terminal and in colour if it goes to one."""
    return printed(_parts(report), terminal=terminal)


def _parts(report: DiffReport) -> Iterable[RenderableType]:
    yield Text(printable(heading(report)))
    for policy in report.policies:
        yield Text(printable(title(policy)), style="bold")
        if policy.text:
            yield _lines(policy.text)
        sides = new_table("", "before", "after")
        for row in side_rows(policy):
            add_row(sides, *row)
        yield sides
        yield Text("\n".join(map(printable, sentences(policy))))
        if policy.whole:
            yield Text(printable(f"rate: {policy.whole.rollout.rate_from}"), style="dim")
        if rows := rule_rows(policy):
            rules = new_table(*RULE_HEADS)
            for cells in rows:
                add_row(rules, *cells)
            yield rules
        if policy.changes:
            yield _changes(policy)


def _lines(lines: Sequence[str]) -> RenderableType:
    shown = [Text(printable(line), style=_STYLES.get(line[:1], "")) for line in lines[:LINES]]
    more = len(lines) - LINES
    return Group(*shown, *([Text(f"and {more:,} more lines")] if more > 0 else []))


def _changes(policy: PolicyDiff) -> RenderableType:
    table = new_table(*CHANGE_HEADS)
    for change in policy.changes[:CHANGES]:
        add_row(table, change_name(change), item_name(change), *_sides(change), excerpt(change.content))
    more = len(policy.changes) - CHANGES
    return Group(table, *([Text(f"and {more:,} more; --format json has all of them")] if more > 0 else []))


def _sides(change: Change) -> Iterable[str]:
    return (f"{outcome(side)}\n{excerpt(reason(side))}" for side in (change.before, change.after))
