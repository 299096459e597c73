"""Policies that are looked through together, with the golden files that they name."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.errors import InputError
from assay.records import Mode
from authoring.lint_policies import lint_policies, load_policies
from authoring.lint_records import Finding

CLEAN = (Path(__file__).parent / "policies" / "market.md").read_text(encoding="utf-8")
GOLDEN = CLEAN[CLEAN.index("golden:\n") : CLEAN.index("rules:\n")]
TUSK = "Two front teeth of an elephant, 300 each, by post."


def write(folder: Path, first: str, second: str) -> Path:
    (folder / "market.md").write_text(first, encoding="utf-8")
    (folder / "zoo.md").write_text(second.replace("id: market", "id: zoo"), encoding="utf-8")
    return folder


def codes(folder: Path) -> set[str]:
    return {each.code for each in findings(folder)}


def findings(folder: Path) -> tuple[Finding, ...]:
    return lint_policies(load_policies(folder))


def labelled(first: str, second: str) -> tuple[str, str]:
    """Two policies that label one item both ways; `first` and `second` are the labels of their rule M1."""
    allowed = GOLDEN.replace("violates, rules: M1", "allowed").replace("label: allowed}", "label: violates}", 2)
    texts = (CLEAN, CLEAN.replace(GOLDEN, allowed.replace("label: violates}", "label: allowed}", 1)))
    return texts[0].replace("animals", first, 1), texts[1].replace("animals", second, 1)


def test_opposite_labels_under_two_policies_are_ordinary(tmp_path: Path) -> None:
    assert "P041" not in codes(write(tmp_path, *labelled("animals", "feeding")))


def test_opposite_labels_are_found_where_both_policies_have_the_label_that_is_violated(tmp_path: Path) -> None:
    found = [each for each in findings(write(tmp_path, *labelled("animals", "Animals"))) if each.code == "P041"]
    assert {Path(each.path).name for each in found} == {"market.md", "zoo.md"}
    assert all("which has the label" in each.message for each in found)


def test_a_shadow_may_label_its_golden_items_otherwise_than_the_live_version(tmp_path: Path) -> None:
    policies = load_policies(write(tmp_path, *labelled("animals", "Animals")))
    live, shadow = policies.values()
    files = list(policies)
    renamed = shadow.model_copy(update={"id": live.id, "mode": Mode.SHADOW})
    assert "P041" not in {each.code for each in lint_policies({files[0]: live, files[1]: renamed})}


def test_a_golden_file_is_read_from_beside_the_policy(tmp_path: Path) -> None:
    (tmp_path / "golden").mkdir()
    (tmp_path / "golden" / "market.csv").write_text(
        f'item_id,label,rules,text\na,violates,M7,"{TUSK}"\nb,allowed,,"Cage for a canary, with the canary."\n'
    )
    (tmp_path / "market.md").write_text(CLEAN.replace(GOLDEN, "golden: golden/market.csv\n"), encoding="utf-8")
    assert codes(tmp_path) == {"P040", "P043"}


def test_what_is_wrong_with_a_golden_file_is_said_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("item_id,label,text\na,perhaps,hello\n")
    (tmp_path / "market.md").write_text(CLEAN.replace(GOLDEN, "golden: bad.csv\n"), encoding="utf-8")
    [finding] = findings(tmp_path)
    assert finding.code == "P045"
    assert "bad.csv:2" in finding.message


def test_a_folder_may_have_several_versions_of_one_policy(tmp_path: Path) -> None:
    for version in ("1.0", "1.1"):
        text = CLEAN.replace('version: "1.0"', f'version: "{version}"')
        (tmp_path / f"market-{version}.md").write_text(text, encoding="utf-8")
    assert [policy.version for policy in load_policies(tmp_path).values()] == ["1.0", "1.1"]
    assert not findings(tmp_path)


def test_a_folder_without_policies_and_a_version_that_is_there_twice_are_refused(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("Policies come here.")
    with pytest.raises(InputError, match="no policy in this folder"):
        load_policies(tmp_path)
    for name in ("a", "b"):
        (tmp_path / f"{name}.md").write_text(CLEAN, encoding="utf-8")
    with pytest.raises(InputError, match=r"b\.md: market@.* is also in .*a\.md"):
        load_policies(tmp_path)


def test_policies_in_folders_of_their_own_are_found(tmp_path: Path) -> None:
    for name in ("market", "zoo"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "policy.md").write_text(CLEAN.replace("id: market", f"id: {name}"), encoding="utf-8")
    assert [policy.id for policy in load_policies(tmp_path).values()] == ["market", "zoo"]
