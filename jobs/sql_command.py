"""`assay sql`: one query, a file of statements, standard input, or a prompt."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

from assay.config import Labels
from assay.errors import InputError
from jobs.sql_output import Look, check_look
from jobs.sql_params import read_params
from jobs.sql_prompt import Prompt
from jobs.sql_session import SqlSession, Statement


def run_sql(
    sink_path: str,
    query: str | None,
    file: Path | None,
    params: Sequence[str],
    look: Look,
    out: BinaryIO,
    labels: Labels | None = None,
) -> None:
    """Answer `query`, the statements of `file` or of standard input on `out`; on a terminal without these, prompt.

    `params` are given as NAME=VALUE. Statements are answered up to the first that fails. Raises InputError for a query,
    option or parameter that is wrong, and if nothing has been audited yet.
    """
    check_look(look, out)
    values = read_params(params)
    text = _text(query, file)
    with closing(SqlSession(sink_path, values, labels)) as opened:
        if text is None:
            _refuse_parquet(look, "at the prompt there may be many")
            Prompt(opened, look, out).run()
            return
        if text.lstrip().startswith("."):
            raise InputError("commands such as .views are for the prompt; docs/sql.md lists the views and macros")
        statements = opened.statements(text)
        _check(statements, values, look)
        opened.answer_all(statements, look, out)


def _text(query: str | None, file: Path | None) -> str | None:
    """What to answer; None to ask a person for it."""
    if query is not None and file is not None:
        raise InputError(f"--file {file}: give either a query or a file")
    try:
        if file is not None:
            return file.read_text(encoding="utf-8")
        return sys.stdin.read() if query is None and not sys.stdin.isatty() else query
    except FileNotFoundError as error:
        raise InputError(f"--file {file}: there is no such file") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{file or 'standard input'}: can't be read as UTF-8 text: {error}") from error


def _check(statements: Sequence[Statement], params: Iterable[str], look: Look) -> None:
    if not statements:
        raise InputError("there is no statement in it; a query is one SELECT statement")
    if len(statements) > 1:
        _refuse_parquet(look, f"these are {len(statements)} statements")
    named = {name for statement in statements for name in statement.parameters}
    for name in params:
        if name not in named:
            raise InputError(f"--param {name}: no statement names ${name}")
    for name in sorted(named - set(params)):
        raise InputError(f"the query names ${name}: give its value as --param {name}=VALUE")


def _refuse_parquet(look: Look, why: str) -> None:
    if look.format == "parquet":
        raise InputError(f"--format parquet: a file holds one answer, and {why}")
