"""Whatever stands in a policy that can be read at all, it can be looked through, and each finding has its line."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from assay.errors import InputError
from assay.policy import parse_policy
from authoring.lint import lint_pages
from authoring.lint_page import Page

CLEAN = (Path(__file__).parent / "policies" / "market.md").read_text(encoding="utf-8")
PIECES = [
    *(
        "\n",
        "\r\n",
        "\r",
        "\u2028",
        "\x0c",
        "# ",
        "- ",
        '"',
        "\u201c",
        "(M1)",
        "M9",
        ": ",
        "```\n",
        "> ",
        "1. ",
        "    ",
    ),
    *("Violates:\n", "Does not violate:\n", "# Examples\n", "# Criteria\n", "<!-- assay: ignore[P010] x -->", "etc"),
    *(
        "<!-- assay:",
        "-->",
        "# assay: ignore[P010",
        "\u0430\u200bb",
        "answer with",
        "severity 9",
        "\x00",
        "---\n",
        "M1",
    ),
]
junk = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=5)), min_size=1, max_size=8).map("".join)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(CLEAN)), junk), min_size=1, max_size=4))
def test_nothing_that_can_be_read_breaks_a_lint(insertions: list[tuple[int, str]]) -> None:
    text = CLEAN
    for at, piece in insertions:
        text = text[:at] + piece + text[at:]
    with suppress(InputError):
        policy = parse_policy(text, "a.md")
        lines = text.count("\n") + 1
        assert all(1 <= each.line <= lines for each in lint_pages([Page(policy, "a.md")]))
