from __future__ import annotations

from pathlib import Path

import pytest

from tests.jobs.workplace import Workplace, make_workplace


@pytest.fixture
def place(tmp_path: Path) -> Workplace:
    return make_workplace(tmp_path)
