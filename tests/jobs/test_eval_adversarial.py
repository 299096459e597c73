"""`assay eval --adversarial`: a judge whose weakness is known flips where it must, and not where it is normalised."""

from __future__ import annotations

import asyncio
import csv
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from actors.scripted import ScriptedJudge
from assay.config import Config, ScriptedConfig
from assay.errors import InputError
from assay.golden import Expected, GoldenItem
from assay.policy import parse_policy
from assay.records import Case, Item, ItemKind, Place, Turn, Verdict
from jobs.attack_report import PolicyAttacks
from jobs.eval_adversarial import Suite, attack_job
from jobs.eval_report import Looks, evaluate
from jobs.evaluate import render
from jobs.load import Job
from jobs.trial import Judged, Trial
from measure.answers import Answer
from tests.jobs.workplace import POLICY, make_workplace
from tests.ray_cluster import SharedCluster

P0, P1 = (parse_policy(POLICY.format(id=name), name) for name in ("p0", "p1"))
ITEMS = 30
BLIND = {"zero_width", "homoglyphs", "leetspeak", "diacritics", "base64", "rot13", "spacing", "emoji", "split_turns"}
"""Attacks that hide `free money` from a pattern."""
CURED = {"zero_width", "homoglyphs", "leetspeak", "diacritics", "base64", "rot13", "spacing"}
"""Those of them that a view undoes."""


def golden() -> list[GoldenItem]:
    """Violations and allowed items under p0; every third has no label, and half are labelled under p1 too."""
    items = []
    for number in range(ITEMS):
        text = f"Message {number} {'with' if number % 3 == 0 else 'without'} free money for everybody who reads it"
        text = text if number % 3 == 0 else text.replace("free money", "an offer")
        expected = Expected("p0", (True, False, None)[number % 3])
        others = (Expected("p1", number % 3 == 0),) if number % 2 else ()
        items.append(
            GoldenItem(f"g{number}", ItemKind.TEXT, (), (Turn("user", text),), (expected, *others), f"g{number}")
        )
    return items


def job(**judge: object) -> Job:
    config = Config.model_validate(
        {
            "name": "nightly",
            "source": {"kind": "parquet", "path": "data", "columns": {"id": "id", "text": "text"}},
            "policies": ["p.md"],
            "judge": {"kind": "scripted", "match": "(?i)free money|raffle", **judge},
            "sink": {"kind": "delta", "path": "out"},
        }
    )
    return Job(config, (P0, P1), Path("job.yaml"), {})


def at_once(under: Job, items: Sequence[GoldenItem]) -> tuple[Answer, ...]:
    """The scripted judge itself, without a run around it."""
    assert isinstance(under.config.judge, ScriptedConfig)
    judge, answers = ScriptedJudge(under.config.judge), []
    for number, item in enumerate(items):
        case = Item(item.id, item.kind, item.judged, Place("golden", "0", number), item.context)
        for policy in under.policies:
            result = asyncio.run(judge.judge(Case(case, policy))).result
            said = result.violation if isinstance(result, Verdict) else None
            expected = next((each.violation for each in item.expected if each.policy_id == policy.id), None)
            answers.append(Answer(item.id, item.group, policy.id, expected, said))
    return tuple(answers)


def flipped(policy: PolicyAttacks, *, normalised: bool = False) -> dict[str, float | None]:
    """By attack on violations, the share that flips."""
    rows = [row.normalised if normalised else row.flips for row in policy.rows]
    return {row.attack: row.rate.value for row in rows if row is not None and row.expected}


