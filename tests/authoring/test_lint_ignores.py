"""A comment silences one code: for its line in the prose, for the whole file in the front matter."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.policy import load_policy
from authoring.lint_policies import lint_policies, load_policies
from authoring.lint_records import Finding

CLEAN = (Path(__file__).parent / "policies" / "market.md").read_text(encoding="utf-8")
VAGUE = CLEAN.replace("- M1: offers", "- M1: usually offers").replace("- M2: offers", "- M2: usually offers")


def found(folder: Path, text: str) -> list[Finding]:
    (folder / "market.md").write_text(text, encoding="utf-8")
    return list(lint_policies(load_policies(folder)))


def test_a_comment_at_the_end_of_a_line_is_about_that_line(tmp_path: Path) -> None:
    text = VAGUE.replace("furs of cats.", "furs of cats. <!-- assay: ignore[P010] it is law -->")
    first, second = found(tmp_path, text)
    assert (first.code, first.silenced) == ("P010", "it is law")
    assert (second.code, second.silenced) == ("P010", "")


def test_a_comment_on_a_line_of_its_own_is_about_the_next_line_that_says_something(tmp_path: Path) -> None:
    text = VAGUE.replace("- M2: usually", "<!-- assay: ignore[P010] it is law -->\n\n- M2: usually")
    assert [each.silenced for each in found(tmp_path, text)] == ["", "it is law"]


@pytest.mark.parametrize("at", ["id: market\n", "rules:\n"])
def test_a_comment_in_the_front_matter_is_about_the_whole_file(tmp_path: Path, at: str) -> None:
    text = VAGUE.replace(
        at, f"{at}  # assay: ignore[P010] it is law\n" if at == "rules:\n" else f"{at}# assay: ignore[P010] it is law\n"
    )
    assert [each.silenced for each in found(tmp_path, text)] == ["it is law"] * 2


def test_one_comment_may_name_several_codes(tmp_path: Path) -> None:
    text = VAGUE.replace("furs of cats.", "furs, etc. <!-- assay: ignore[P010, P011] it is law -->")
    assert sorted((each.code, each.silenced) for each in found(tmp_path, text)) == [
        ("P010", ""),
        ("P010", "it is law"),
        ("P011", "it is law"),
    ]


def test_another_code_silences_nothing_and_is_found_to_be_idle(tmp_path: Path) -> None:
    text = VAGUE.replace("furs of cats.", "furs of cats. <!-- assay: ignore[P011] it is law -->")
    assert [(each.code, each.silenced) for each in found(tmp_path, text)] == [("P009", ""), ("P010", ""), ("P010", "")]


def test_the_judge_does_not_read_such_a_comment_and_lines_stay_where_they_are(tmp_path: Path) -> None:
    silenced = VAGUE.replace("furs of cats.", "furs of cats. <!-- assay: ignore[P010] it is\n  law --> Or tusks.")
    for name, text in (("plain", VAGUE), ("silenced", silenced)):
        (tmp_path / f"{name}.md").write_text(text, encoding="utf-8")
    plain, other = load_policy(tmp_path / "plain.md"), load_policy(tmp_path / "silenced.md")
    assert other.prose == plain.prose.replace("furs of cats.", "furs of cats.\n Or tusks.")
    assert [each.line + 1 for each in plain.examples] == [each.line for each in other.examples]
