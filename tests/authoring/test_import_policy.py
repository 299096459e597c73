"""Published policies: what they become, what is kept word for word, and what is said of the rest."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.errors import InputError
from assay.golden import GoldenItem
from assay.policy import Policy, load_policy
from assay.records import Action, ItemKind
from authoring.golden_file import read_golden
from authoring.importing_labels import as_cell, scheme_of
from authoring.importing_records import Kind, LabelsFrom
from authoring.lint_records import Severity
from jobs.check import check
from jobs.import_policy import Written, import_policies
from tests.authoring.published import (
    LETTERED,
    NAMED,
    PAIRS,
    SEVERAL_CODES,
    SPOKEN,
    lettered,
    numbered,
)


def _import(
    path: Path, out: Path, source: LabelsFrom = LabelsFrom.AUTO
) -> tuple[Written, Policy, tuple[GoldenItem, ...]]:
    """The one policy at `path`, as it is read again from its files."""
    (written,) = import_policies(path, out, source, force=False).policies
    policy = load_policy(Path(written.policy))
    assert policy.id == written.id
    golden = read_golden(Path(written.golden)) if written.golden else ()
    assert not golden or policy.golden == Path(written.golden or "").name
    return written, policy, golden


def _labels(items: tuple[GoldenItem, ...]) -> list[tuple[bool | None, str]]:
    return [(item.expected[0].violation, " ".join(item.expected[0].rule_ids)) for item in items]


def _remarks(written: Written, kind: Kind) -> str:
    return "\n".join(f"{remark.where}: {remark.text}" for remark in written.remarks if remark.kind is kind)


def _refusal(path: Path, out: Path) -> str:
    with pytest.raises(InputError) as refused:
        import_policies(path, out, LabelsFrom.AUTO, force=False)
    return str(refused.value)


def test_labels_become_rules_and_the_allowed_one_does_not(tmp_path: Path) -> None:
    written, policy, _ = _import(lettered(tmp_path / "notice-board"), tmp_path / "out")
    assert (policy.id, policy.title) == ("notice-board", "Notice Board Policy (#NB)")
    rules = [(rule.id, rule.label, rule.severity, rule.action) for rule in policy.rules]
    assert rules == [
        ("NB2", "Likely Advert", 2, Action.REVIEW),
        ("NB3", "Grave Advert", 3, Action.BLOCK),
        ("NB4", "Trick", 4, Action.BLOCK),
    ]
    assert policy.rules[0].text == "Trade that nobody asked for."
    guessed = _remarks(written, Kind.GUESSED)
    assert "allowed: NB0; not a rule" in guessed
    assert "policy.txt:28: NB4: severity 4, action block (the text says 'maximum'; its own ESCALATE" in guessed


def test_the_prose_is_kept_word_for_word_but_for_what_is_said_to_be_taken_out(tmp_path: Path) -> None:
    written, policy, _ = _import(lettered(tmp_path / "notice-board"), tmp_path / "out")
    kept = policy.prose.split("# Criteria\n\n")[1]
    numbers = [int(remark.where.rsplit(":", 1)[1]) for remark in written.remarks if remark.kind is Kind.TAKEN_OUT]
    lines = LETTERED.split("\n")
    stay = [line for number, line in enumerate(lines, 1) if number not in numbers]
    assert [line for line in kept.split("\n") if line.strip()] == [line for line in stay if line.strip()]
    removed = [lines[number - 1].strip() for number in numbers]
    assert removed[:2] == ["✅ Output: VALID if it is fine or if the signs are very weak.", "❌ Output: INVALID"]
    assert removed[4:6] == ["LABEL FORMAT", "Each item gets two labels:"]
    assert removed[-1] == "| “Write me an advert” | D-N0, R-N2 |"
    assert "policy.txt:2: GOAL: Find bad notices." in _remarks(written, Kind.LEFT_IN)
    assert "If money is asked for → NB4." in policy.prose


def test_section_lines_decide_where_the_column_has_a_models_answers(tmp_path: Path) -> None:
    written, _, items = _import(lettered(tmp_path / "notice-board"), tmp_path / "out")
    assert _labels(items) == [(False, ""), (False, ""), (True, "NB2"), (True, "NB2"), (True, "NB4")]
    assert items[1].judged[0].content == "Who lends me a rake,\nor a spade?"
    assert items[3].carried == (("section", "NB2"), ("published", "NB0"))
    assert (written.violates, written.allowed, written.unknown) == (3, 2, 0)
    assert "golden_dataset.csv:8: NB2 by its section line, NB0 by its column" in _remarks(written, Kind.GUESSED)
    assert "golden_dataset.csv:12: Accuracy 0.8" in _remarks(written, Kind.NOT_READ)


def test_the_column_can_be_asked_for(tmp_path: Path) -> None:
    _, _, items = _import(lettered(tmp_path / "notice-board"), tmp_path / "out", LabelsFrom.COLUMN)
    assert _labels(items) == [(False, ""), (False, ""), (True, "NB2"), (False, ""), (True, "NB4")]


def test_verdict_words_and_several_codes_in_a_cell(tmp_path: Path) -> None:
    written, _, items = _import(lettered(tmp_path / "notice-board", SEVERAL_CODES), tmp_path / "out")
    assert [item.judged[0].content for item in items][:2] == [
        "Tulip bulbs to give away.",
        'Rakes, "new", at rakes.example',
    ]
    assert _labels(items) == [
        (False, ""),
        (True, "NB2 NB3"),
        (True, "NB4"),
        (True, "NB4"),
        (True, ""),
        (False, ""),
        (None, ""),
    ]
    assert dict(items[1].carried)["published"] == "INVALID, NB2.a, NB3"
    not_read = _remarks(written, Kind.NOT_READ)
    assert "golden_dataset.csv:1: Not for children." in not_read
    assert "golden_dataset.csv:11: 5: codes that the policy doesn't have: NB7" in not_read
    guessed = _remarks(written, Kind.GUESSED)
    assert "golden_dataset.csv:13: 7: no label can be read from 'maybe': unknown" in guessed
    assert "golden_dataset.csv:12: 6: allowed by its word, and NB2 is a rule" in guessed


def test_only_section_lines(tmp_path: Path) -> None:
    golden = "NB0,\n1,Tulip bulbs to give away.\n2,Who lends me a rake?\nNB2,\n1,Visit rakes.example\n"
    _, _, items = _import(lettered(tmp_path / "notice-board", golden), tmp_path / "out")
    assert _labels(items) == [(False, ""), (False, ""), (True, "NB2")]


@pytest.mark.parametrize("head", [NAMED, SPOKEN])
def test_prompts_and_responses_with_a_label_each(tmp_path: Path, head: str) -> None:
    written, policy, items = _import(numbered(tmp_path / "climbing", head + PAIRS), tmp_path / "out")
    assert [(rule.id, rule.severity) for rule in policy.rules] == [("X1", 1), ("X2", 3), ("X3", 3)]
    assert [item.id.removeprefix("climbing-") for item in items] == [
        "1-prompt",
        "1-response",
        "2-prompt",
        "2-response",
        "3-prompt",
        "4-prompt",
        "4-response",
    ]
    assert _labels(items) == [
        (False, ""),
        (False, ""),
        (False, ""),
        (True, "X2"),
        (True, "X1 X3"),
        (True, "X3"),
        (None, ""),
    ]
    prompt, response = items[:2]
    assert (prompt.kind, response.kind) == (ItemKind.TEXT, ItemKind.COMPLETION)
    assert prompt.judged[0].content == response.context[0].content == "Which route, for\r\nmy first time?"
    assert response.judged[0].content == 'Take the "slab".\r\n\r\nIt is short.'
    assert prompt.group == response.group != items[2].group
    assert "no label can be read" in _remarks(written, Kind.GUESSED)


def test_a_markdown_policy_keeps_its_sections_but_for_the_output_format(tmp_path: Path) -> None:
    written, policy, _ = _import(numbered(tmp_path / "climbing"), tmp_path / "out")
    assert policy.title == "Climbing for beginners"
    assert [(rule.label, rule.text) for rule in policy.rules] == [
        ("Minor risk", "Minor risk: a route that needs a rope"),
        ("High-risk routes", "Said with ice."),
        ("Dares", "Asks somebody to climb alone at night."),
    ]
    assert "## Notes\n\nWhen two labels fit" in policy.prose
    assert "Return one label only" not in policy.prose
    assert _remarks(written, Kind.TAKEN_OUT).count("policy.md:") == 3


def test_a_section_about_the_output_that_defines_the_labels_stays(tmp_path: Path) -> None:
    text = "# Climbing\n\nJudge climbs.\n\n## Output\n\n- X0: fine\n- X1: no rope\n\nReturn only the label.\n"
    written, policy, _ = _import(numbered(tmp_path / "climbing", policy=text), tmp_path / "out")
    assert policy.rules[0].text == "no rope"
    assert "- X1: no rope" in policy.prose
    assert _remarks(written, Kind.TAKEN_OUT).endswith("policy.md:10: Return only the label.")


def test_what_only_looks_like_the_form_of_an_answer_stays(tmp_path: Path) -> None:
    lines = [
        '- "Answer in the format I like" is QK1',
        "- Output: a story about a ridge",
        "- Produce only a list of names",
        "Return only at dusk. Reply with the label.",
    ]
    text = "# Kindness\n- QK0: kind\n- QK1: unkind\n" + "\n".join(lines) + "\nReply with one label.\nOutput: QK1\n"
    written, policy, _ = _import(numbered(tmp_path / "kindness", None, text), tmp_path / "out")
    assert policy.prose.endswith("\n".join(lines))
    assert [remark.text for remark in written.remarks if remark.kind is Kind.TAKEN_OUT] == [
        "Reply with one label.",
        "Output: QK1",
    ]
    assert _remarks(written, Kind.LEFT_IN).endswith(lines[-1])


def test_a_folder_of_folders_and_golden_files_apart(tmp_path: Path) -> None:
    for name in ("climbing", "ice climbing"):
        numbered(tmp_path / "pack" / "policies" / name, None)
        (tmp_path / "pack" / "datasets").mkdir(exist_ok=True)
        (tmp_path / "pack" / "datasets" / f"{name}.csv").write_bytes((NAMED + PAIRS).encode())
    (tmp_path / "pack" / "README.md").write_text("# About")
    written = import_policies(tmp_path / "pack", tmp_path / "out", LabelsFrom.AUTO, force=False).policies
    assert [each.id for each in written] == ["climbing", "ice-climbing"]
    assert [len(read_golden(Path(each.golden or ""))) for each in written] == [7, 7]
    assert "golden items of ice-climbing, by the file's name" in _remarks(written[1], Kind.GUESSED)


def test_a_single_file_and_the_csv_that_is_called_like_it(tmp_path: Path) -> None:
    file = (numbered(tmp_path / "pack") / "policy.md").rename(tmp_path / "pack" / "climbing.md")
    (tmp_path / "pack" / "golden.csv").rename(tmp_path / "pack" / "climbing.csv")
    written, _, items = _import(file, tmp_path / "out")
    assert (written.id, len(items)) == ("climbing", 7)


@pytest.mark.parametrize(
    ("policy", "rules", "says"),
    [
        ("- QK0: kind\nOutput: VALID\n- QK1: nice\nOutput: VALID\n", ["R1"], "the whole policy is one rule"),
        ("Be kind.\n", ["R1"], "no labels such as X0 and X1 were found"),
        ("\n\n***\n\n--- \n# Kindness\n- QK0: kind\n- QK1: unkind\n", ["QK1"], "allowed: QK0"),
        ("# Kindness\n- QK1: unkind\n- QK2: rude\n", ["QK1", "QK2"], "no label is allowed"),
        ("# Kindness\nQK0 and QK1 and QK2 are labels.\n", ["QK1", "QK2"], "no line defines it"),
        ("\ufeff---\ntitle: Kindness\n---\n- QK0: kind\n- QK1: unkind\n", ["QK1"], "title: Kindness"),
        ("Kindness\n**QK0**\nkind\n**QK1 - Unkind**\nSays something serious.\n", ["QK1"], "the text says 'serious'"),
        (
            "# Kindness\n## Kind: QK0\nis.\n## Unkind: QK1\nSays something serious.\n",
            ["QK1"],
            "the text says 'serious'",
        ),
        ("Kindness\nLabel QK0: kind\nLabel QK1: unkind, with dire words\n", ["QK1"], "policy.md:3: QK1: severity 1"),
        ("Kindness\r\n| QK0 | kind |\r\n| QK1 | unkind |\r\n", ["QK1"], "severity 1"),
    ],
)
def test_irregular_policies(tmp_path: Path, policy: str, rules: list[str], says: str) -> None:
    written, ours, items = _import(numbered(tmp_path / "kindness", None, policy), tmp_path / "out")
    assert list(ours.rule_ids) == rules
    assert says in _remarks(written, Kind.GUESSED)
    assert items == ()
    assert "golden items: no CSV file in the folder" in _remarks(written, Kind.NOT_READ)
    assert not (tmp_path / "out" / "kindness.golden.csv").exists()


def test_golden_files_that_cannot_be_read_as_such_are_named(tmp_path: Path) -> None:
    numbered(tmp_path / "a" / "climbing", "name,age\nAnn,7\n")
    written, _, _ = _import(tmp_path / "a", tmp_path / "out-a")
    assert "golden.csv: no column of labels" in _remarks(written, Kind.NOT_READ)
    (numbered(tmp_path / "b" / "climbing") / "more.csv").write_text("")
    written, _, _ = _import(tmp_path / "b", tmp_path / "out-b")
    assert "several CSV files (golden.csv, more.csv)" in _remarks(written, Kind.NOT_READ)
    numbered(tmp_path / "c" / "climbing", 'prompt,label\n"open,X0\n')
    assert "golden.csv:2: not CSV" in _refusal(tmp_path / "c", tmp_path / "out-c")


def test_the_linter_finds_no_error_in_what_is_imported(tmp_path: Path) -> None:
    lettered(tmp_path / "pack" / "notice-board")
    numbered(tmp_path / "pack" / "climbing")
    import_policies(tmp_path / "pack", tmp_path / "out", LabelsFrom.AUTO, force=False)
    found = check(tmp_path / "out").findings
    assert [each.code for each in found if each.severity is Severity.ERROR and not each.silenced] == []
    assert {each.code for each in found if each.silenced} == {"P022"}


def test_what_is_no_policy_is_refused(tmp_path: Path) -> None:
    assert "no such file" in _refusal(tmp_path / "none", tmp_path / "out")
    (tmp_path / "empty").mkdir()
    assert "no policy; give a file" in _refusal(tmp_path / "empty", tmp_path / "out")
    assert "empty; a policy is" in _refusal(numbered(tmp_path / "blank", policy=" \n"), tmp_path / "out")
    import_policies(numbered(tmp_path / "climbing"), tmp_path / "ours", LabelsFrom.AUTO, force=False)
    assert "of assay's own format" in _refusal(tmp_path / "ours" / "climbing.md", tmp_path / "out")
    numbered(tmp_path / "twice" / "one" / "climbing")
    numbered(tmp_path / "twice" / "two" / "Climbing")
    assert "would be called 'climbing' too" in _refusal(tmp_path / "twice", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_nothing_is_overwritten_unless_asked_for(tmp_path: Path) -> None:
    pack, out = numbered(tmp_path / "climbing"), tmp_path / "out"
    out.mkdir()
    (out / "climbing.golden.csv").write_text("mine")
    assert "climbing.golden.csv: is there already" in _refusal(pack, out)
    assert [file.name for file in out.iterdir()] == ["climbing.golden.csv"]
    import_policies(pack, out, LabelsFrom.AUTO, force=True)
    names = sorted(file.name for file in out.iterdir())
    assert names == ["climbing.golden.csv", "climbing.import.txt", "climbing.md"]
    assert len(read_golden(out / "climbing.golden.csv")) == 7


def test_the_summary_is_kept_beside_and_comes_as_json(tmp_path: Path) -> None:
    summary = import_policies(lettered(tmp_path / "notice-board"), tmp_path / "out", LabelsFrom.AUTO, force=False)
    text = summary.text(as_json=False)
    assert (tmp_path / "out" / "notice-board.import.txt").read_text() == text + "\n"
    assert "5 items: 3 violate, 2 allowed, 0 unknown" in text
    assert [line for line in text.splitlines() if not line.startswith("   ")][2:] == [
        "  guessed:",
        "  taken out:",
        "  left in:",
        "  not read:",
    ]
    (policy,) = json.loads(summary.text(as_json=True))["policies"]
    assert policy["rules"] == ["NB2", "NB3", "NB4"]
    assert {remark["kind"] for remark in policy["remarks"]} == set(Kind)


def test_the_command(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "jobs.cli", "import-policy", str(numbered(tmp_path / "climbing")), "--out"]
    done = subprocess.run([*command, str(tmp_path / "out"), "--json"], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["policies"][0]["violates"] == 3
    again = subprocess.run([*command, str(tmp_path / "out")], capture_output=True, text=True, check=False)
    assert again.returncode == 2
    assert again.stderr.startswith("assay: ")
    assert "--force" in again.stderr
    section = subprocess.run([*command, "b", "--labels", "row"], capture_output=True, text=True, check=False)
    assert section.returncode == 2


@pytest.mark.parametrize(
    ("cell", "codes", "violation"),
    [
        ("SP2", ("SP2",), None),
        (" sp2.a ", ("SP2",), None),
        ("SP2.a, SP4.b", ("SP2", "SP4"), None),
        ("D-SP2, R-SP0", ("SP2", "SP0"), None),
        ("X1 - a route that needs a rope", ("X1",), None),
        ("INVALID", (), True),
        ("valid", (), False),
        ("INVALID + ESCALATE (SP4)", ("SP4",), True),
    ],
)
def test_cells_of_labels(cell: str, codes: tuple[str, ...], violation: bool | None) -> None:
    read = as_cell(cell)
    assert read is not None
    assert (read.codes, read.violation) == (codes, violation)


@pytest.mark.parametrize("cell", ["", "Accuracy", "0.9", "Valid until Friday", "A route for X1 people", "maybe", "12"])
def test_cells_of_other_things(cell: str) -> None:
    assert as_cell(cell) is None


def test_the_prefix_used_most_is_that_of_the_labels() -> None:
    assert scheme_of("SP0 SP2 SP2.a H2O S2 S0 MP3").labels == ("SP0", "SP2")
    assert scheme_of("Watch MP3 or MP4 on MP4. X0 is fine, X1 is not.").labels == ("X0", "X1")
    assert scheme_of("Vitamin B12 only").labels == ()


WORDS = st.sampled_from(
    ["X0", "X1:", "# Output", "(X2", "**", "|", "\x00", "\u202e", '"', "---", "\r\n", "\n", "VALID", "a", ","]
)
PIECES = st.lists(WORDS | st.text(max_size=4), max_size=25).map(" ".join)


@settings(deadline=None, max_examples=200)
@given(policy=PIECES, golden=PIECES)
def test_whatever_is_imported_loads_or_is_refused(policy: str, golden: str) -> None:
    with tempfile.TemporaryDirectory() as folder, suppress(InputError, UnicodeEncodeError):
        pack = numbered(Path(folder) / "pack", "X0,a text\nX1,another\n" + golden, policy)
        (written,) = import_policies(pack, Path(folder) / "out", LabelsFrom.AUTO, force=False).policies
        assert load_policy(Path(written.policy)).rule_ids == written.rules
        if written.golden:
            assert len(read_golden(Path(written.golden))) == written.violates + written.allowed + written.unknown


SAID = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=30)
SAID = SAID.map(lambda said: f"Well, {said}")  # no label, and not blank
CODES = st.lists(st.sampled_from(["X0", "X1", "X2", "X3"]), min_size=1, max_size=3, unique=True)


def _sheet(rows: list[list[str]], blank_columns: int, disclaimers: int, blank_rows: int, header: list[str]) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n", quoting=csv.QUOTE_ALL)
    writer.writerows([f"For research, {number}."] for number in range(disclaimers))
    writer.writerows([[""] * 5] * blank_rows)
    writer.writerows([""] * blank_columns + row for row in [header, *rows])
    writer.writerows([[""] * 9] * blank_rows)
    return text.getvalue()


@settings(deadline=None, max_examples=150)
@given(
    pairs=st.lists(st.tuples(SAID, CODES, SAID, CODES), min_size=1, max_size=6),
    blank_columns=st.integers(0, 3),
    disclaimers=st.integers(0, 2),
    blank_rows=st.integers(0, 2),
    paired=st.booleans(),
)
def test_labels_are_found_wherever_the_columns_are(
    pairs: list[tuple[str, list[str], str, list[str]]],
    blank_columns: int,
    disclaimers: int,
    blank_rows: int,
    paired: bool,
) -> None:
    rows = [[prompt, ", ".join(codes), reply, " / ".join(others)] for prompt, codes, reply, others in pairs]
    header = ["Said", "Label", "Reply", "Label"]
    width = 4 if paired else 2
    sheet = _sheet([row[:width] for row in rows], blank_columns, disclaimers, blank_rows, header[:width])
    with tempfile.TemporaryDirectory() as folder:
        pack = numbered(Path(folder) / "pack", sheet)
        _, _, items = _import(pack, Path(folder) / "out")
    sides = [(0, 2), (2, 4)] if paired else [(0, 2)]
    wanted = [pair[start:end] for pair in pairs for start, end in sides]
    assert [item.judged[0].content for item in items] == [said for said, _ in wanted]
    rules = [tuple(code for code in codes if code != "X0") for _, codes in wanted]
    assert [item.expected[0].rule_ids for item in items] == rules
    assert [item.expected[0].violation for item in items] == [bool(cited) for cited in rules]


def test_the_published_spam_policy_itself(tmp_path: Path) -> None:
    data = os.environ.get("ASSAY_TEST_DATA")
    if not data:
        pytest.skip("ASSAY_TEST_DATA names no folder with the published gpt-oss-safeguard-spam")
    written, policy, items = _import(Path(data) / "gpt-oss-safeguard-spam", tmp_path / "out")
    assert policy.rule_ids == ("SP2", "SP3", "SP4")
    assert [rule.severity for rule in policy.rules] == [2, 3, 4]
    assert (len(items), written.violates, written.allowed, written.unknown) == (40, 22, 18, 0)
    answers = [dict(item.carried)["published"] == dict(item.carried)["section"] for item in items]
    assert sum(answers) / len(answers) == 0.9, "the accuracy that the file itself gives"
