"""Table `policies`: a row for each policy when a run begins with it, or takes it in. Readers take one of each text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime

import pyarrow as pa
import pyarrow.parquet as pq

from assay.errors import InputError
from assay.policy import Policy, parse_policy
from sinks.counts import active_files
from sinks.delta_table import FOREIGN, Location, append_checked, append_rows, ensure_table, locate, translate
from sinks.schema import INSTANT, TEXT

POLICIES = "policies"

POLICY_SCHEMA = pa.schema(
    [
        *((name, TEXT) for name in ("hash", "id", "version", "text")),
        *((name, INSTANT) for name in ("first_seen", "last_seen")),
    ]
)
"""As written, `first_seen` and `last_seen` are the same; the view `policies` has the first and the last of a text."""


@dataclass(frozen=True, slots=True)
class PolicyVersion:
    """A text that some run into this table has had, and when one first began with it."""

    hash: str
    id: str
    version: str
    text: str
    first_seen: datetime

    @property
    def terms_hash(self) -> str | None:
        """That of the policy; None if this version of assay can't read the text any more."""
        try:
            return parse_policy(self.text, self.hash).terms_hash
        except InputError:
            return None


def policy_versions(path: str) -> list[PolicyVersion]:
    """Every text in table `<path>/policies`, the first seen first; none if there is no table.

    Raises InputError if what is there is no table, TransientError or FatalError if it can't be read.
    """
    at = locate(path, POLICIES)
    found: dict[str, PolicyVersion] = {}
    try:
        for file in active_files(path, POLICIES) or []:
            for each in _read(at, file):
                if each.hash not in found or each.first_seen < found[each.hash].first_seen:
                    found[each.hash] = each
    except FOREIGN as error:
        raise translate(error, at.uri) from error
    return sorted(found.values(), key=lambda each: each.first_seen)


def _read(at: Location, file: str) -> Iterator[PolicyVersion]:
    columns = [field.name for field in fields(PolicyVersion)]
    for row in pq.read_table(file, columns=columns, filesystem=at.filesystem, partitioning=None).to_pylist():
        yield PolicyVersion(**row)


class PolicyLog:
    """Appends to table `<path>/policies`, creating it if need be. Raises InputError if what is there is not ours."""

    def __init__(self, path: str) -> None:
        self._at = locate(path, POLICIES)
        ensure_table(self._at, POLICY_SCHEMA, (), {})

    def write(self, policies: Sequence[Policy], now: datetime, check: Callable[[], None] | None = None) -> None:
        """Add a row for each, if `check` does not raise: nobody adds a text after it looked and before they are in.

        Raises TransientError or FatalError if they can't be stored.
        """
        rows = pa.Table.from_pylist([_row(policy, now) for policy in policies], schema=POLICY_SCHEMA)
        if check is None:
            append_rows(self._at, rows)
        else:
            append_checked(self._at, rows, check)


def _row(policy: Policy, now: datetime) -> dict[str, str | datetime]:
    return {
        "hash": policy.hash,
        "id": policy.id,
        "version": policy.version,
        "text": policy.text,
        "first_seen": now,
        "last_seen": now,
    }
