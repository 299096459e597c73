"""docs/table.md explains every reason for which a case may have no verdict."""

from __future__ import annotations

import re
from pathlib import Path

from assay.records import Reason, Stage

DOC = (Path(__file__).parents[2] / "docs" / "table.md").read_text(encoding="utf-8")


def test_every_reason_is_explained() -> None:
    section = DOC.split("\n## Reasons\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \| ([^|]+) \|$", section, re.MULTILINE)
    assert [reason for reason, _, _ in rows] == [reason.value for reason in Reason]
    stages = {stage.value for stage in Stage}
    assert all(set(stage.split(", ")) <= stages and meaning.strip() for _, stage, meaning in rows)
