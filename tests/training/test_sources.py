"""Labelled content is read from the data sets as published, and its part is decided by the content alone."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest

from assay.errors import InputError
from tests.training.mini_data import write_data
from training.contents import completion, text
from training.readers import MAIL_CHARS, mail_text
from training.sources import DATA_SETS, SYNTHETIC, read_all
from training.splits import Part, part_of

KINDS_OF_CONDUCT = ("insult", "threat", "pileon", "contact", "exposure", "wish")


def test_each_data_set_is_read_with_its_labels(tmp_path: Path) -> None:
    found = read_all(write_data(tmp_path))
    tags = {name: Counter(each.content.tags for each in listed) for name, listed in found.items()}
    assert tags["davidson"] == {("hate",): 70, ("offensive",): 70, (): 70}
    assert tags["edos"] == {
        (): 140,
        ("sexist", "threats"): 18,
        ("sexist", "derogation"): 18,
        ("sexist", "animosity"): 17,
        ("sexist", "prejudiced"): 17,
    }
    assert all(tags[name] == {("spam",): 70, (): 140} for name in ("sms", "email"))
    assert tags["gptfuzz"] == {("complied",): 70, (): 140}
    assert sum(tags["diasafety"].values()) == 210
    assert tags["diasafety"][()] == 105
    assert set(tags["injection"]) > {(), ("override",), ("extraction",), ("planted",)}
    assert set(tags["answers"]) == {(), ("obeying",)}
    assert set(tags["conduct"]) == {(), *((kind,) for kind in KINDS_OF_CONDUCT)}
    assert set(tags["everyday"]) == {()}
    first = found["davidson"][0].shown
    assert first.startswith("@somebody & wow")
    assert '"part": "context"' in found["diasafety"][0].shown


def test_a_missing_folder_or_file_is_named(tmp_path: Path) -> None:
    data = write_data(tmp_path)
    (data / "edos" / "train_dev.csv").rename(data / "edos" / "other.csv")
    with pytest.raises(InputError, match=r"edos/train_dev\.csv: there is no such file"):
        read_all(data)
    shutil.rmtree(data / "edos")
    with pytest.raises(InputError, match="no folder edos"):
        read_all(data)


def test_a_file_of_another_form_is_named(tmp_path: Path) -> None:
    data = write_data(tmp_path)
    (data / "gptfuzz" / "train.csv").write_text("question,answer\n1,no\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"gptfuzz/train\.csv: no column 'Response'"):
        read_all(data)


def test_content_that_is_labelled_both_ways_is_left_out_and_doubles_count_once(tmp_path: Path) -> None:
    data = write_data(tmp_path)
    (data / "sms-spam" / "half.tsv").write_text("ham\tsee you\nspam\twin now\nham\twin now\nham\tsee you\n", "utf-8")
    assert [each.shown for each in read_all(data)["sms"]] == ["see you"]


def test_an_email_is_its_subject_and_words() -> None:
    raw = (
        "From a@b.example Mon\nSubject: =?utf-8?q?x?= sale\nContent-Type: text/html\n\n"
        "<html><head><title>no</title></head><p>Buy&nbsp;now</p><!-- no --><br>or never</html>"
    )
    assert mail_text(raw).split("\n", 1)[1] == "Buy now\nor never"
    assert len(mail_text("Subject: long\n\n" + "word" * 5_000)) == MAIL_CHARS


@pytest.mark.parametrize(
    "other",
    [
        "see  you AT 8, @anna: http://b.example/x",
        "See you at 17, @bob: https://c.example",
        "\nsee you at 8, @a: www.d.org",
    ],
)
def test_near_duplicates_share_their_group(other: str) -> None:
    one = text("sms", "See you at 9, @ben: http://a.example/page", ())
    assert text("email", other, ("spam",)).group == one.group
    assert text("sms", "See you at nine, @ben: http://a.example/page", ()).group != one.group


def test_answers_to_one_message_share_their_part() -> None:
    assert completion("a", "How are you?", "Fine", ()).group == completion("a", "how are  you?", "Bad", ("risk",)).group


def test_no_group_is_in_two_parts_and_the_shares_are_eight_one_one(tmp_path: Path) -> None:
    listed = [each for some in read_all(write_data(tmp_path)).values() for each in some]
    assert all(each.part is part_of(each.group) for each in listed)
    parts = Counter(part_of(f"{number * 2654435761 % 2**32:08x}") for number in range(10_000))
    assert parts[Part.TRAIN] == pytest.approx(8_000, rel=0.05)
    assert parts[Part.VALID] == pytest.approx(parts[Part.TEST], rel=0.1)


def test_every_data_set_may_be_used_commercially() -> None:
    free = ("MIT", "Apache-2.0", "CC0-1.0", "CC-BY-4.0", "PDDL-1.0 or CC0-1.0")
    assert all(each.licence in free for each in DATA_SETS.values())


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("davidson-hate-offensive/labeled_data.csv", "class,tweet\nseven,hello\n"),
        ("diasafety/train.json", "[{"),
        ("edos/train_dev.csv", "text,label_sexist,label_category\nhello,sexist,\n"),
        ("spamassassin/spamassassin.jsonl.gz", "no gzip"),
    ],
)
def test_a_file_in_another_form_is_named(tmp_path: Path, file: str, content: str) -> None:
    data = write_data(tmp_path)
    (data / file).write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=f"{file.partition('/')[0]}: not in the form"):
        read_all(data)


def test_every_choice_in_a_sentence_is_made() -> None:
    shown = [each.shown for made in SYNTHETIC.values() for each in made()]
    assert len(shown) > 5_000
    assert not [words for words in shown if "|" in words.replace("<|", "") or "<X>" in words]
