"""What `assay diff` refuses, before a model is loaded or anything is written."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from assay.errors import InputError
from jobs.cli import app
from jobs.diff_items import choose
from jobs.diff_sides import sides_of
from jobs.load import load_job
from tests.jobs.workplace import Workplace, make_workplace


@pytest.fixture
def place(tmp_path: Path) -> Workplace:
    """A job under p0 and p1, and beside it new texts of p0, another judge, and golden items for p0."""
    place = make_workplace(tmp_path, files=1, items=3)
    place.path.write_text(yaml.safe_dump(place.config))
    old = (tmp_path / "policies" / "p0.md").read_text()
    (tmp_path / "new.md").write_text(old + "\nOne thing more.\n")
    (tmp_path / "again.md").write_text(old + "\nAnd another.\n")
    (tmp_path / "title.md").write_text(old.replace("title: p0", "title: A better one"))
    (tmp_path / "stranger.md").write_text(old.replace("id: p0", "id: p7"))
    (tmp_path / "broken.md").write_text("no front matter")
    other = place.config | {"judge": place.config["judge"] | {"match": "chain"}}
    (tmp_path / "other.yaml").write_text(yaml.safe_dump(other))
    (tmp_path / "p0.csv").write_text("item_id,policy_id,label,text\n1,p0,violates,free money\n2,p0,,hi\n")
    (tmp_path / "p1.csv").write_text("item_id,policy_id,label,text\n1,p1,violates,free money\n")
    return place


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "name an edited policy with --policy, another judge with --judge"),
        (("--policy", "nowhere.md"), "nowhere.md"),
        (("--policy", "broken.md"), "broken.md: no front matter"),
        (("--policy", "stranger.md"), "stranger.md: the job has no policy with the id 'p7'; there are: p0, p1; "),
        (("--policy", "new.md", "--policy", "again.md"), "again.md: id: 'p0' is also the id of new.md"),
        (("--policy", "policies/p0.md"), "policies/p0.md: it is the job's own file"),
        (("--policy", "title.md"), "title.md: it says the same as "),
        (("--policy", "new.md", "--policies", "p0"), "--policies: it goes with --judge alone"),
        (("--judge", "nowhere.yaml"), "nowhere.yaml: no such file"),
        (("--judge", "job.yaml"), "job.yaml: its judge is the job's own"),
        (("--judge", "other.yaml", "--policies", "p7"), "no policy has the id 'p7'"),
        (("--policy", "new.md", "--sample", "0"), "--sample 0: draw at least one content"),
        (("--policy", "new.md", "--items", "nowhere.csv"), "nowhere.csv"),
        (("--policy", "new.md", "--items", "golden"), "--items golden: neither text of the policy names golden items"),
        (("--policy", "new.md", "--items", "p1.csv"), "no golden item has a label under the policies"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_judged(
    place: Workplace, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], message: str
) -> None:
    monkeypatch.chdir(place.folder)
    result = CliRunner().invoke(app, ["diff", "job.yaml", *options])
    assert isinstance(result.exception, InputError), result.exception
    assert message in str(result.exception)
    assert not (place.folder / "out").exists()


def test_a_policy_that_was_named_may_not_be_without_items(place: Workplace) -> None:
    (place.folder / "new1.md").write_text((place.folder / "policies" / "p1.md").read_text() + "\nMore.\n")
    sides = sides_of(load_job(place.path), [place.folder / "new.md", place.folder / "new1.md"], None, "")
    with pytest.raises(InputError, match="no item has a label under policy p1"):
        choose(sides, str(place.folder / "p0.csv"), 10, 0, named=True)


def test_with_another_judge_all_policies_that_have_items_are_compared(place: Workplace) -> None:
    job, other = load_job(place.path), place.folder / "other.yaml"
    sides = sides_of(job, [], other, "")
    assert [policy.id for policy in sides.after.policies] == ["p0", "p1"]
    assert sides.judges == ("scripted (match (?i)free money)", "scripted (match chain)")
    chosen = choose(sides, str(place.folder / "p0.csv"), 10, 0, named=False)
    assert [(old.id, new.id) for old, new in chosen.sides.pairs] == [("p0", "p0")]
    assert [each.violation for item in chosen.items for each in item.expected] == [True, None]
    assert [policy.id for policy in sides_of(job, [], other, "p1").before.policies] == ["p1"]


def test_the_golden_items_are_those_of_the_new_text_if_it_names_some(place: Workplace) -> None:
    def names(policy: str, file: str) -> str:
        return policy.replace("rules:\n", f"golden: {file}\nrules:\n", 1)

    old, new = place.folder / "policies" / "p0.md", place.folder / "new.md"
    old.write_text(names(old.read_text(), "../old.csv"))
    (place.folder / "old.csv").write_text("item_id,label,text\n1,allowed,good morning\n")
    sides = sides_of(load_job(place.path), [new], None, "")
    assert choose(sides, "golden", 10, 0, named=True).files == ("old.csv",)
    new.write_text(names(new.read_text(), "p0.csv"))
    sides = sides_of(load_job(place.path), [new], None, "")
    assert choose(sides, "golden", 10, 0, named=True).files == ("p0.csv",)


def test_a_topic_is_not_drawn_from(place: Workplace) -> None:
    columns = {"id": "id", "text": "text"}
    place.config["source"] = {
        "kind": "kafka",
        "bootstrap": "nowhere:9092",
        "topics": ["items"],
        "group": "audit",
        "columns": columns,
    }
    place.path.write_text(yaml.safe_dump(place.config))
    sides = sides_of(load_job(place.path), [place.folder / "new.md"], None, "")
    with pytest.raises(InputError, match="a sample is drawn from Parquet"):
        choose(sides, "source", 10, 0, named=True)
    assert choose(sides, str(place.folder / "p0.csv"), 10, 0, named=True).population is None
