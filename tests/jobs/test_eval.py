"""`assay eval` with the real command and a scripted judge that is wrong at a known rate."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jobs.trial import trial_table
from tests.jobs.workplace import Workplace, make_workplace
from tests.ray_cluster import SharedCluster

pytestmark = pytest.mark.slow
ITEMS = 240
NOISE = 0.1


@pytest.fixture
def place(tmp_path: Path, ray_cluster: SharedCluster) -> Workplace:
    return noisy(tmp_path).join(ray_cluster)


def noisy(folder: Path) -> Workplace:
    """A job under p0 and p1 whose judge is wrong one time in ten, and golden items for both policies."""
    place = make_workplace(folder, files=1, items=5)
    place.config["judge"] |= {"noise": NOISE, "seed": 1, "journal": str(folder / "journal")}
    place.config["replicas"]["count"] = 1
    write_golden(place)
    return place


def write_golden(place: Workplace, *, swapped: Callable[[int], bool] = lambda _: False) -> None:
    """Every third item has free money in it; `swapped` says whose label is the wrong way round."""
    with open(place.folder / "golden.csv", "w", newline="", encoding="utf-8") as stream:
        rows = csv.writer(stream)
        rows.writerow(["item_id", "policy_id", "label", "rules", "text", "lang"])
        for number in range(ITEMS):
            violation = (number % 3 == 0) != swapped(number)
            text = f"golden message {number}" + (" with free money" if number % 3 == 0 else "")
            for policy in ("p0", "p1"):
                label = ("violates", "R1") if violation else ("allowed", "")
                rows.writerow([f"g{number}", policy, *label, text, ("en", "de")[number % 2]])


def asked(place: Workplace) -> int:
    """How many cases the judge has been asked, in all runs."""
    journal = place.folder / "journal"
    return len(journal.read_bytes()) if journal.exists() else 0


def evaluate(place: Workplace, *options: str, code: int = 0) -> dict[str, Any]:
    run = place.run("eval", "CONFIG", "--golden", "golden.csv", "--json", *options, code=code)
    found: dict[str, Any] = json.loads(run.stdout)
    return found


def test_a_judge_that_is_wrong_at_a_known_rate_gives_the_expected_figures(tmp_path: Path) -> None:
    place = noisy(tmp_path)
    report = evaluate(place, "--by", "lang", "--want", "precision=0.9")
    assert asked(place) == 2 * ITEMS
    share = ITEMS / 3
    for policy in report["policies"]:
        figures = policy["figures"]
        assert (figures["tp"] + figures["fn"], figures["fp"] + figures["tn"]) == (share, ITEMS - share)
        precision = share * (1 - NOISE) / (share * (1 - NOISE) + (ITEMS - share) * NOISE)
        for name, truth in (("recall", 1 - NOISE), ("specificity", 1 - NOISE), ("precision", precision)):
            figure = figures[name]
            assert figure["low"] < truth < figure["high"], (policy["policy_id"], name, figure)
            assert figure["high"] - figure["low"] < 0.2
        wrong = [mistake["item_id"] for mistake in policy["mistakes"]]
        assert len(wrong) == figures["fp"] + figures["fn"] > 0
        assert policy["operating"][0]["found"]["point"]["threshold"] == 0.99, "what it gets wrong it says at 0.6"
        assert {each["value"]: each["figures"]["items"] for each in policy["slices"]} == {"en": 120, "de": 120}
    both = (1 - NOISE) ** 2
    assert report["exact_match"]["low"] < both < report["exact_match"]["high"]


def test_the_same_evaluation_again_judges_nothing_and_reads_the_same(place: Workplace) -> None:
    first = place.run("eval", "CONFIG", "--golden", "golden.csv", "--format", "md", "--threshold").stdout
    assert asked(place) == 2 * ITEMS
    second = place.run("eval", "CONFIG", "--golden", "golden.csv", "--format", "md", "--threshold").stdout
    assert asked(place) == 2 * ITEMS
    assert first == second
    assert "| policy |" in first
    policy = place.folder / "policies" / "p0.md"
    policy.write_text(policy.read_text() + "\nOne thing more.\n")
    evaluate(place)
    assert asked(place) == 3 * ITEMS, "an edited policy costs itself only"


def test_labels_that_were_swapped_are_noticed_by_the_gate(place: Workplace) -> None:
    gates = ("--fail-under", "recall=0.8:lower", "--fail-under", "p1.precision=0.6:lower")
    passed = evaluate(place, *gates)
    assert [(gate["policy_id"], gate["passed"]) for gate in passed["gates"]] == [
        ("p0", True),
        ("p1", True),
        ("p1", True),
    ]
    write_golden(place, swapped=lambda number: number % 5 == 0)
    run = place.run("eval", "CONFIG", "--golden", "golden.csv", *gates, "--out", "report.txt", code=1)
    assert run.stdout == ""
    assert "assay: a gate failed" in run.stderr
    recall = json.loads(kept(place, run.stderr))["policies"][0]["figures"]["recall"]
    (line,) = [line for line in run.stderr.splitlines() if line.startswith("  p0: recall at least 0.8")]
    for bound in ("value", "low", "high"):
        assert f"{recall[bound]:.4f}" in line, "the message names the figure and its interval"
    assert "p0: recall" in (place.folder / "report.txt").read_text()
    assert asked(place) == 2 * ITEMS, "labels are not what the judge sees"


def kept(place: Workplace, stderr: str) -> str:
    """The report that a run says it kept."""
    (line,) = [line for line in stderr.splitlines() if line.startswith("kept as ")]
    path = Path(line.removeprefix("kept as "))
    assert path.parent == place.folder / "out" / "audit" / "evals" / "reports"
    return path.read_text(encoding="utf-8")


def test_each_repeat_is_judged_for_itself_and_shows_how_often_the_judge_wavers(place: Workplace) -> None:
    evaluate(place, "--policies", "p1")
    assert asked(place) == ITEMS
    report = evaluate(place, "--policies", "p1", "--repeats", "3")
    assert asked(place) == 3 * ITEMS, "the first of three was judged before"
    (policy,) = report["policies"]
    agreement = policy["agreement"]
    assert (agreement["items"], agreement["repeats"]) == (ITEMS, 3)
    always = (1 - NOISE) ** 3 + NOISE**3
    assert agreement["unanimous"]["low"] < always < agreement["unanimous"]["high"]
    assert {mistake["asked"] for mistake in policy["mistakes"]} == {3}


def test_what_is_evaluated_is_kept_apart_from_what_is_enforced(place: Workplace) -> None:
    report = evaluate(place, "--policies", "p0")
    place.config["judge"]["noise"] = 0
    assert place.backfill()["verdicts"] == 10
    assert {row["item_id"] for row in place.query("select item_id from verdicts")} == {f"m{n}" for n in range(5)}
    place.config["sink"]["path"] = trial_table(place.config["sink"]["path"])
    (run,) = place.query("select run_id, job, state, verdicts from runs")
    assert run == {"run_id": report["run_id"], "job": "nightly.eval", "state": "done", "verdicts": ITEMS}
    assert place.query("select carried['golden:lang'] as lang, count(*) as n from verdicts group by 1 order by 1") == [
        {"lang": "de", "n": ITEMS // 2},
        {"lang": "en", "n": ITEMS // 2},
    ]


def test_a_policy_brings_its_golden_items(place: Workplace) -> None:
    policy = place.folder / "policies" / "p0.md"
    inline = 'golden:\n  - {text: "free money here", label: violates, rules: [R1]}\n  - {text: hello, label: allowed}\n'
    policy.write_text(policy.read_text().replace("rules:\n", inline + "rules:\n", 1))
    other = place.folder / "policies" / "p1.md"
    other.write_text(other.read_text().replace("rules:\n", "golden: ../own.csv\nrules:\n", 1))
    (place.folder / "own.csv").write_text("item_id,label,text\n1,allowed,good morning\n")
    report = json.loads(place.run("eval", "CONFIG", "--json").stdout)
    assert {each["policy_id"]: each["figures"]["items"] for each in report["policies"]} == {"p0": 2, "p1": 1}
    assert report["golden"] == ["p0.md", "own.csv"]
