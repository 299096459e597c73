"""Table `policies`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from assay.errors import InputError
from assay.policy import parse_policy
from jobs.sql import query
from sinks.policies import PolicyLog, policy_versions
from tests.sinks.outcomes import DAY, SPAM
from tests.sinks.stand import open_sink

LATER = DAY + timedelta(days=1)
EDITED = parse_policy(SPAM.text + "\nAnd so — «on» 🧀.\n", "spam.md")


def test_a_text_is_kept_from_when_it_was_first_seen_to_when_it_was_last(tmp_path: Path) -> None:
    path = str(tmp_path)
    open_sink(path)
    assert policy_versions(path) == []
    assert query(path, "select * from policies").num_rows == 0
    PolicyLog(path).write([SPAM, EDITED], LATER)
    PolicyLog(path).write([SPAM], DAY)
    first, second = policy_versions(path)
    assert (first.hash, first.text, first.first_seen) == (SPAM.hash, SPAM.text, DAY)
    assert (second.text, second.first_seen, second.terms_hash) == (EDITED.text, LATER, EDITED.terms_hash)
    shown = query(path, "select hash, id, version, text, first_seen, last_seen from policies order by 5").to_pylist()
    assert [tuple(row.values()) for row in shown] == [
        (SPAM.hash, "spam", SPAM.version, SPAM.text, DAY, LATER),
        (EDITED.hash, "spam", SPAM.version, EDITED.text, LATER, LATER),
    ]
    assert query(path, "select * from policy_rows").num_rows == 3


def test_many_may_write_at_once(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: PolicyLog(str(tmp_path)).write([SPAM], DAY), range(4)))
    assert [each.hash for each in policy_versions(str(tmp_path))] == [SPAM.hash]


def test_a_text_that_is_no_policy_any_more_has_no_terms(tmp_path: Path) -> None:
    odd = SPAM.model_copy(update={"text": "prose alone"})
    PolicyLog(str(tmp_path)).write([odd], DAY)
    (kept,) = policy_versions(str(tmp_path))
    assert (kept.text, kept.terms_hash) == ("prose alone", None)


def test_a_foreign_table_is_refused(tmp_path: Path) -> None:
    write_deltalake(f"{tmp_path}/policies", pa.table({"hash": ["x"]}))
    with pytest.raises(InputError, match="no column"):
        PolicyLog(str(tmp_path))
