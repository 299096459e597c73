"""The prompt of `assay sql`, on a real pseudo-terminal and with keys from a pipe."""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import yaml
from prompt_toolkit.application import create_app_session
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output import DummyOutput

from assay.errors import InputError
from jobs.sql_command import run_sql
from jobs.sql_completion import NameCompleter
from jobs.sql_output import Look
from jobs.sql_params import read_params
from jobs.sql_prompt import Prompt, is_complete, one_line, open_history
from jobs.sql_session import SqlSession
from sinks.counts import active_files
from tests.jobs.pseudo_terminal import PseudoTerminal, on_a_terminal
from tests.jobs.sql_stand import ATTACKS, small_table, table_saying
from tests.sinks.outcomes import verdict
from tests.sinks.stand import open_sink

SLOW = "SELECT sum(a.range * b.range) FROM range(10000000) a, range(10000000) b"


@pytest.fixture
def path(tmp_path: Path) -> str:
    return small_table(tmp_path)


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PipeInput]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with create_pipe_input() as pipe, create_app_session(input=pipe, output=DummyOutput()):
        yield pipe


def typed(keys: PipeInput, path: str, *entered: str, params: tuple[str, ...] = (), format: str = "csv") -> str:
    """What the prompt answers to these entries, each of which ends with Enter."""
    out = io.BytesIO()
    text = "".join(f"{entry}\r" for entry in (*entered, ".quit"))
    keys.send_bytes(text.encode("utf-8", "surrogateescape"))
    with closing(SqlSession(path, read_params(params))) as opened:
        Prompt(opened, Look(format), out).run()
    return out.getvalue().decode()


def test_statements_are_answered_until_the_end(keys: PipeInput, path: str) -> None:
    answers = typed(keys, path, "SELECT 1", "AS a", ";", "SELECT ';' AS b; SELECT 3 AS c;", "", ";", "SELECT 4 AS d;")
    assert answers == 'a\n1\nb\n";"\n\nc\n3\nd\n4\n'


