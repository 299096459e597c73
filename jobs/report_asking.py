"""Asks the queries of a report or of the live view, all over one snapshot of the tables."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from typing import TypeVar

import duckdb
from pydantic import ValidationError

from assay.config import Labels
from assay.config_parts import Section
from assay.errors import FatalError
from jobs.labelled_rates import PolicyRates, labelled_rates
from jobs.sql import answer, opened, stored
from jobs.sql_output import printable
from jobs.sql_views import named_in

Row = TypeVar("Row", bound=Section)

_SHOWN = 100
_PARAMETER = re.compile(r"\$(\w+)")


class Asking:
    """Asks the queries of one shelf with values that are the same for all; each takes those that it names."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, path: str, values: Mapping[str, object], shelf: str
    ) -> None:
        self._connection, self._path, self._values, self._shelf = connection, path, values, shelf

    def rows(self, name: str, kind: type[Row], **more: object) -> tuple[Row, ...]:
        """The answer of `queries/SHELF/NAME.sql`, row by row.

        Raises what `jobs.sql.query` does, and FatalError if it says what can't be, as of a table that others wrote to.
        """
        sql = stored(f"{self._shelf}/{name}")
        values = {**self._values, **more}
        named = {each: values[each] for each in _PARAMETER.findall(sql)}
        with answer(self._connection, self._path, sql, named) as reader:
            found = reader.read_all().to_pylist()
        try:
            return tuple(kind.model_validate(row) for row in found)
        except ValidationError as error:
            wrong = error.errors(include_url=False)[0]
            column, given = ".".join(map(str, wrong["loc"])), printable(repr(wrong["input"])[:_SHOWN])
            raise FatalError(
                f"{self._path}: {name}: {column} is {given}, which assay never writes: {wrong['msg']}; "
                "assay sql shows the rows"
            ) from error

    def with_values(self, **more: object) -> Asking:
        return Asking(self._connection, self._path, {**self._values, **more}, self._shelf)

    def labelled_rates(self) -> tuple[PolicyRates, ...]:
        return labelled_rates(self._connection, self._path)


@contextmanager
def asking(
    path: str, labels: Labels | None, values: Mapping[str, object], shelf: str, *, kept: Collection[str] = ()
) -> Iterator[Asking]:
    """For the sink at `path`, the queries in `queries/SHELF/`; labels are for those of a report. `kept`: see `opened`.

    Raises InputError without a table, and for labels that can't be used.
    """
    with opened(path, labels, views=_views(shelf), kept=kept) as connection:
        yield Asking(connection, path, values, shelf)


@cache
def _views(shelf: str) -> frozenset[str]:
    found = files("jobs").joinpath(f"queries/{shelf}").iterdir()
    ours = [file.read_text("utf-8") for file in found if file.name.endswith(".sql")]
    also = [stored("labelled_items")] if shelf == "report" else []
    return frozenset().union(*map(named_in, [*ours, *also]))
