"""Lints of a policy's golden items, against the policy and against each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from assay.golden import Expected
from assay.policy import Policy
from authoring.lint_page import Page, alike
from authoring.lint_records import Hit, Severity, lint


@lint(
    "P040",
    "golden item is an example",
    Severity.ERROR,
    why="The judge reads the answer in its own prompt, so that figures come out better than they are.",
    way_out="Take another item, or another example.",
)
def golden_item_is_an_example(page: Page) -> Iterator[Hit]:
    examples = {alike(example.text): example.line for example in page.policy.examples}
    for item, _ in page.labelled():
        for turn in (*item.context, *item.judged):
            if (line := examples.get(alike(turn.content))) is not None:
                yield Hit(line, f"golden item {item.id} is this example")


@lint(
    "P041",
    "opposite labels",
    Severity.ERROR,
    why="No judge can be right on both: the policies claim the same subject, or one policy is labelled both ways.",
    way_out="Settle which label holds, or name the rules' labels apart if they are not about the same.",
)
def opposite_labels(page: Page) -> Iterator[Hit]:
    """Under two policies opposite labels are ordinary: an insult is allowed by a policy on spam. So they are only found
    if the other policy has a rule with the label of one that the item should cite; or, if it names no rule, has a rule
    with the label of each.
    """
    others = {policy.id: policy for policy in page.beside}
    for item, expected in page.labelled():
        if not expected.violation:
            continue
        for other, allowed in page.like(item):
            if allowed.violation is False and (claim := _claim(page.policy, expected, allowed.policy_id, others)):
                message = f"golden item {item.id} violates, and {other.id}, which says the same, is allowed{claim}"
                yield Hit(page.key_line("golden"), message)


@lint(
    "P042",
    "golden items of one class",
    Severity.WARNING,
    why="Without violations there is no recall, without allowed items no precision.",
    way_out="Add items of the other class; twenty of each is a beginning.",
)
def golden_items_of_one_class(page: Page) -> Iterator[Hit]:
    classes = {expected.violation for _, expected in page.labelled()}
    if len(classes) == 1:
        missing = "is allowed" if True in classes else "violates"
        yield Hit(page.key_line("golden"), f"no golden item {missing}")


@lint(
    "P043",
    "unknown golden rule",
    Severity.ERROR,
    why="The judge can't cite a rule that the policy lacks, so figures by rule are wrong.",
    way_out="Correct the id in the golden file, or give the rule in the front matter.",
)
def unknown_golden_rule(page: Page) -> Iterator[Hit]:
    for item, expected in page.labelled():
        for rule_id in expected.rule_ids:
            if rule_id not in page.policy.rule_ids:
                yield Hit(page.key_line("golden"), f"golden item {item.id} cites {rule_id}, which is no rule")


@lint(
    "P044",
    "golden item of another kind",
    Severity.WARNING,
    why="The policy does not apply to it, so that it ends as a rejection, which counts as a wrong answer.",
    way_out="Widen applies_to, or take the item out.",
)
def golden_item_of_another_kind(page: Page) -> Iterator[Hit]:
    for item, _ in page.labelled():
        if item.kind not in page.policy.applies_to:
            message = f"golden item {item.id} is a {item.kind.value}; the policy applies to "
            yield Hit(page.key_line("golden"), message + ", ".join(page.policy.applies_to))


@lint(
    "P045",
    "golden file unreadable",
    Severity.ERROR,
    why="The golden items could not be looked at, and an evaluation would stop at them.",
    way_out="Correct the path, which is relative to the policy's file, or the file.",
)
def golden_file_unreadable(page: Page) -> Iterator[Hit]:
    if page.golden_fault:
        yield Hit(page.key_line("golden"), page.golden_fault)


@lint(
    "P046",
    "no golden items",
    Severity.NOTE,
    why="Nobody can say how often the judge is right under this policy.",
    way_out="Name a golden file, `golden: ../golden/spam.csv`, or write some items inline.",
)
def no_golden_items(page: Page) -> Iterator[Hit]:
    if not page.golden_fault and not any(page.labelled()):
        yield Hit(page.key_line("golden"), "no labelled item is for this policy")


def _claim(policy: Policy, expected: Expected, other_id: str, others: Mapping[str, Policy]) -> str:
    """Why one content can't violate the one and be allowed under the other; "" if it can."""
    if other_id == policy.id:
        return " under the same policy"
    if other_id not in others:
        return ""
    theirs = {rule.label.strip().lower() for rule in others[other_id].rules if rule.label}
    broken = [rule.label for rule in policy.rules if not expected.rule_ids or rule.id in expected.rule_ids]
    shared = [label for label in broken if label.strip().lower() in theirs]
    if not shared or (not expected.rule_ids and shared != broken):
        return ""
    return f" under {other_id}, which has the label {shared[0]!r} too"


LINTS = (
    golden_item_is_an_example,
    opposite_labels,
    golden_items_of_one_class,
    unknown_golden_rule,
    golden_item_of_another_kind,
    golden_file_unreadable,
    no_golden_items,
)