def test_a_mistake_is_one_line_and_does_not_end_it(
    keys: PipeInput, path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = ("SELEC 1;", "SELECT nope FROM verdicts;", ".nope", ".schema nope", "SELECT rationale::INT FROM verdicts;")
    assert typed(keys, path, *wrong, "SELECT 1 AS a;") == "a\n1\n"
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(errors) == len(wrong)
    assert "LINE" not in "".join(errors)
    assert ".views names them" in errors[3]


def test_an_error_that_quotes_content_is_one_safe_line(tmp_path: Path) -> None:
    path = table_saying(tmp_path, "a\x1b[2J\nLINE \u202eb" + "c" * 10_000)
    with closing(SqlSession(path, {})) as opened, pytest.raises(InputError) as failed:
        opened.answer_all(opened.statements("SELECT rationale::INT FROM verdicts"), Look("csv"), io.BytesIO())
    shown = one_line(failed.value)
    assert shown.isprintable()
    assert "a\\x1b[2J" in shown
    assert len(shown) < 600


def test_attacks_are_refused_at_the_prompt_too(keys: PipeInput, path: str, capsys: pytest.CaptureFixture[str]) -> None:
    (file,) = active_files(path, "verdicts") or []
    before = Path(file).read_bytes()
    attacks = [attack for attack in ATTACKS if attack not in ("", "-- nothing") and "SELECT 1;" not in attack]
    attacks.append("COPY (SELECT 1) TO '{}' (USE_TMP_FILE false)".format(file.replace("'", "''")))
    attacks.append("SELECT $day; CREATE TABLE t AS SELECT 1")
    answers = typed(keys, path, *(f"{attack};" for attack in attacks), params=("day='; DROP VIEW verdicts; --",))
    refused = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(refused) == len(attacks) >= 38
    assert answers == '$day\n"\'; DROP VIEW verdicts; --"\n\n'
    assert Path(file).read_bytes() == before
    assert not Path("/tmp/stolen.csv").exists()


def test_parameters_are_there_for_whoever_names_them(keys: PipeInput, path: str) -> None:
    asked = ("SELECT 1 AS a;", "SELECT item_id FROM verdicts WHERE item_id = $id AND audit_day = $DAY;")
    answers = typed(keys, path, *asked, params=("id=i1", "day=2026-03-04"))
    assert answers == "a\n1\nitem_id\ni1\n"


def test_the_commands_name_views_and_columns(keys: PipeInput, path: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert typed(keys, path, ".views", ".schema Verdicts", ".schema drift", ".help") == ""
    said = capsys.readouterr().err
    views = ("\nverdicts +view +One row per case under a live", "\ndrift +table macro +Which policies' rates moved")
    schemas = ("\nrationale +VARCHAR", "\ncarried +MAP", r"drift\(since, until, since_before, until_before\)")
    for words in (*views, *schemas, r"\n\.schema NAME", r"\^D +ends"):
        assert re.search(words, said), words


def test_refresh_shows_what_came_meanwhile(tmp_path: Path, keys: PipeInput) -> None:
    path = str(tmp_path / "out")
    sink = open_sink(path)
    sink.commit([verdict(0)], {})
    out = io.BytesIO()
    ask = "SELECT count(*) AS n FROM verdicts"
    with closing(SqlSession(path, {})) as opened:
        sink.commit([verdict(1)], {})
        keys.send_text(f"{ask};\r.refresh\r{ask};\r\x04")
        Prompt(opened, Look("csv"), out).run()
    assert out.getvalue() == b"n\n1\nn\n2\n"


@pytest.mark.parametrize(
    ("text", "complete"),
    [
        ("", True),
        (" \n", True),
        (".views", True),
        ("SELECT 1", False),
        ("SELECT 1;", True),
        ("SELECT 1 ; -- so;", True),
        ("SELECT 1 -- ;", False),
        ("SELECT ';", False),
        ("SELECT ';';", True),
        ("SELECT $$;", False),
        ("SELECT /* ;", False),
        ('SELECT ";', False),
        ("SELECT 'é';", True),
        ("SELECT 1; SELECT 2", False),
        ("\udcff", True),
    ],
)
def test_a_query_ends_with_a_semicolon_outside_strings_and_comments(text: str, complete: bool) -> None:
    assert is_complete(text) is complete


def offered(path: str, text: str) -> list[str]:
    with closing(SqlSession(path, {})) as opened:
        completer = NameCompleter(opened.names(), [".views", ".schema"])
    return [each.text for each in completer.get_completions(Document(text), CompleteEvent(completion_requested=True))]


def test_tab_offers_views_columns_and_commands(path: str) -> None:
    assert offered(path, "SELECT ratio") == ["rationale"]
    assert offered(path, "SELECT * FROM VERD") == ["verdicts"]
    assert offered(path, "SELECT verdicts.rea") == ["reason", "reasoning"]
    assert "judge" not in offered(path, "SELECT policies.")
    assert "hash" in offered(path, "SELECT policies.")
    assert offered(path, "SELECT v.ratio") == ["rationale"]
    assert offered(path, ".s") == [".schema"]
    assert offered(path, ".schema run_") == ["run_rows"]


def test_history_is_kept_for_its_owner_alone(keys: PipeInput, path: str, tmp_path: Path) -> None:
    file = tmp_path / "state" / "assay" / "sql_history"
    file.parent.mkdir(parents=True)
    file.write_text("")
    file.chmod(0o644)
    typed(keys, path, "SELECT 1,", "2;", "SELECT '\udcff';")
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(open_history().load_history_strings())[1:] == ["SELECT '?';", "SELECT 1,\n2;"]


def test_without_a_folder_for_it_nothing_is_kept(
    keys: PipeInput, path: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "state").write_text("in the way")
    assert typed(keys, path, "SELECT 1 AS a;") == "a\n1\n"
    assert "no history is kept" in capsys.readouterr().err


def test_parquet_needs_a_query(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    with pytest.raises(InputError, match="at the prompt there may be many"):
        run_sql(path, None, None, [], Look("parquet"), io.BytesIO())


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    """`assay sql` over a table whose first rationale would take the terminal over."""
    path = table_saying(tmp_path, "a\x1b[2J\x1b]0;owned\x07b\u202ec\x1b]52;c;QQ\x07")
    config = {
        "name": "t",
        "source": {"kind": "parquet", "path": "x", "columns": {"id": "id", "text": "text"}},
        "policies": ["p"],
        "judge": {"kind": "scripted"},
        "sink": {"kind": "delta", "path": path},
    }
    (tmp_path / "job.yaml").write_text(yaml.safe_dump(config))
    return [sys.executable, "-m", "jobs.cli", "sql", str(tmp_path / "job.yaml")]


def environment(tmp_path: Path) -> dict[str, str]:
    state = {"XDG_STATE_HOME": str(tmp_path / "state"), "TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1"}
    return {**os.environ, **state}


def enter(terminal: PseudoTerminal, text: bytes) -> None:
    """Type a line and wait until the prompt has given the terminal back, to run it."""
    terminal.send(text + b"\r")
    terminal.wait_for(b"\x1b[?2004l")


def ready(terminal: PseudoTerminal) -> bytes:
    return terminal.wait_for(b"\x1b[?2004h")


def test_on_a_real_terminal(command: list[str], tmp_path: Path) -> None:
    with on_a_terminal(command, environment(tmp_path)) as terminal:
        ready(terminal)
        enter(terminal, b"SELECT rationale, 42 AS answer\rFROM verdicts;")
        answer = ready(terminal)
        assert b"a\\x1b[2J\\x1b]0;owned\\x07b\\u202ec\\x1b]52;c;QQ\\x07" in answer
        terminal.send(b"SELECT nonsense\x03")
        ready(terminal)
        enter(terminal, SLOW.encode() + b";")
        terminal.wait_for(b"interrupted\r\n", keys=b"\x03")
        ready(terminal)
        terminal.send(b"SELECT verdicts.ration\t")
        terminal.wait_for(b"ale")
        enter(terminal, b" || '!' AS said FROM verdicts;")
        terminal.wait_for(b"QQ\\x07!")
        ready(terminal)
        terminal.send(b"\x04")
    for bad in (b"\x1b[2J", b"\x1b]", b"\x07", "\u202e".encode()):
        assert bad not in terminal.seen
    assert b"nonsense" not in (tmp_path / "state" / "assay" / "sql_history").read_bytes()
    assert b"Traceback" not in terminal.seen
