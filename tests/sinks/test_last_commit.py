"""When something was last committed, as the log says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from deltalake import DeltaTable

from assay.config import DeltaConfig
from assay.contracts import Move
from assay.errors import InputError
from sinks.last_commit import last_commit
from sinks.upkeep import optimize
from tests.sinks.outcomes import verdict
from tests.sinks.stand import open_sink


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "out")


def test_without_a_table_there_is_none(path: str) -> None:
    assert last_commit(path) is None


def test_a_table_that_was_only_made_has_no_commit(path: str) -> None:
    open_sink(path)
    found = last_commit(path)
    assert found is not None
    assert found.at is None


def test_rows_and_positions_are_commits(path: str) -> None:
    sink, before = open_sink(path), datetime.now(UTC) - timedelta(milliseconds=1)
    sink.commit([verdict(0)], {})
    rows = last_commit(path)
    sink.commit([], {"track/one": Move(None, 1)})
    position = last_commit(path)
    assert rows is not None
    assert position is not None
    assert rows.at is not None
    assert position.at is not None
    assert before <= rows.at <= position.at <= datetime.now(UTC)
    assert position.version == rows.version + 1


def test_joining_files_is_none(path: str) -> None:
    sink = open_sink(path)
    for position in range(3):
        sink.commit([verdict(position)], {})
    before = last_commit(path)
    optimize(DeltaConfig(kind="delta", path=path), path)
    after = last_commit(path)
    assert before is not None
    assert after is not None
    assert after.version == DeltaTable(f"{path}/verdicts").version() > before.version
    assert after.at == before.at


def test_a_log_that_was_cleaned_up_says_nothing(path: str) -> None:
    open_sink(path).commit([verdict(0)], {})
    optimize(DeltaConfig(kind="delta", path=path), path)
    table = DeltaTable(f"{path}/verdicts")
    for version in range(table.version() + 1):
        Path(path, "verdicts", "_delta_log", f"{version:020d}.json").unlink(missing_ok=True)
    found = last_commit(path)
    assert found is not None
    assert found.at is None


def test_what_is_no_table_is_refused(path: str) -> None:
    log = Path(path, "verdicts", "_delta_log")
    log.mkdir(parents=True)
    (log / f"{0:020d}.json").write_text("nonsense\n")
    with pytest.raises(InputError, match="not a Delta table"):
        last_commit(path)
