"""Forgetting reaches what evaluations and comparisons copied: their table, the items they judged, their reports."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Set
from contextlib import closing

import pyarrow.parquet as pq
from pyarrow import fs

from authoring.attacks import ATTACKS
from jobs.evaluate import REPORTS
from jobs.sql import query, stored
from jobs.trial import trial_table
from jobs.trial_items import ITEMS, item_ids_of
from sinks.counts import active_files
from sinks.delta_table import FOREIGN, Location, locate, translate
from sinks.forget import Forgotten, Wanted, forget
from sinks.lookup import TableLookup

_MADE = (
    re.compile(r"(.*) \([0-9a-f]{8}\)", re.DOTALL),
    re.compile(rf"(.*)#[A-Za-z0-9._-]+\.(?:{'|'.join(each.name for each in ATTACKS)})", re.DOTALL),
)
"""Ids of items of which a source had two, and of attacked items; the first group is the id that they were made of."""


def forget_in(path: str, wanted: Wanted) -> Forgotten:
    """Forget in the tables under `path`, and in their lookup. Raises as `sinks.forget.forget`."""
    gone = forget(path, wanted)
    with closing(TableLookup(path)) as lookup:
        lookup.catch_up()
        lookup.tidy()
    return gone


def forget_trials(path: str, wanted: Wanted) -> tuple[Forgotten, int]:
    """Forget in the trials of the job with this `sink.path`; how many files of items and reports were deleted.

    A file of items, or a report, goes as a whole if anything in it is meant: a trial writes what it needs again. What
    was made of an item, by an attack say, goes with it. To be called while the job's own table still has what is meant:
    a comparison may have been reported without any trial.

    Raises TransientError, FatalError.
    """
    table = trial_table(path)
    ids = _ids(path, wanted) | _ids(table, wanted)
    items = _delete(locate(path, ITEMS), ".parquet", lambda at, file: _holds(at, file, ids))
    reports = _delete(locate(path, REPORTS), ".json", lambda at, file: _mentions(at, file, ids))
    if not active_files(table, "verdicts"):
        return Forgotten(0, 0, 0), items + reports
    made = () if wanted.before else sorted(id for id in _known_ids(table) if id not in ids and _is_meant(id, ids))
    gone = [forget_in(table, each) for each in (wanted, *(Wanted(item=id) for id in made))]
    counts = ((each.verdicts, each.rejected, each.files) for each in gone)
    return Forgotten(*map(sum, zip(*counts, strict=True))), items + reports


def _ids(table: str, wanted: Wanted) -> set[str]:
    """Of the items that are meant, as far as this table knows them."""
    own = {wanted.item} if wanted.item is not None else set()
    if not active_files(table, "verdicts"):
        return own
    asked = {"item": wanted.item, "content_hash": wanted.content_hash, "before": wanted.before}
    return own | {str(row["item_id"]) for row in query(table, stored("item_ids"), params=asked).to_pylist()}


def _known_ids(table: str) -> list[str]:
    sql = "SELECT DISTINCT item_id FROM outcome_rows WHERE item_id IS NOT NULL"
    return [str(row["item_id"]) for row in query(table, sql).to_pylist()]


def _is_meant(id: str, ids: Set[str]) -> bool:
    """Whether it is one of them, or was made of one of them."""
    return id in ids or any(found[1] in ids for made in _MADE if (found := made.fullmatch(id)))


def _delete(at: Location, suffix: str, meant: Callable[[Location, str], bool]) -> int:
    try:
        found = at.filesystem.get_file_info(fs.FileSelector(at.root, allow_not_found=True))
        gone = [each.path for each in found if each.path.endswith(suffix) and meant(at, each.path)]
        for file in gone:
            at.filesystem.delete_file(file)
    except FOREIGN as error:
        raise translate(error, at.uri) from error
    return len(gone)


def _holds(at: Location, file: str, ids: Set[str]) -> bool:
    return any(_is_meant(id, ids) for id in item_ids_of(pq.read_table(file, filesystem=at.filesystem)))


def _mentions(at: Location, file: str, ids: Set[str]) -> bool:
    with at.filesystem.open_input_stream(file) as stream:
        report = json.loads(stream.read())
    return any(_is_meant(text, ids) for text in _texts(report))


def _texts(value: object) -> Iterator[str]:
    """All texts in a JSON value, ids among them."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _texts(each)
