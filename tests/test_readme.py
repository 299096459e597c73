"""The README does what it says: its config is saved, its commands are run, their output is compared."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from jobs.sample import write_sample

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def commands() -> list[tuple[str, str]]:
    """(command, the output that the README shows; "" where it shows none), in the order of the page."""
    found = []
    for block in blocks("console"):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            found.append((command, output))
    return found


def test_it_is_short() -> None:
    assert len(README.splitlines()) <= 120


def test_its_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert len(links) >= 5
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_its_make_targets_exist() -> None:
    targets = set(re.findall(r"(?:^    |`)make ([a-z-]+)", README, re.MULTILINE))
    assert {"demo", "test", "check"} <= targets
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert [target for target in targets if not re.search(rf"^{target}:", makefile, re.MULTILINE)] == []


@pytest.mark.slow
def test_its_commands_run_and_print_what_it_shows(tmp_path: Path) -> None:
    write_sample(ROOT / "configs" / "sample", tmp_path / "out" / "demo" / "items.parquet")
    (tmp_path / "configs").symlink_to(ROOT / "configs")
    [config] = blocks("yaml")
    (tmp_path / "nightly.yaml").write_text(config, encoding="utf-8")
    shown = 0
    for command, output in commands():
        words = shlex.split(command)
        assert words[0] == ".venv/bin/assay"
        done = subprocess.run(
            [sys.executable, "-m", "jobs.cli", *words[1:]],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stderr}"
        if output:
            assert _lines(done.stdout) == _lines(output), command
            shown += 1
    assert shown >= 2


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.strip().splitlines()]
