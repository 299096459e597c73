"""`assay check`'s view of policies: what a writer should look at again, each finding with a why and a way out.

docs/policies.md has the table of codes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from authoring import lint_examples, lint_form, lint_golden, lint_rules, lint_wording
from authoring.lint_ignores import Ignore, read_ignores
from authoring.lint_page import Page
from authoring.lint_records import Finding, Hit, Lint, Severity, lint


@lint(
    "P009",
    "idle ignore",
    Severity.WARNING,
    why="A comment that silences nothing, or does not say why, hides the next finding though nobody decided so.",
    way_out="Remove it, or write `assay: ignore[P010] the reason`, with a code that is found there.",
)
def idle_ignore(_: Page) -> Iterator[Hit]:
    """Found while the others are silenced: see `_idle`."""
    return iter(())


LINTS: tuple[Lint, ...] = (
    *lint_form.LINTS,
    idle_ignore,
    *lint_wording.LINTS,
    *lint_rules.LINTS,
    *lint_examples.LINTS,
    *lint_golden.LINTS,
)
"""Everything that is looked for, in order of the codes."""


def lint_pages(pages: Sequence[Page]) -> tuple[Finding, ...]:
    """All findings, silenced ones included, by file in the order given, then by line and code."""
    return tuple(finding for page in pages for finding in _findings(page))


def _findings(page: Page) -> list[Finding]:
    ignores = tuple(read_ignores(page.lines))
    found = [_silenced(Finding(each, page.path, *hit), ignores) for each in LINTS for hit in each.find(page)]
    idle = [Finding(idle_ignore, page.path, *hit) for each in ignores for hit in _idle(each, found)]
    return sorted([*found, *idle], key=lambda finding: (finding.line, finding.code))


def _silenced(finding: Finding, ignores: Sequence[Ignore]) -> Finding:
    reason = next((each.reason for each in ignores if each.silences(finding.code, finding.line)), "")
    return Finding(finding.lint, finding.path, finding.line, finding.message, reason)


def _idle(ignore: Ignore, found: Sequence[Finding]) -> Iterator[Hit]:
    if not ignore.code:
        yield Hit(ignore.line, "no code in brackets: ignore[P010]")
    elif ignore.code not in {each.code for each in LINTS}:
        yield Hit(ignore.line, f"{ignore.code} is no code")
    elif not ignore.reason:
        yield Hit(ignore.line, f"no reason for ignoring {ignore.code}")
    elif not any(ignore.silences(each.code, each.line) for each in found):
        yield Hit(ignore.line, f"nothing of {ignore.code} is found here")
