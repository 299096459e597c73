"""A comparison for a pull request: the same Markdown, byte for byte, whenever both sides say the same.

What an item, a policy or a judge says is shown as code, so that it can be no link, image, mention, HTML or table cell.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from jobs.diff_report import Change, DiffReport, PolicyDiff
from jobs.diff_words import (
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
from jobs.eval_markdown import cell, code, folded, table
from jobs.eval_words import excerpt
from jobs.sql_output import printable

CHANGES = 10
"""So many of a policy's changed items are listed."""

LINES = 60
"""So many lines are shown of what the texts differ in."""

_TICKS = re.compile("`{3,}")


def diff_markdown(report: DiffReport) -> str:
    """The report as GitHub-flavoured Markdown: what flips first, the rest folded."""
    return "\n\n".join("\n".join(block) for block in _blocks(report)) + "\n"


def fenced(lines: Sequence[str]) -> list[str]:
    """The lines of a unified diff as a code block that none of them can end."""
    longest = max((len(run) for line in lines for run in _TICKS.findall(line)), default=2)
    fence = "`" * (longest + 1)
    return [f"{fence}diff", *map(printable, lines), fence]


def _blocks(report: DiffReport) -> Iterable[Sequence[str]]:
    yield (f"## Policy diff of {code(report.job)}",)
    yield (code(heading(report)),)
    for policy in report.policies:
        yield from _policy(policy)
    yield ("Intervals are at 95 %. p is McNemar's, exact.",)


def _policy(policy: PolicyDiff) -> Iterable[Sequence[str]]:
    yield (f"### {code(title(policy))}",)
    if policy.text:
        more = len(policy.text) - LINES
        yield fenced([*policy.text[:LINES], *([f"@@ and {more:,} more lines @@"] if more > 0 else [])])
    yield [f"- {sentence}" for sentence in sentences(policy)]
    rows = ((name, cell(before), cell(after)) for name, before, after in side_rows(policy))
    yield table(("", "before", "after"), rows)
    if cited := rule_rows(policy):
        yield from folded("By rule", table(RULE_HEADS, ((cell(name), *rest) for name, *rest in cited)))
    if policy.changes:
        yield from folded(f"Changed items: {len(policy.changes):,}", _changes(policy))


def _changes(policy: PolicyDiff) -> list[str]:
    lines = [_change(change) for change in policy.changes[:CHANGES]]
    more = len(policy.changes) - CHANGES
    return [*lines, f"- and {more:,} more"] if more > 0 else lines


def _change(change: Change) -> str:
    sides = (("before", change.before), ("after", change.after))
    said = (f"<br>{name} {code(outcome(side))} because {code(excerpt(reason(side)))}" for name, side in sides)
    judged = f"<br>judged {code(excerpt(change.content))}"
    return f"- **{change_name(change)}** {code(item_name(change))}{judged}{''.join(said)}"
