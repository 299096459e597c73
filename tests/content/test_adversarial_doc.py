"""docs/adversarial.md names every attack, in order, and says whether a person can read it."""

from __future__ import annotations

import re
from pathlib import Path

from authoring.attack_kinds import Aim
from authoring.attacks import ATTACKS, PADDING

DOC = (Path(__file__).parents[2] / "docs" / "adversarial.md").read_text(encoding="utf-8")


def section(title: str) -> list[tuple[str, bool]]:
    """Attacks of the section's table, and whether they are readable."""
    body = DOC.split(f"## {title}\n")[1].split("\n## ")[0]
    return [(name, not said.startswith("no")) for name, said in re.findall(r"^\| `(\w+)` \| .*? \| (\w+)", body, re.M)]


def test_every_attack_is_documented_with_its_readability() -> None:
    for aim, title in ((Aim.MISS, "Attacks on violations"), (Aim.FALSE_ALARM, "Attacks on allowed items")):
        assert section(title) == [(each.name, each.readable) for each in ATTACKS if each.aim is aim]


def test_the_default_padding_is_documented() -> None:
    assert f"| `--padding N` | `{PADDING}` |" in DOC
