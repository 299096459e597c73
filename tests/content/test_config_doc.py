"""docs/config.md names every key of the config, with its default."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel

from assay.config import Caps, Columns, Config, DeltaConfig, ParquetConfig, Replicas, ScriptedConfig, VllmConfig

DOC = (Path(__file__).parents[2] / "docs" / "config.md").read_text(encoding="utf-8")
SECTIONS: dict[str, type[BaseModel]] = {
    "Config": Config,
    "Source": ParquetConfig,
    "Columns": Columns,
    "Caps": Caps,
    "Judge, kind: vllm": VllmConfig,
    "Judge, kind: scripted": ScriptedConfig,
    "Sink": DeltaConfig,
    "Replicas": Replicas,
}


def documented(section: str) -> dict[str, str]:
    """Key to default, as the section's table has them."""
    heading = re.compile(rf"^##+ {re.escape(section)}$", re.MULTILINE)
    body = re.split(r"^#+ ", heading.split(DOC)[1], maxsplit=1, flags=re.MULTILINE)[0]
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in body.splitlines() if "| `" in line]
    return {row[0].strip("| `"): row[2].strip("`") for row in rows}


@pytest.mark.parametrize("section", SECTIONS)
def test_every_key_is_documented_with_its_default(section: str) -> None:
    fields = SECTIONS[section].model_fields
    table = documented(section)
    assert list(table) == list(fields)
    for key, field in fields.items():
        if key == "kind" or field.is_required():
            assert table[key] == "required", key
        elif field.default in (None, ()):
            assert table[key] == "none", key
        elif not isinstance(field.default, BaseModel):
            written = table[key] if isinstance(field.default, str) else yaml.safe_load(table[key])
            assert written == field.default, key


def test_every_section_of_the_document_is_compared() -> None:
    titles = re.findall(r"^##+ (.+)$", DOC, re.MULTILINE)
    assert titles == [title for title in titles if title in SECTIONS]
    assert set(titles) == set(SECTIONS)
