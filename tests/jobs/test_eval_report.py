"""What an evaluation comes to, and how it is shown: the record, the terminal, Markdown and HTML. No judge runs here."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Sequence
from dataclasses import replace

import pytest

from assay.golden import Expected, GoldenItem
from assay.policy import parse_policy
from assay.records import ItemKind, JudgeIdentity, Turn
from jobs.eval_markdown import MISTAKES, cell, code
from jobs.eval_plot import MARGIN, SIDE, marks
from jobs.eval_report import EvalReport, GateResult, Looks, MistakeKind, Want, answers_of, evaluate
from jobs.evaluate import render
from jobs.trial import Judged, Trial
from measure.calibration import calibration
from tests.jobs.shown import CODE_SPAN, Page
from tests.jobs.workplace import POLICY

P0, P1 = (parse_policy(POLICY.format(id=name), name) for name in ("p0", "p1"))
HOSTILE = "`a|b` <script>alert(1)</script> [x](http://x) @team \x1b[31m\u202eevil\n# head\n| --- |"


def item(name: str, *expected: Expected, text: str = "hello", **changes: object) -> GoldenItem:
    made = GoldenItem(name, ItemKind.TEXT, (), (Turn("user", text),), expected, name)
    return replace(made, **changes)  # type: ignore[arg-type]


def said(name: str, violation: bool | None, score: float | None = None, **changes: object) -> Judged:
    made = Judged(name, "p0", 0, violation, ("R1",) if violation else (), score=score, rationale="so it is")
    return replace(made, **changes)  # type: ignore[arg-type]


def report(
    judged: Sequence[Judged], items: Sequence[GoldenItem], looks: Looks | None = None, run_id: str = "run"
) -> EvalReport:
    trial = Trial(tuple(judged), JudgeIdentity("judge", "r" * 40, "s"), ())
    return evaluate(
        trial, items, (P0, P1), looks or Looks(), job="nightly", golden=["golden.csv"], repeats=1, run_id=run_id
    )


def many(count: int = 200) -> tuple[list[Judged], list[GoldenItem]]:
    """Half are violations; the judge is wrong on about a tenth, and says so with its score."""
    draw = random.Random(5)
    items, judged = [], []
    for number in range(count):
        violation, wrong = draw.random() < 0.5, draw.random() < 0.1
        rules = ("R1",) if violation else ()
        lang = (("lang", draw.choice(["en", "de"])),)
        items.append(item(f"i{number}", Expected("p0", violation, rules), text=f"text {number}", carried=lang))
        score = draw.uniform(0.5, 0.7) if wrong else draw.uniform(0.8, 1)
        flagged = violation != wrong
        judged.append(said(f"i{number}", flagged, score if flagged else 1 - score))
    return judged, items


def test_a_pair_that_no_label_speaks_of_is_in_no_figure_and_an_unknown_label_is_counted() -> None:
    items = [item("1", Expected("p0", True)), item("2", Expected("p0", None)), item("3", Expected("p1", False))]
    judged = [said(name, True, policy_id=policy) for name in "123" for policy in ("p0", "p1")]
    answers = answers_of(Trial(tuple(judged), JudgeIdentity("j", "r", "s"), ()), items)
    assert [(each.item_id, each.policy_id, each.expected) for each in answers] == [
        ("1", "p0", True),
        ("2", "p0", None),
        ("3", "p1", False),
    ]
    p0, p1 = report(judged, items).policies
    assert (p0.figures.answers, p0.figures.unknown, p0.figures.tp) == (2, 1, 1)
    assert (p1.figures.answers, p1.figures.fp) == (1, 1)


def test_mistakes_are_named_with_misses_first_and_the_surest_of_them_on_top() -> None:
    items = [item(str(n), Expected("p0", n < 3, ("R2",) if n < 3 else ()), note=f"note {n}") for n in range(6)]
    judged = [
        said("0", False, 0.4),
        said("1", False, 0.1),
        said("2", True, 0.9),
        said("3", True, 0.8),
        said("4", None, rationale="", reason="length", detail="cut off"),
        said("5", False, 0.1),
    ]
    (policy,) = report(judged, items).policies
    assert [(each.item_id, each.kind) for each in policy.mistakes] == [
        ("1", MistakeKind.MISS),
        ("0", MistakeKind.MISS),
        ("3", MistakeKind.FALSE_ALARM),
        ("4", MistakeKind.REJECTED),
    ]
    assert (policy.mistakes[0].expected_rules, policy.mistakes[0].note) == (("R2",), "note 1")
    assert policy.mistakes[3].rationale == "length: cut off"


def test_an_item_that_is_asked_again_is_one_mistake_with_its_count() -> None:
    items = [item("1", Expected("p0", True)), item("2", Expected("p0", False))]
    judged = [said("1", n != 1, repeat=n) for n in range(5)] + [said("2", False, repeat=n) for n in range(5)]
    (policy,) = report(judged, items).policies
    assert [(each.item_id, each.times, each.asked) for each in policy.mistakes] == [("1", 1, 5)]
    assert policy.agreement is not None
    assert policy.agreement.wavering == ("1",)
    for format in ("text", "md", "html"):
        shown = render(report(judged, items), format)
        assert "1 of 5 times" in shown
        assert "asked 5 times, it always said the same of 0.500" in shown


def test_rules_are_measured_only_where_labels_name_them() -> None:
    items = [item("1", Expected("p0", True)), item("2", Expected("p0", False))]
    judged = [said("1", True), said("2", True)]
    assert report(judged, items).policies[0].rules == ()
    items[0] = item("1", Expected("p0", True, ("R1",)))
    (rule,) = report(judged, items).policies[0].rules
    assert (rule.rule_id, rule.expected, rule.cited, rule.both) == ("R1", 1, 2, 1)


def test_the_report_shows_what_was_asked_for_and_nothing_else() -> None:
    judged, items = many()
    plain = report(judged, items).policies[0]
    assert (plain.slices, plain.sweep, plain.operating, plain.agreement) == ((), (), (), None)
    looks = Looks(("lang",), sweep=True, wants=(Want("precision", 0.9), Want("recall", 1.0)))
    full = report(judged, items, looks)
    (policy,) = full.policies
    assert {each.value for each in policy.slices} == {"en", "de"}
    assert policy.sweep
    assert [each.found is not None for each in policy.operating] == [True, False]
    for format in ("text", "md", "html", "json"):
        shown = render(full, format)
        assert "0.9" in shown
        for word in ("lang", "precision", "recall", "specificity", "R1"):
            assert word in shown, (format, word)
    assert "no threshold has it as its lower bound" in render(full, "text")


@pytest.mark.parametrize("format", ["text", "md", "html", "json"])
def test_half_a_character_can_be_shown(format: str) -> None:
    shown = render(report([said("1", False)], [item("1", Expected("p0", True), text="half \ud83d")]), format)
    assert "\\ud83d" in shown
    assert shown.encode()


@pytest.mark.parametrize("format", ["text", "md", "html"])
def test_the_same_answers_make_the_same_bytes(format: str) -> None:
    judged, items = many()
    one = render(report(judged, items, run_id="one"), format)
    assert one == render(report(judged, items, run_id="two"), format)
    assert "one" not in one.split()


def test_json_has_everything_and_is_json() -> None:
    judged, items = many()
    shown = json.loads(render(report(judged, items), "json"))
    assert shown["run_id"] == "run"
    policy = shown["policies"][0]
    wrong = policy["figures"]["fp"] + policy["figures"]["fn"]
    assert len(policy["mistakes"]) == wrong > MISTAKES
    assert policy["figures"]["recall"]["low"] < policy["figures"]["recall"]["value"]


def test_long_lists_are_cut_with_a_count_of_the_rest() -> None:
    items = [item(str(n), Expected("p0", True)) for n in range(300)]
    shown = report([said(each.id, False, 0.1) for each in items], items)
    assert f"- and {300 - MISTAKES} more" in render(shown, "md")
    assert "and 280 more; --format json has all of them" in render(shown, "text")
    assert "and 100 more; --format json has all of them" in render(shown, "html")


def test_a_gate_that_failed_is_the_first_thing_one_reads() -> None:
    judged, items = many()
    gates = (
        GateResult("recall=1", "p0", False, "p0: recall: failed"),
        GateResult("f1=0", "p0", True, "p0: f1: passed"),
    )
    failed = replace(report(judged, items), gates=gates)
    assert [gate.asked for gate in failed.failed] == ["recall=1"]
    shown = render(failed, "md")
    assert shown.index("**FAILED** `p0: recall: failed`") < shown.index("| policy |")
    assert '<p class="failed">p0: recall: failed</p>' in render(failed, "html")
    assert "p0: recall: failed" in render(failed, "text")


def hostile() -> EvalReport:
    """Every text that somebody else wrote is hostile."""
    bad = item("1" + HOSTILE, Expected("p0", True), text=HOSTILE, note=HOSTILE, carried=(("lang", HOSTILE),))
    judged = [said(bad.id, False, 0.2, rationale=HOSTILE)]
    return replace(report(judged, [bad], Looks(("lang",))), golden=(HOSTILE,), job=HOSTILE)


def test_markdown_shows_content_as_code_and_nothing_of_it_acts() -> None:
    shown = render(hostile(), "md")
    assert not set(shown) & {"\x1b", "\u202e"}
    outside = CODE_SPAN.sub("", shown)
    for word in ("script", "http", "@team", "evil", "# head"):
        assert word not in outside, word
    for table in re.findall(r"(?:^\|.*\n)+", shown, re.MULTILINE):
        assert len({line.replace("\\|", "").count("|") for line in table.splitlines()}) == 1, table


@pytest.mark.parametrize("text", ["", "a", "`", "``a`", "a`` b```", " a ", "a\nb", "|", HOSTILE])
def test_a_code_span_ends_where_it_should(text: str) -> None:
    span = CODE_SPAN.match(code(text))
    assert span is not None
    assert span.group() == code(text), "nothing in it ends it"
    assert "|" not in cell(text).replace("\\|", "")


def test_html_escapes_what_others_wrote_and_asks_for_nothing() -> None:
    shown = render(hostile(), "html")
    assert "<script" not in shown
    assert "&lt;script&gt;" in shown
    assert not set(shown) & {"\x1b", "\u202e"}
    page = Page()
    page.feed(shown)
    assert page.open == []
    assert page.tags >= {"table", "svg", "circle"}
    assert not page.tags & {"script", "img", "link", "iframe", "a"}
    assert not page.attributes & {"src", "href", "onclick", "onload"}


def test_the_terminal_gets_no_control_characters() -> None:
    shown = render(hostile(), "text")
    assert not [c for c in shown if not c.isprintable() and c != "\n"]
    assert "\\x1b[31m\\u202eevil" in shown


def test_the_plot_has_a_mark_for_each_bin_inside_its_frame() -> None:
    judged, items = many()
    found = calibration(answers_of(Trial(tuple(judged), JudgeIdentity("j", "r", "s"), ()), items))
    drawn = marks(found)
    assert len(drawn) == len(found.bins) > 3
    for mark, each in zip(drawn, found.bins, strict=True):
        assert mark.x == round(MARGIN + SIDE * each.mean_score, 1)
        assert MARGIN <= mark.high <= mark.y <= mark.low <= MARGIN + SIDE
