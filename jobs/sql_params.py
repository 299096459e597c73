"""Values for the parameters of a query, as the command line gives them: `--param day=2026-11-20` for `$day`.

What a value looks like decides its type:

    int         42, -7                        no leading zero or plus: 007 is text
    float       0.5, 1e-3
    bool        true, false
    date        2026-11-20
    timestamp   2026-11-20T08:30, 2026-11-20 08:30:15.5+01:00     in UTC where no offset is given
    text        anything else, and whatever stands in single quotes: '42'

Values are bound and never become part of the SQL.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime

from assay.errors import InputError

Value = int | float | bool | date | datetime | str

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_INT = re.compile(r"-?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIMESTAMP = re.compile(
    rf"{_DATE.pattern}[T ][0-9]{{2}}:[0-9]{{2}}(:[0-9]{{2}}(\.[0-9]{{1,6}})?)?(Z|[+-][0-9]{{2}}:[0-9]{{2}})?"
)
_LARGEST = 2**127


def read_params(given: Iterable[str]) -> Mapping[str, Value]:
    """Values by name. Raises InputError for what is not NAME=VALUE, a name that comes twice, or a day that is none."""
    params: dict[str, Value] = {}
    for each in given:
        name, equals, text = each.partition("=")
        if not equals or not _NAME.fullmatch(name):
            raise InputError(f"--param {each}: give it as NAME=VALUE; the query calls it $NAME")
        if name.lower() in params:
            raise InputError(f"--param {name}: given twice")
        params[name.lower()] = _value(name, text)
    return params


def _value(name: str, text: str) -> Value:
    if len(text) > 1 and text[0] == text[-1] == "'":
        return text[1:-1]
    if text in ("true", "false"):
        return text == "true"
    try:
        return _number_or_time(text)
    except ValueError as error:
        raise InputError(f"--param {name}={text}: {error}; to have it as text, put it in single quotes") from error


def _number_or_time(text: str) -> Value:
    """Raises ValueError for what looks like a number or a time and is none."""
    if _INT.fullmatch(text):
        if len(text) > 40 or abs(int(text)) >= _LARGEST:
            raise ValueError("a whole number of more than 128 bits")
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _DATE.fullmatch(text):
        return date.fromisoformat(text)
    if _TIMESTAMP.fullmatch(text):
        moment = datetime.fromisoformat(text)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return text
