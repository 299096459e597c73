"""What a comparison comes to, and how it is shown: the record, the terminal, Markdown and HTML. No judge runs here."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from scipy.stats import binomtest

from assay.config import Config
from assay.golden import Expected, GoldenItem
from assay.policy import parse_policy
from assay.records import ItemKind, Turn
from jobs.diff import render_diff
from jobs.diff_asking import Asked, Said
from jobs.diff_draw import Population
from jobs.diff_items import Chosen
from jobs.diff_markdown import CHANGES, fenced
from jobs.diff_report import ChangeKind, DiffReport, PolicyDiff, diff_report
from jobs.diff_sides import Sides
from jobs.load import Job
from jobs.trial import Judged
from measure.paired import extrapolate
from tests.jobs.shown import CODE_SPAN, Page
from tests.jobs.workplace import POLICY

OLD = parse_policy(POLICY.format(id="p0"), "p0")
NEW = parse_policy(OLD.text.replace('version: "1"', 'version: "2"').replace("severity: 1", "severity: 4"), "p0")
FENCE = re.compile(r"^(`{3,})diff\n.*?^\1$", re.MULTILINE | re.DOTALL)
HOSTILE = "`a|b` <script>alert(1)</script> [x](http://x) @team \x1b[31m\u202eevil\n# head\n| --- |\n```\n````"


def said(
    violation: bool | None,
    rules: Sequence[str] = ("R1",),
    severity: int = 3,
    action: str = "block",
    score: float | None = 0.9,
    **changes: object,
) -> Said:
    if violation is None:
        return Said(Judged("", "p0", 0, None, reason="length", detail="cut off"))
    if not violation:
        rules, severity, action = (), 0, "allow"
        score = None if score is None else 1 - score
    judged = Judged("", "p0", 0, violation, tuple(rules), severity, action, "high", score, "so it is")
    return Said(replace(judged, **changes))  # type: ignore[arg-type]


def config_of(tmp_path: Path) -> Config:
    return Config.model_validate(
        {
            "name": "nightly",
            "source": {"kind": "parquet", "path": "x.parquet", "columns": {"id": "id", "text": "text"}},
            "policies": ["p0.md"],
            "judge": {"kind": "scripted"},
            "sink": {"kind": "delta", "path": str(tmp_path / "out")},
            "replicas": {"gpus": 2},
            "cost": {"gpu_hour": 3},
        }
    )


def report(
    tmp_path: Path,
    sides: Sequence[tuple[Said, Said]],
    *,
    labels: Sequence[bool | None] | None = None,
    population: Population | None = None,
    text: str = "hello",
    new: str = NEW.text,
    run_id: str = "run",
    **changes: object,
) -> DiffReport:
    labels = labels or [None] * len(sides)
    items = tuple(
        replace(
            GoldenItem(f"i{n}", ItemKind.TEXT, (), (Turn("user", text),), (Expected("p0", label),), f"i{n}"),
            **changes,  # type: ignore[arg-type]
        )
        for n, label in enumerate(labels)
    )
    config = config_of(tmp_path)
    both = Sides(Job(config, (OLD,)), Job(config, (parse_policy(new, "new"),)))
    chosen = Chosen(both, items, () if population else ("golden.csv",), population)
    before, after = (asked(items, [pair[side] for pair in sides]) for side in (0, 1))
    return diff_report(chosen, before, after, run_id=run_id, seed=7)


def asked(items: Sequence[GoldenItem], side: Sequence[Said]) -> Asked:
    pairs = zip(items, side, strict=True)
    return Asked(
        {(item.id, "p0"): replace(each, judged=replace(each.judged, item_id=item.id)) for item, each in pairs}, "r"
    )


def only(found: DiffReport) -> PolicyDiff:
    (policy,) = found.policies
    return policy


def test_flips_are_counted_each_way_with_the_exact_p_value(tmp_path: Path) -> None:
    sides = [(said(False), said(True))] * 9 + [(said(True), said(False))] * 2 + [(said(True), said(True))] * 30
    policy = only(report(tmp_path, sides))
    assert (policy.flagged.gained, policy.flagged.lost, policy.flagged.pairs) == (9, 2, 41)
    assert policy.flagged.p_value == pytest.approx(binomtest(2, 11).pvalue)
    assert policy.right is None
    assert {change.kind for change in policy.changes} == {ChangeKind.GAINED, ChangeKind.LOST}
    assert {change.improved for change in policy.changes} == {None}


def test_labels_tell_improvements_from_regressions_and_a_rejection_is_wrong(tmp_path: Path) -> None:
    sides = [(said(False), said(True)), (said(False), said(True)), (said(True), said(False)), (said(True), said(None))]
    policy = only(report(tmp_path, [*sides, (said(True), said(False))], labels=[True, False, False, True, None]))
    assert {change.item_id: change.improved for change in policy.changes} == {
        "i0": True,
        "i1": False,
        "i2": True,
        "i3": False,
        "i4": None,
    }
    assert policy.right is not None
    assert (policy.right.gained, policy.right.lost, policy.right.pairs, policy.unknown) == (2, 2, 4, 1)
    assert "by the labels 2 improvements and 2 regressions among 4" in render_diff(
        report(tmp_path, sides, labels=[True, False, False, True]), "text"
    )


def test_a_rejection_is_no_flip_and_is_counted_apart(tmp_path: Path) -> None:
    sides = [(said(True), said(None)), (said(None), said(False)), (said(None), said(None)), (said(True), said(True))]
    policy = only(report(tmp_path, sides))
    assert (policy.flips, policy.flagged.pairs, policy.flagged.unpaired) == (0, 1, 3)
    assert (policy.before.rejected, policy.after.rejected) == ({"length": 2}, {"length": 2})
    assert [change.kind for change in policy.changes] == [ChangeKind.REJECTED, ChangeKind.RECOVERED]
    assert all(rule.cited.unpaired == 3 for rule in policy.rules)


def test_what_matters_most_comes_first(tmp_path: Path) -> None:
    mild = {"rules": ("R2",), "severity": 1, "action": "warn"}
    sides = [
        (said(True), said(None)),
        (said(True, **mild), said(True)),  # type: ignore[arg-type]
        (said(False, score=0.6), said(True, score=0.6, **mild)),  # type: ignore[arg-type]
        (said(False), said(True, **mild)),  # type: ignore[arg-type]
        (said(True, severity=3, action="limit"), said(False)),
        (said(True), said(False)),
        (said(False), said(True, severity=4)),
        (said(True), said(True)),
        (said(False), said(True, **mild, confidence="low")),  # type: ignore[arg-type]
        (said(True), said(True, action="escalate")),
    ]
    changes = only(report(tmp_path, sides)).changes
    assert [change.item_id for change in changes] == ["i6", "i5", "i4", "i3", "i8", "i2", "i1", "i9", "i0"]
    assert [change.kind for change in changes[-3:]] == [ChangeKind.SHIFTED, ChangeKind.SHIFTED, ChangeKind.REJECTED]


def test_what_is_to_be_looked_at_counts_as_a_review_and_not_as_graver_than_a_block(tmp_path: Path) -> None:
    sides = [(said(False), said(True, action=action)) for action in ("limit", "escalate", "block", "review")]
    changes = only(report(tmp_path, sides)).changes
    assert [change.after.action for change in changes] == ["block", "escalate", "review", "limit"]


def test_rules_of_both_texts_are_counted_before_and_after(tmp_path: Path) -> None:
    new = NEW.text.replace("  - {id: R2", "  - {id: R3, text: Nothing else}\n  - {id: R2")
    sides = [(said(True, ["R1"]), said(True, ["R3"])), (said(False), said(True, ["R1", "R3"]))]
    policy = only(report(tmp_path, sides, new=new))
    counts = {rule.rule_id: (rule.cited.gained, rule.cited.lost) for rule in policy.rules}
    assert counts == {"R1": (1, 1), "R2": (0, 0), "R3": (2, 0)}
    shown = render_diff(report(tmp_path, sides, new=new), "md")
    assert "| `R1` | 1 | 1 | 1 | 1 |" in shown
    assert "- neither side cites R2" in shown


def test_a_sample_speaks_for_the_source_and_its_tokens_for_the_roll_out(tmp_path: Path) -> None:
    spent = {"prompt_tokens": 100, "output_tokens": 10}
    before, flagged, allowed = said(False), replace(said(True), **spent), replace(said(False), **spent)  # type: ignore[arg-type]
    sides = [(before, flagged)] * 5 + [(before, allowed)] * 35 + [(before, replace(allowed, recalled=True))] * 10
    copies = {f"i{number}": 3 for number in range(50)}
    population = Population({ItemKind.TEXT: 200}, {ItemKind.TEXT: 600}, copies)
    policy = only(found := report(tmp_path, sides, population=population))
    whole = policy.whole
    assert whole is not None
    truth = extrapolate(5, 50, 200)
    assert (whole.gained.value, whole.gained.low, whole.gained.high) == (truth.value, truth.low, truth.high)
    assert (whole.lost.value, whole.lost.low) == (0, 0)
    assert whole.gained_items.value == 60
    assert whole.gained_items.low >= 15, "those that were seen"
    rollout = whole.rollout
    assert rollout.to_judge.value == 160, "what the table has is not judged again"
    assert (rollout.prompt_tokens.value, rollout.output_tokens.value) == (16_000, 1_600)
    assert rollout.prompt_tokens.low < 16_000 < rollout.prompt_tokens.high
    assert rollout.gpu_hours.value == pytest.approx(rollout.replica_seconds.value * 2 / 3600)
    assert rollout.cost.value == pytest.approx(rollout.gpu_hours.value * 3)
    assert all(change.copies == 3 for change in policy.changes)
    for format in ("text", "md", "html"):
        shown = render_diff(found, format)
        assert "of 200 contents 20 (" in shown
        assert "of 600 items 60 (" in shown
        assert "16,000 (" in shown
        assert "i0 and 2 more of the same" in shown


def test_a_whole_source_is_known_exactly(tmp_path: Path) -> None:
    population = Population({ItemKind.TEXT: 4}, {ItemKind.TEXT: 5}, {"i0": 2, "i1": 1, "i2": 1, "i3": 1})
    sides = [(said(False), said(True))] + [(said(False), said(False))] * 3
    whole = only(report(tmp_path, sides, population=population)).whole
    assert whole is not None
    for exact, value in ((whole.gained, 1), (whole.gained_items, 2), (whole.lost, 0), (whole.lost_items, 0)):
        assert (exact.value, exact.low, exact.high) == (value, value, value)


def test_the_texts_are_shown_by_what_they_differ_in(tmp_path: Path) -> None:
    found = report(tmp_path, [(said(True), said(True))])
    assert '-version: "1"' in only(found).text
    assert '+version: "2"' in only(found).text
    assert not [line for line in only(found).text if "Instruction" in line]
    for format in ("text", "md", "html"):
        assert "p0 1 -" in render_diff(found, format)
    assert "none of 1 flips" in render_diff(found, "text")
    same = report(tmp_path, [(said(True), said(True))], new=OLD.text)
    assert only(same).text == ()
    assert "```" not in render_diff(same, "md")


def test_long_lists_are_cut_with_a_count_of_the_rest(tmp_path: Path) -> None:
    new = NEW.text + "\n".join(f"line {number}" for number in range(500))
    found = report(tmp_path, [(said(False), said(True))] * 300, new=new)
    assert f"- and {300 - CHANGES} more" in render_diff(found, "md")
    assert "more lines @@" in render_diff(found, "md")
    assert "and 280 more; --format json has all of them" in render_diff(found, "text")
    assert "more lines" in render_diff(found, "text")
    assert "and 100 more; --format json has all of them" in render_diff(found, "html")
    assert len(json.loads(render_diff(found, "json"))["policies"][0]["changes"]) == 300


@pytest.mark.parametrize("format", ["text", "md", "html"])
def test_the_same_answers_make_the_same_bytes(tmp_path: Path, format: str) -> None:
    sides = [(said(False), said(True)), (said(True), said(None)), (said(True), said(True))]
    one = render_diff(report(tmp_path, sides, run_id="one"), format)
    assert one == render_diff(report(tmp_path, sides, run_id="two"), format)


@pytest.mark.parametrize("format", ["text", "md", "html", "json"])
def test_half_a_character_can_be_shown(tmp_path: Path, format: str) -> None:
    shown = render_diff(report(tmp_path, [(said(False), said(True))], text="half \ud83d"), format)
    assert "\\ud83d" in shown
    assert shown.encode()


def hostile(tmp_path: Path) -> DiffReport:
    """Every text that somebody else wrote is hostile."""
    sides = [(said(False, rationale=HOSTILE), said(True, rationale=HOSTILE))]
    named = report(tmp_path, sides, text=HOSTILE, note=HOSTILE, new=NEW.text + HOSTILE)
    policy = only(named)
    changes = tuple(replace(each, item_id=HOSTILE) for each in policy.changes)
    return replace(named, golden=(HOSTILE,), judge_after=HOSTILE, policies=(replace(policy, changes=changes),))


def test_markdown_shows_what_others_wrote_as_code_and_nothing_of_it_acts(tmp_path: Path) -> None:
    shown = render_diff(hostile(tmp_path), "md")
    assert not set(shown) & {"\x1b", "\u202e"}
    assert FENCE.search(shown)
    outside = CODE_SPAN.sub("", FENCE.sub("", shown))
    for word in ("script", "http", "@team", "evil", "# head", "````"):
        assert word not in outside, word


@pytest.mark.parametrize("line", ["```", "+````", " ~~~", "````` `"])
def test_no_line_ends_the_block_that_it_is_in(line: str) -> None:
    first, *_, last = fenced([line])
    fence = first.removesuffix("diff")
    assert last == fence
    assert fence not in line


def test_html_escapes_what_others_wrote_and_asks_for_nothing(tmp_path: Path) -> None:
    shown = render_diff(hostile(tmp_path), "html")
    assert "<script" not in shown
    assert "&lt;script&gt;" in shown
    assert not set(shown) & {"\x1b", "\u202e"}
    page = Page()
    page.feed(shown)
    assert page.open == []
    assert page.tags >= {"table", "code"}
    assert not page.tags & {"script", "img", "link", "iframe", "a"}
    assert not page.attributes & {"src", "href", "onclick", "onload"}


def test_the_terminal_gets_no_control_characters(tmp_path: Path) -> None:
    shown = render_diff(hostile(tmp_path), "text")
    assert not [c for c in shown if not c.isprintable() and c != "\n"]
    assert "\\x1b[31m\\u202eevil" in shown
