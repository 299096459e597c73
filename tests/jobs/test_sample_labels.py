"""`assay sample`: what it draws from the table, what it writes, and what comes back as labels."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from assay.config import Config
from assay.errors import InputError
from assay.records import Confidence, Outcome, Verdict
from authoring.labels_file import read_labels
from jobs.cli import app
from jobs.load import Job
from jobs.sample_labels import Drawing, sample_labels
from measure.prevalence import Labelled, labelled_share
from tests.jobs.workplace import make_workplace
from tests.sinks.outcomes import DAY, policy, rejection, verdict
from tests.sinks.stand import open_sink

SPAM, SCAM = policy("spam"), policy("scam")
ITEMS = 400


def outcome(number: int, score: float | None, under: str = "spam", **item: object) -> Outcome:
    made = verdict(number, under=policy(under), **item)
    result = made.judgement.result
    assert isinstance(result, Verdict)
    flagged = bool(score and score >= 0.5)
    cited = ("S1",) if flagged else ()
    said = replace(result, violation=flagged, score=score, rule_ids=cited, confidence=Confidence.MEDIUM)
    return replace(made, judgement=replace(made.judgement, result=said))


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """400 items under `spam`, every twentieth flagged, and ten under `scam`."""
    where = str(tmp_path / "audit")
    spam = [outcome(number, 0.9 if number % 20 == 0 else 0.01) for number in range(ITEMS)]
    open_sink(where).commit([*spam, *(outcome(number, None, "scam") for number in range(10)), rejection(ITEMS)], {})
    return job_on(where)


def job_on(where: str) -> Job:
    config = {
        "name": "t",
        "source": {"kind": "parquet", "path": "x", "columns": {"id": "id", "text": "text"}},
        "policies": ["p"],
        "judge": {"kind": "scripted"},
        "sink": {"kind": "delta", "path": where},
    }
    return Job(Config.model_validate(config), (SPAM, SCAM))


def test_as_many_as_asked_are_drawn_for_each_policy_and_weigh_what_they_stand_for(job: Job, tmp_path: Path) -> None:
    out = tmp_path / "labels.csv"
    report = sample_labels(job, Drawing(per_policy=40), out)
    assert [(each.policy_id, each.items, each.labels) for each in report.policies] == [
        ("spam", ITEMS, 40),
        ("scam", 10, 10),
    ]
    labels = read_labels([out])
    spam = [label for label in labels if label.policy_id == "spam"]
    risky = [label for label in spam if int(label.item_id[1:]) % 20 == 0]
    assert 8 <= len(risky) <= 16, "20 of 400, at nearly ten times the chance"
    assert max(label.weight or 0 for label in risky) < min(label.weight or 0 for label in spam if label not in risky)
    assert sum(label.weight or 0 for label in spam) == pytest.approx(ITEMS, rel=0.25)
    assert {label.weight for label in labels if label.policy_id == "scam"} == {1.0}


def test_at_random_all_weigh_the_same(job: Job, tmp_path: Path) -> None:
    sample_labels(job, Drawing(per_policy=40, by="random"), tmp_path / "labels.csv")
    assert {round(label.weight or 0, 9) for label in read_labels([tmp_path / "labels.csv"])} == {10.0, 1.0}


def test_labels_that_come_back_give_the_prevalence(job: Job, tmp_path: Path) -> None:
    """Labelled as the judge says: then the estimate is near the judge's own rate, whatever the sample."""
    out = tmp_path / "labels.parquet"
    sample_labels(job, Drawing(per_policy=100, seed=3), out)
    labels = [label for label in read_labels([out]) if label.policy_id == "spam"]
    said = [Labelled(int(label.item_id[1:]) % 20 == 0, None, label.weight) for label in labels]
    found = labelled_share(said)
    assert found.value is not None
    assert (found.low or 0) <= found.value < (found.high or 0)
    assert found.value == pytest.approx(0.05, abs=0.02)


def test_the_verdict_is_hidden_unless_asked_for(job: Job, tmp_path: Path) -> None:
    sample_labels(job, Drawing(), tmp_path / "blind.parquet")
    blind = pq.read_table(tmp_path / "blind.parquet")
    assert not {"violation", "score", "confidence", "rules"} & set(blind.column_names)
    assert set(blind["label"].to_pylist()) == {None}
    sample_labels(job, Drawing(show_verdict=True), tmp_path / "shown.parquet")
    shown = pq.read_table(tmp_path / "shown.parquet").to_pylist()
    assert {(row["violation"], row["rules"]) for row in shown if row["policy_id"] == "spam"} == {
        (True, "S1"),
        (False, ""),
    }