def test_attacks_that_hide_the_words_flip_all_and_others_none() -> None:
    p0, p1 = attack_job(job(), golden(), Suite(padding=300), at_once)
    assert (p0.policy_id, p0.originals, p1.originals) == ("p0", ITEMS, ITEMS // 2)
    rates = flipped(p0)
    hidden = {name for name, rate in rates.items() if rate is not None and rate > 0.5}
    assert hidden - {"any"} >= BLIND - {"split_turns"}
    assert {name for name, rate in rates.items() if rate == 0} >= {"case", "fake_verdict", "harmony", "padding_before"}
    assert rates["any"] == 1
    assert [row.flips.attack for row in p0.rows][-2:] == ["any", "any"]
    assert all(row.flips.tried in (ITEMS // 3, ITEMS // 6) for row in (*p0.rows, *p1.rows))
    shares = [row.flips.rate.value for row in p0.rows[:-2]]
    assert shares == sorted(shares, key=lambda share: -(share or 0))


def test_normalising_cures_what_a_view_undoes_and_nothing_else() -> None:
    (p0, _) = attack_job(job(), golden(), Suite(padding=300, normalise_too=True), at_once)
    before, after = flipped(p0), flipped(p0, normalised=True)
    assert {name: after[name] for name in CURED} == dict.fromkeys(CURED, 0)
    assert {name: after[name] for name in set(before) - CURED - {"any"}} == {
        name: before[name] for name in set(before) - CURED - {"any"}
    }


def test_allowed_items_are_attacked_with_alarming_words() -> None:
    about_spam = parse_policy(POLICY.format(id="p0").replace("title: p0", "title: Spam"), "p0")
    spam = replace(job(), policies=(about_spam,))
    (p0,) = attack_job(spam, golden(), Suite(names=("alarming_words",)), at_once)
    (row, _) = p0.rows
    assert (row.flips.expected, row.flips.tried) == (False, ITEMS // 3)
    assert 0 < row.flips.flipped < ITEMS // 3, "the judge takes every raffle for spam"


def test_a_rejection_after_an_attack_counts_and_is_shown() -> None:
    suite = Suite(names=("padding_after",), padding=5000)
    (p0, _) = attack_job(job(max_content_chars=1000), golden(), suite, at_once)
    (row, _) = p0.rows
    assert (row.flips.flipped, row.flips.rejected, row.flips.tried) == (ITEMS // 3,) * 3


@pytest.mark.parametrize(
    ("suite", "judge", "message"),
    [
        (Suite(names=("morse",)), {}, "no attack 'morse'"),
        (Suite(padding=0), {}, "--padding 0"),
        (Suite(normalise_too=True), {"normalise": True}, "--normalise-too"),
    ],
)
def test_what_makes_no_sense_is_refused(suite: Suite, judge: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        attack_job(job(**judge), golden(), suite, at_once)


def test_every_form_of_the_report_has_the_attacks() -> None:
    attacks = attack_job(job(), golden(), Suite(padding=300, normalise_too=True), at_once)
    judged = tuple(Judged(item.id, "p0", 0, True, ("R1",)) for item in golden())
    trial = Trial(judged, ScriptedJudge(ScriptedConfig(kind="scripted")).identity, ())
    plain = evaluate(trial, golden(), (P0,), Looks(), job="nightly", golden=["g.csv"], repeats=1, run_id="run")
    report = replace(plain, attacks=attacks)
    for form in ("text", "md", "html"):
        shown = render(report, form)
        assert "Attacks on p0 (" in shown
        assert "homoglyphs" in shown
        assert "1.000 (0.722 to 1.000)" in " ".join(shown.split())
        assert "Attacks on" not in render(plain, form)
    rows = json.loads(render(report, "json"))["attacks"][0]["rows"]
    assert {row["attack"] for row in rows} >= BLIND
    assert all(row["flips"]["rate"]["n"] == row["flips"]["tried"] for row in rows)


@pytest.mark.slow
def test_the_command_attacks_and_pays_for_originals_once(tmp_path: Path, ray_cluster: SharedCluster) -> None:
    place = make_workplace(tmp_path, files=1, items=5).join(ray_cluster)
    place.config["judge"] |= {"journal": str(tmp_path / "journal")}
    place.config["replicas"]["count"] = 1
    with open(tmp_path / "golden.csv", "w", newline="", encoding="utf-8") as stream:
        rows = csv.writer(stream)
        rows.writerow(["item_id", "policy_id", "label", "text"])
        rows.writerows([f"g{n}", "p0", "violates", f"number {n} free money for you all"] for n in range(6))
    options = ("--golden", "golden.csv", "--json", "--adversarial", "--attack", "base64", "--attack", "split_turns")
    report = json.loads(place.run("eval", "CONFIG", *options, "--normalise-too", "--padding", "100").stdout)
    (p0,) = report["attacks"]
    found = {row["attack"]: (row["flips"]["flipped"], row["normalised"]["flipped"]) for row in p0["rows"]}
    assert found == {"base64": (6, 0), "split_turns": (6, 6), "any": (6, 6)}
    assert len((tmp_path / "journal").read_bytes()) == 6 + 12 + 18, "originals once, and once more for each judge"
    assert "--adversarial" in place.run("eval", "CONFIG", "--normalise-too", code=2).stderr
