"""What `assay eval` refuses, before a model is loaded or anything is written."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from assay.errors import InputError
from jobs.cli import app
from tests.jobs.workplace import Workplace, make_workplace


@pytest.fixture
def place(tmp_path: Path) -> Workplace:
    place = make_workplace(tmp_path, files=1, items=1)
    place.path.write_text(yaml.safe_dump(place.config))
    (tmp_path / "golden.csv").write_text(
        "item_id,policy_id,label,text,lang\n1,p0,violates,free money,en\n2,p1,allowed,hi,de\n"
    )
    return place


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "no golden items: name a file with --golden"),
        (("--golden", "nowhere.csv"), "nowhere.csv"),
        (("--golden", "golden.csv", "nowhere.csv"), "nowhere.csv"),
        (
            ("--golden", "golden.csv", "--by", "market"),
            "--by market: no such column in the golden files; there are: lang",
        ),
        (("--golden", "golden.csv", "--want", "f1=0.9"), "--want f1=0.9: write precision=0.9 or recall=0.9"),
        (("--golden", "golden.csv", "--fail-under", "p7.recall=0.9"), "p7 is not evaluated here; there are: p0, p1"),
        (("--golden", "golden.csv", "--fail-under", "beauty=0.9"), "beauty"),
        (("--golden", "golden.csv", "--repeats", "0"), "--repeats 0: ask at least once"),
        (("--golden", "golden.csv", "--category", "H=p0"), "--category: it goes with --benchmark"),
        (("--golden", "golden.csv", "--benchmark", "moderation-2022", "--category", "H=p0"), "golden.csv"),
        (
            (
                "--policy",
                "p0",
            ),
            "--map and --policy say how to read the files of --golden",
        ),
        (("golden.csv",), "golden.csv: golden files come after --golden"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_judged(
    place: Workplace, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], message: str
) -> None:
    monkeypatch.chdir(place.folder)
    result = CliRunner().invoke(app, ["eval", "job.yaml", *options])
    assert isinstance(result.exception, InputError)
    assert message in str(result.exception)
    assert not (place.folder / "out").exists()
