"""The speed for the card: only a benchmark that ended well leaves one."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.errors import FatalError
from training.card_speed import SPEED
from training.speed import measure


def _benchmark(folder: Path, code: int) -> Path:
    script = folder / "benchmark.py"
    script.write_text(f"print('machine   a laptop')\nraise SystemExit({code})\n", encoding="utf-8")
    return script


def test_what_the_benchmark_printed_is_kept(tmp_path: Path) -> None:
    measure(tmp_path, _benchmark(tmp_path, 0))
    assert (tmp_path / SPEED).read_text("utf-8") == "machine   a laptop\n"


def test_a_benchmark_that_failed_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / SPEED).write_text("of before\n", encoding="utf-8")
    with pytest.raises(FatalError, match=r"benchmark\.py ended with 3"):
        measure(tmp_path, _benchmark(tmp_path, 3))
    assert (tmp_path / SPEED).read_text("utf-8") == "of before\n"
