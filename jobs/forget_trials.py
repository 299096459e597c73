"""Forgetting reaches what evaluations and comparisons copied: their table, the items they judged, their reports."""

from __future__ import annotations

import json
from collections.abc import Callable, Set
from contextlib import closing

import pyarrow.parquet as pq
from pyarrow import fs

from jobs.evaluate import REPORTS
from jobs.sql import query, stored
from jobs.trial import trial_table
from jobs.trial_items import ITEMS, item_ids_of
from sinks.counts import active_files
from sinks.delta_table import FOREIGN, Location, locate, translate
from sinks.forget import Forgotten, Wanted, forget
from sinks.lookup import TableLookup


def forget_in(path: str, wanted: Wanted) -> Forgotten:
    """Forget in the tables under `path`, and in their lookup. Raises as `sinks.forget.forget`."""
    gone = forget(path, wanted)
    with closing(TableLookup(path)) as lookup:
        lookup.catch_up()
        lookup.tidy()
    return gone


def forget_trials(path: str, wanted: Wanted) -> tuple[Forgotten, int]:
    """Forget in the trials of the job with this `sink.path`; how many files of items and reports were deleted.

    A file of items, or a report, goes as a whole if anything in it is meant: a trial writes what it needs again.
    Raises TransientError, FatalError.
    """
    table = trial_table(path)
    if not active_files(table, "verdicts"):
        return Forgotten(0, 0, 0), 0
    asked = {"item": wanted.item, "content_hash": wanted.content_hash, "before": wanted.before}
    ids = {str(row["item_id"]) for row in query(table, stored("item_ids"), params=asked).to_pylist()}
    ids |= {wanted.item} if wanted.item is not None else set()
    items = _delete(locate(path, ITEMS), ".parquet", lambda at, file: _holds(at, file, ids))
    reports = _delete(locate(path, REPORTS), ".json", lambda at, file: _mentions(at, file, ids))
    return forget_in(table, wanted), items + reports


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
    return not ids.isdisjoint(item_ids_of(pq.read_table(file, filesystem=at.filesystem)))


def _mentions(at: Location, file: str, ids: Set[str]) -> bool:
    with at.filesystem.open_input_stream(file) as stream:
        text = stream.read().decode("utf-8", "surrogatepass")
    return any(json.dumps(id) in text or json.dumps(id, ensure_ascii=False) in text for id in ids)
