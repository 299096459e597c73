"""Lints of the examples in a policy's prose, and of what it says does not violate."""

from __future__ import annotations

from collections.abc import Iterator

from authoring.lint_page import Page, alike
from authoring.lint_records import Hit, Severity, lint


@lint(
    "P030",
    "no counter-example",
    Severity.WARNING,
    why="Without the other side of the line a judge flags what only resembles a violation.",
    way_out='Under # Criteria write "Does not violate:" and a list of what is near the line and allowed.',
)
def no_counter_example(page: Page) -> Iterator[Hit]:
    if any(page.bullets("criteria", violates=False)):
        return
    line = next((each.line for each in page.prose.headings if each.title.strip().lower() == "criteria"), 0)
    yield Hit(page.at(line), "the criteria never say what does not violate")


@lint(
    "P031",
    "examples of one class",
    Severity.WARNING,
    why="Examples of one class teach the judge that answer; canaries can't notice a judge that always gives it.",
    way_out='Under # Examples write two lists, below "Violates:" and "Does not violate:", three of each or more.',
)
def examples_of_one_class(page: Page) -> Iterator[Hit]:
    line = next((each.line for each in page.prose.headings if each.title.strip().lower() == "examples"), 0)
    for violation, name in ((True, "violates"), (False, "does not violate")):
        if not any(example.violation is violation for example in page.policy.examples):
            yield Hit(page.at(line), f"no example {name}")


@lint(
    "P032",
    "contradictory examples",
    Severity.ERROR,
    why="The same text is given both ways, so whatever the judge says of it is wrong.",
    way_out="Keep it on one side, or say in both what makes the difference.",
)
def contradictory_examples(page: Page) -> Iterator[Hit]:
    said = {(alike(each.text), each.violation): each for each in reversed(page.policy.examples)}
    for example in page.policy.examples:
        other = said.get((alike(example.text), not example.violation))
        if other is not None and other.line < example.line:
            yield Hit(example.line, f"{example.text[:40]!r} is on the other side in line {other.line}")


@lint(
    "P033",
    "example and rules at odds",
    Severity.WARNING,
    why="An example shows which rule to cite: one that violates has to name it, one that is allowed breaks none.",
    way_out='Write the ids in brackets after the text of a violation, "..." (S2), and none after what is allowed.',
)
def example_and_rules_at_odds(page: Page) -> Iterator[Hit]:
    for example in page.policy.examples:
        if example.violation and not example.rule_ids:
            yield Hit(example.line, f"{example.text[:40]!r} violates, and cites no rule")
        elif not example.violation and example.rule_ids:
            yield Hit(example.line, f"{example.text[:40]!r} is allowed, and cites {', '.join(example.rule_ids)}")


LINTS = (no_counter_example, examples_of_one_class, contradictory_examples, example_and_rules_at_odds)
