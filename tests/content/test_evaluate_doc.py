"""docs/evaluate.md names every option of `assay eval`."""

from __future__ import annotations

import re
from pathlib import Path

import typer.main
import yaml

from jobs.cli import app
from jobs.eval_words import TITLES
from measure.figures import FIGURES

DOC = (Path(__file__).parents[2] / "docs" / "evaluate.md").read_text(encoding="utf-8")


def test_every_option_is_documented() -> None:
    command = typer.main.get_group(app).commands["eval"]
    there = {option for each in command.params for option in each.opts if option.startswith("--")}
    section = DOC.split("## Options", 1)[1].split("\n## ", 1)[0]
    assert set(re.findall(r"`(--[a-z-]+)", section)) == there


def test_every_figure_is_documented() -> None:
    section = DOC.split("## Figures", 1)[1].split("\n## ", 1)[0]
    named = re.findall(r"^\| (.+?) \|", section, re.MULTILINE)
    assert sorted(TITLES) == sorted(FIGURES)
    assert set(TITLES.values()) <= set(named)
    for name in FIGURES:
        assert f"`{name}`" in DOC, "as a gate calls it"


def test_the_example_of_a_check_is_yaml_with_options_that_there_are() -> None:
    example = DOC.split("```yaml", 1)[1].split("```", 1)[0]
    steps = yaml.safe_load(example)["jobs"]["policies"]["steps"]
    said = " ".join(step.get("run", "") for step in steps)
    command = typer.main.get_group(app).commands["eval"]
    assert set(re.findall(r"--[a-z-]+", said)) <= {option for each in command.params for option in each.opts}