def test_rows_come_in_an_order_that_says_nothing(job: Job, tmp_path: Path) -> None:
    sample_labels(job, Drawing(per_policy=60, show_verdict=True), tmp_path / "shown.parquet")
    rows = pq.read_table(tmp_path / "shown.parquet").to_pylist()
    spam = [row for row in rows if row["policy_id"] == "spam"]
    flagged = [place for place, row in enumerate(spam) if row["violation"]]
    assert [row["item_id"] for row in spam] != sorted(row["item_id"] for row in spam)
    assert flagged != list(range(len(flagged)))


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_the_same_seed_gives_the_same_file(job: Job, tmp_path: Path, suffix: str) -> None:
    files = [tmp_path / f"{name}.{suffix}" for name in ("a", "b", "c")]
    for file, seed in zip(files, (1, 1, 2), strict=True):
        sample_labels(job, Drawing(per_policy=40, seed=seed), file)
    first, again, other = (file.read_bytes() for file in files)
    assert first == again != other


def test_only_the_latest_verdict_of_an_item_counts(tmp_path: Path) -> None:
    where = str(tmp_path / "audit")
    first = outcome(1, 0.9, id="m1")
    later = replace(outcome(2, 0.01, id="m1"), judged_at=DAY + timedelta(days=1))
    open_sink(where).commit([later, first], {})
    sample_labels(job_on(where), Drawing(show_verdict=True), tmp_path / "out.parquet")
    (row,) = pq.read_table(tmp_path / "out.parquet").to_pylist()
    assert (row["violation"], row["position"]) == (False, 2)


def test_an_id_that_looks_like_a_formula_can_not_run_and_comes_back(tmp_path: Path) -> None:
    where = str(tmp_path / "audit")
    open_sink(where).commit([outcome(1, 0.9, id="=1+1")], {})
    sample_labels(job_on(where), Drawing(), tmp_path / "out.csv")
    assert "\n'=1+1," in (tmp_path / "out.csv").read_text()
    assert read_labels([tmp_path / "out.csv"])[0].item_id == "=1+1"


def test_an_id_with_a_carriage_return_stays_one_cell(tmp_path: Path) -> None:
    where, id = str(tmp_path / "audit"), "a\r=1+1"
    open_sink(where).commit([outcome(1, 0.9, id=id)], {})
    sample_labels(job_on(where), Drawing(), tmp_path / "out.csv")
    assert b'\n"a\r=1+1",spam,' in (tmp_path / "out.csv").read_bytes()
    assert [label.item_id for label in read_labels([tmp_path / "out.csv"])] == [id]


def test_refusals(job: Job, tmp_path: Path) -> None:
    there = tmp_path / "there.csv"
    there.write_text("labels that somebody made")
    for drawing, out, says in (
        (Drawing(per_policy=0), tmp_path / "a.csv", "--per-policy 0"),
        (Drawing(), tmp_path / "a.xlsx", "ends in .csv or .parquet"),
        (Drawing(), there, "is there already"),
    ):
        with pytest.raises(InputError, match=says):
            sample_labels(job, drawing, out)
    with pytest.raises(InputError, match="nothing audited yet"):
        sample_labels(job_on(str(tmp_path / "none")), Drawing(), tmp_path / "a.csv")
    with pytest.raises(InputError, match="no verdict under any of these policies"):
        sample_labels(replace(job, policies=(policy("other"),)), Drawing(), tmp_path / "a.csv")
    assert there.read_text() == "labels that somebody made"


def test_the_command(tmp_path: Path) -> None:
    place = make_workplace(tmp_path, policies=1)
    place.path.write_text(json.dumps(place.config))
    open_sink(str(tmp_path / "out" / "audit")).commit([outcome(number, 0.2, "p0") for number in range(30)], {})
    arguments = ["sample", str(place.path), "--per-policy", "5", "--by", "score", "--seed", "0", "--out"]
    done = CliRunner().invoke(app, [*arguments, str(tmp_path / "labels.csv")])
    assert done.exit_code == 0, done.output
    assert "p0: 5 of 30 items" in done.stdout
    done = CliRunner().invoke(app, [*arguments, str(tmp_path / "again.csv"), "--json"])
    assert json.loads(done.stdout)["policies"] == [{"policy_id": "p0", "items": 30, "labels": 5}]
    assert (tmp_path / "labels.csv").read_bytes() == (tmp_path / "again.csv").read_bytes()
