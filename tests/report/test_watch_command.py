"""`assay watch` as it is called: on a terminal, into a pipe, before there is a table, and how it is ended."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.jobs.pseudo_terminal import on_a_terminal
from tests.report.under_way import config_for, write_under_way

ROOT = Path(__file__).parents[2]
HIDE, SHOW, OTHER_SCREEN = b"\x1b[?25l", b"\x1b[?25h", b"\x1b[?1049h"
HEADING = "nightly: run run-b running for"


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "jobs.cli", "watch", *map(str, arguments)]


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", **more}


def watch(*arguments: str | Path, code: int = 0, **env: str) -> subprocess.CompletedProcess[str]:
    """The command into pipes, which must end by itself with this exit code."""
    done = subprocess.run(
        command(*arguments), env=environment(**env), capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done


@contextmanager
def watching(*arguments: str | Path) -> Iterator[subprocess.Popen[str]]:
    """The command into pipes, ended by ^C, after which it must have said nothing wrong."""
    with subprocess.Popen(
        command(*arguments), env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        try:
            yield running
            running.send_signal(signal.SIGINT)
            _, wrong = running.communicate(timeout=120)
        finally:
            running.kill()
    assert (running.returncode, wrong) == (0, "")


def lines_until(running: subprocess.Popen[str], start: str) -> list[str]:
    """Lines up to the first that begins like this."""
    assert running.stdout is not None
    found = []
    for line in running.stdout:
        found.append(line)
        if line.startswith(start):
            return found
    raise AssertionError(found)


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "out")


@pytest.mark.parametrize("options", [("--once",), (), ("--once", "--every", "1")])
def test_into_a_pipe_it_prints_one_view_of_plain_lines(path: str, tmp_path: Path, options: tuple[str, ...]) -> None:
    write_under_way(path)
    done = watch(config_for(path, tmp_path), *options, FORCE_COLOR="1")
    assert done.stdout.startswith(HEADING)
    assert done.stdout.count(HEADING) == 1
    assert re.search(r"^spam +5 +3 +60 % +23\.1 to 88\.2 % +40 %$", done.stdout, re.MULTILINE)
    assert {char for char in done.stdout if not char.isprintable()} == {"\n"}
    assert done.stderr == ""


@pytest.mark.parametrize("options", [("--once",), ()])
def test_before_there_is_a_table_it_says_so_and_ends_well(path: str, tmp_path: Path, options: tuple[str, ...]) -> None:
    done = watch(config_for(path, tmp_path), *options)
    assert done.stdout == f"nothing yet: no table at {path}\n"


def test_a_table_that_appears_is_shown(path: str, tmp_path: Path) -> None:
    with watching(config_for(path, tmp_path), "--every", "0.2") as running:
        assert lines_until(running, "nothing yet") == [f"nothing yet: no table at {path}\n"]
        write_under_way(path)
        lines_until(running, HEADING)
        assert "committed" in "".join(lines_until(running, HEADING))


def test_ctrl_c_leaves_the_terminal_as_it_was(path: str, tmp_path: Path) -> None:
    write_under_way(path)
    call = command(config_for(path, tmp_path), "--every", "0.2")
    with on_a_terminal(call, environment()) as terminal:
        terminal.wait_for(b"malformed")
        terminal.wait_for(b"malformed")
        assert terminal.seen.count(HIDE) == 1
        terminal.send(b"\x03")
    assert terminal.seen.count(SHOW) == 1
    assert terminal.seen.rindex(SHOW) > terminal.seen.rindex(HIDE)
    assert OTHER_SCREEN not in terminal.seen
    assert b"Traceback" not in terminal.seen


def test_once_on_a_terminal_draws_one_view_and_ends(path: str, tmp_path: Path) -> None:
    write_under_way(path)
    with on_a_terminal(command(config_for(path, tmp_path), "--once"), environment()) as terminal:
        terminal.drain()
    assert terminal.seen.count(b"malformed") == 1
    assert "│ spam".encode() in terminal.seen
    assert HIDE not in terminal.seen


@pytest.mark.parametrize("every", ["0", "-1", "nan", "inf", "1e9", "often"])
def test_a_pause_that_makes_no_sense_is_refused(path: str, tmp_path: Path, every: str) -> None:
    assert "--every" in watch(config_for(path, tmp_path), "--every", every, code=2).stderr


def test_what_is_no_table_is_an_error(path: str, tmp_path: Path) -> None:
    log = Path(path, "verdicts", "_delta_log")
    log.mkdir(parents=True)
    (log / f"{0:020d}.json").write_text("nonsense\n")
    assert "not a Delta table" in watch(config_for(path, tmp_path), code=2).stderr


def test_it_asks_neither_a_broker_nor_a_cluster_nor_a_judge(path: str, tmp_path: Path) -> None:
    """Their libraries are not even loaded; the config's broker, judge and policies are nowhere."""
    write_under_way(path)
    program = (
        "import sys\nfrom typer.testing import CliRunner\nfrom jobs.cli import app\n"
        "done = CliRunner().invoke(app, sys.argv[1:], catch_exceptions=False)\n"
        "heads = {name.split('.')[0] for name in sys.modules}\n"
        "print(done.exit_code, 'spam' in done.output, sorted(heads & {'ray', 'kafka', 'vllm', 'torch'}))\n"
    )
    call = [sys.executable, "-c", program, "watch", str(config_for(path, tmp_path, stream=True)), "--once"]
    done = subprocess.run(call, env=environment(), capture_output=True, text=True, check=True, timeout=300)
    assert done.stdout == "0 True []\n"


def test_the_docs_name_every_option() -> None:
    named = set(re.findall(r"--[a-z-]+", watch("--help").stdout)) - {"--help"}
    documented = (ROOT / "docs" / "report.md").read_text(encoding="utf-8").partition("## While a job runs")[2]
    assert named == {"--every", "--once"}
    assert named <= set(re.findall(r"--[a-z-]+", documented))
