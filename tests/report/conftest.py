from __future__ import annotations

from pathlib import Path

import pytest

from jobs.load import load_config
from jobs.report import ReportOptions, report_job
from jobs.report_record import Report
from tests.report.weeks import Weeks, write_weeks


@pytest.fixture(scope="session")
def weeks(tmp_path_factory: pytest.TempPathFactory) -> Weeks:
    """Four weeks of an audit; nobody writes to it."""
    return write_weeks(tmp_path_factory.mktemp("weeks"))


@pytest.fixture(scope="session")
def report(weeks: Weeks) -> Report:
    """What is said of its last week."""
    return report_job(load_config(weeks.config), ReportOptions())


@pytest.fixture
def few(tmp_path: Path) -> Weeks:
    """The last two days of such an audit, of three items each."""
    return write_weeks(tmp_path, days=2, a_day=3)
