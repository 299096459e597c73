"""docs/measuring.md has the formula and the interval of every figure."""

from __future__ import annotations

import re
from pathlib import Path

from measure.figures import FIGURES
from measure.gate import EXACT_MATCH

DOC = (Path(__file__).parents[2] / "docs" / "measuring.md").read_text(encoding="utf-8")


def test_every_figure_is_explained() -> None:
    section = DOC.split("\n## Figures\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \|(?: [^|]+ \|){3}$", section, re.MULTILINE)
    assert sorted(rows) == sorted([*FIGURES, EXACT_MATCH])
