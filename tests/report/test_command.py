"""`assay report` as it is called."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.report.weeks import Weeks

ROOT = Path(__file__).parents[2]


def assay(*arguments: str | Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    """`assay report ARGUMENTS`, which must end with this exit code."""
    command = [sys.executable, "-m", "jobs.cli", "report", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False, timeout=300)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done


def test_it_writes_the_page_of_the_days_and_policies_asked_for(few: Weeks, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    days = ("--from", "2026-11-22", "--to", "2026-11-22", "--compare", "previous")
    done = assay(few.config, "--out", out, *days, "--policy", "spam", "--redact")
    assert done.stdout == ""
    page = out.read_text(encoding="utf-8")
    assert "22 November 2026" in page
    assert "harassment" not in page
    assert "left out" in page


def test_the_other_forms_go_to_stdout(few: Weeks) -> None:
    assert assay(few.config, "--format", "md").stdout.startswith("## Audit of `nightly`")
    assert assay(few.config, "--format", "md", "--out", "-").stdout.startswith("## Audit of `nightly`")
    found = json.loads(assay(few.config, "--format", "json", "--compare", "none").stdout)
    assert found["audited"]["items"] == 6
    assert found["period"]["since_before"] is None


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--from", "2026-11-22", "--to", "2026-11-01"), "swap them"),
        (("--policy", "nobody"), "nothing was decided under it"),
        (
            ("--policy", "spam,nobody"),
            "--policy nobody: nothing was decided under it; there are: harassment, prompt-injection, spam",
        ),
        (("--from", "yesterday"), "yesterday"),
        (("--compare", "everything"), "everything"),
    ],
)
def test_what_makes_no_sense_is_refused(few: Weeks, options: tuple[str, ...], says: str) -> None:
    assert says in assay(few.config, *options, code=2).stderr


def test_a_file_that_cannot_be_written_is_named(few: Weeks, tmp_path: Path) -> None:
    out = tmp_path / "no" / "report.html"
    assert str(out) in assay(few.config, "--out", out, code=1).stderr


def test_the_docs_name_every_option() -> None:
    named = set(re.findall(r"--[a-z-]+", assay("--help").stdout)) - {"--help"}
    documented = set(re.findall(r"--[a-z-]+", (ROOT / "docs" / "report.md").read_text(encoding="utf-8")))
    assert named
    assert named <= documented
