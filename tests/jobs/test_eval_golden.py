"""Which labelled items an evaluation is about, from files and from the policies themselves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from assay.errors import InputError
from assay.golden import Expected, GoldenItem
from assay.records import ItemKind, Turn
from jobs.eval_golden import GoldenSet, golden_files, own_golden, under_job
from jobs.load import Job, load_job
from jobs.trial_items import keep_items, modes_of
from measure.answers import Answer
from measure.figures import figures
from measure.gate import judge_gate, parse_gate
from sources.plan import plan
from tests.jobs.workplace import make_workplace


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """A job with policies p0 and p1."""
    place = make_workplace(tmp_path, files=1, items=1)
    place.path.write_text(yaml.safe_dump(place.config))
    return load_job(place.path)


def golden(folder: Path, name: str, *rows: str) -> Path:
    path = folder / name
    path.write_text("item_id,policy_id,label,text\n" + "".join(f"{row}\n" for row in rows))
    return path


def labels(found: GoldenSet) -> dict[str, dict[str, bool | None]]:
    return {item.id: {each.policy_id: each.violation for each in item.expected} for item in found.items}


def test_labels_of_two_files_for_one_item_come_together(job: Job, tmp_path: Path) -> None:
    one = golden(tmp_path, "a.csv", "1,p0,violates,free money", "2,p0,allowed,hello")
    two = golden(tmp_path, "b.csv", "1,p1,allowed,free money")
    found = golden_files(job, [one, two], [], None)
    assert labels(found) == {"1": {"p0": True, "p1": False}, "2": {"p0": False}}
    assert found.files == ("a.csv", "b.csv")


def test_an_id_that_means_two_contents_is_told_apart_by_its_file(job: Job, tmp_path: Path) -> None:
    one = golden(tmp_path, "a.csv", "1,p0,violates,free money")
    two = golden(tmp_path, "b.csv", "1,p0,allowed,hello")
    found = golden_files(job, [one, two], [], None)
    assert labels(found) == {"a.csv:1": {"p0": True}, "b.csv:1": {"p0": False}}
    assert [item.group for item in found.items] == ["a.csv:1", "b.csv:1"]


def test_files_that_contradict_each_other_are_refused(job: Job, tmp_path: Path) -> None:
    one = golden(tmp_path, "a.csv", "1,p0,violates,free money")
    two = golden(tmp_path, "b.csv", "1,p0,allowed,free money")
    with pytest.raises(InputError, match=r"item '1': two files label it differently under policy p0"):
        golden_files(job, [one, two], [], None)


def test_a_file_without_policies_and_with_other_columns_is_read_as_it_is_told(job: Job, tmp_path: Path) -> None:
    path = tmp_path / "other.csv"
    path.write_text("body,is_spam,lang\nfree money,1,en\nhello,0,de\n")
    found = golden_files(job, [path], ["text=body", "label=is_spam"], "p1")
    assert [(dict(item.carried)["lang"], item.expected) for item in found.items] == [
        ("en", (Expected("p1", True),)),
        ("de", (Expected("p1", False),)),
    ]
    with pytest.raises(InputError, match="no policy has the id 'p7'"):
        golden_files(job, [path], ["text=body", "label=is_spam"], "p7")


def test_labels_under_a_policy_that_the_job_lacks_are_refused_unless_the_policies_were_chosen(job: Job) -> None:
    found = GoldenSet((_text("1", "hello", Expected("p1", True), Expected("p9", True)),), ("a.csv",))
    with pytest.raises(InputError, match=r"name policy 'p9'.*there are: p0, p1.*--policies"):
        under_job(found, job, restricted=False)
    chosen, kept = under_job(found, job.under("p1"), restricted=True)
    assert [policy.id for policy in chosen.policies] == ["p1"]
    assert labels(kept) == {"1": {"p1": True}}
    with pytest.raises(InputError, match="no golden item has a label under the policies"):
        under_job(found, job.under("p0"), restricted=True)


def test_only_policies_that_a_label_names_are_evaluated(job: Job) -> None:
    chosen, _ = under_job(GoldenSet((_text("1", "hello", Expected("p1", None)),), ()), job, restricted=False)
    assert [policy.id for policy in chosen.policies] == ["p1"]


def test_without_files_and_without_golden_in_a_policy_nothing_is_evaluated(job: Job) -> None:
    with pytest.raises(InputError, match="no golden items: name a file with --golden"):
        own_golden(job)


def test_equal_items_are_one_file_and_each_repeat_is_a_row(tmp_path: Path) -> None:
    items = [_text("1", "a"), replace(_text("2", "b \ud800"), carried=(("lang", "en"),)), _chat("3", whole=False)]
    once, again = (keep_items(str(tmp_path), items, 3, "last_assistant") for _ in range(2))
    assert once == again
    assert plan(once).items == 9
    assert keep_items(str(tmp_path), items, 2, "last_assistant").path != once.path
    assert len(list((tmp_path / "evals" / "items").iterdir())) == 2


def test_items_can_be_kept_under_a_uri(tmp_path: Path) -> None:
    source = keep_items(f"file://{tmp_path}/audit", [_text("1", "a")], 1, "whole")
    assert source.path[0].startswith(f"file://{tmp_path}/audit/evals/items/")
    assert plan(source).items == 1


def test_chats_are_judged_by_the_part_that_their_labels_are_about() -> None:
    items = [_text("1", "a"), _chat("2", whole=True), _chat("3", whole=False)]
    assert modes_of(items, "last_assistant") == {"last_assistant": [0, 2], "whole": [1]}
    assert modes_of(items[:2], "whole") == {"whole": [0, 1]}
    torn = replace(items[1], context=items[1].judged[:1], judged=items[1].judged[1:])
    with pytest.raises(InputError, match="item '2'"):
        modes_of([replace(torn, judged=(*torn.judged, Turn("user", "x")))], "whole")


def _text(name: str, text: str, *expected: Expected) -> GoldenItem:
    return GoldenItem(name, ItemKind.TEXT, (), (Turn("user", text),), expected, name)


def _chat(name: str, *, whole: bool) -> GoldenItem:
    turns = (Turn("user", "q"), Turn("assistant", "a"))
    return GoldenItem(name, ItemKind.CHAT, () if whole else turns[:1], turns if whole else turns[1:], (), name)


def test_copies_of_one_content_are_one_group_and_open_no_gate(job: Job) -> None:
    label = Expected("p0", True)
    items = (*(_text(str(number), "free money", label) for number in range(99)), _text("other", "buy gold", label))
    grouped = replace(_text("also", "buy gold", label), group="author")
    last = replace(_text("last", "sell", label), group="author")
    _, kept = under_job(GoldenSet((*items, grouped, last), ()), job, restricted=False)
    assert [item.group for item in kept.items] == ["0"] * 99 + ["other"] * 3
    answers = [Answer(item.id, item.group, "p0", True, True, None) for item in kept.items]
    assert not judge_gate(parse_gate("recall=0.9"), figures(answers)).passed
