"""Forget: take an item, a content, or all that is older than so long out of the table and the lookup."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

from pydantic import TypeAdapter, ValidationError

from assay.config import Config
from assay.config_parts import Duration
from assay.errors import InputError
from jobs.forget_trials import forget_in, forget_trials
from sinks.counts import active_files
from sinks.forget import Forgotten, Wanted
from sinks.lookup import TableLookup
from sinks.upkeep import SHORTEST_VACUUM_HOURS


def forget_job(
    config: Config, item: str | None, content_hash: str | None, older_than: str | None, as_json: bool
) -> str:
    """Forget, and say what was forgotten. Raises InputError unless exactly one of the three is given."""
    if sum(each is not None for each in (item, content_hash, older_than)) != 1:
        raise InputError("say what to forget: one of --item ID, --content-hash SHA256, --older-than 90d")
    if any(text is not None and not _is_unicode(text) for text in (item, content_hash)):
        raise InputError("--item and --content-hash: not valid Unicode; no id in the table looks like this")
    wanted = Wanted(item, content_hash, _before(older_than))
    tried, copies = forget_trials(config.sink.path, wanted)
    tried_only = (tried.files or copies) and active_files(config.sink.path, "verdicts") is None
    gone = Forgotten() if tried_only else forget_in(config.sink.path, wanted)
    hours = max(SHORTEST_VACUUM_HOURS, config.sink.vacuum_hours)
    if as_json:
        trials = {"rows": tried.rows, "files": copies}
        return json.dumps({**asdict(gone), "rows": gone.rows, "vacuum_hours": hours, "trials": trials})
    if not (gone.files or tried.files or copies):
        return "nothing to forget: no row of the table is meant by this"
    return (
        f"{gone.rows:,} rows are forgotten ({gone.verdicts:,} verdicts, {gone.rejected:,} rejections): their content, "
        f"ids and reasons are out of the table and the lookup\n{gone.files:,} files that held them are no longer part "
        f"of the table: `assay optimize` deletes them {hours:g} hours from now (sink.vacuum_hours)\n"
        f"of evaluations and comparisons, {tried.rows:,} rows are forgotten and {copies:,} files of items and reports "
        "are deleted"
    )


def rebuild_job(config: Config) -> str:
    """Build the lookup anew. Raises InputError if there is no table yet."""
    if active_files(config.sink.path, "verdicts") is None:
        raise InputError(f"{config.sink.path}: nothing audited yet; run assay backfill with this config first")
    with closing(TableLookup(config.sink.path)) as lookup:
        return f"{lookup.rebuild():,} verdicts can be reused"


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


def _before(age: str | None) -> datetime | None:
    if age is None:
        return None
    try:
        return datetime.now(UTC) - TypeAdapter[timedelta](Duration).validate_python(age)
    except (ValidationError, OverflowError) as error:
        raise InputError(f"--older-than: {age!r} is no duration; write 90d, 12h, 30m or 2w") from error
