"""docs/config.md names every key of the config, with its default."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel

from assay.config import (
    AvroValue,
    Caps,
    Columns,
    Config,
    Cost,
    DeltaConfig,
    JsonValue,
    KafkaConfig,
    Labels,
    ParquetConfig,
    Replicas,
    Reuse,
    ScriptedConfig,
    Security,
    TextValue,
    VerdictTopic,
    VllmConfig,
)
from assay.config_parts import PolicyFiles
from sources.kafka_fields import getter, is_virtual

DOCS = Path(__file__).parents[2] / "docs"
DOC = (DOCS / "config.md").read_text(encoding="utf-8")
SECTIONS: dict[str, type[BaseModel]] = {
    "Config": Config,
    "Policies": PolicyFiles,
    "Source, kind: parquet": ParquetConfig,
    "Caps": Caps,
    "Source, kind: kafka": KafkaConfig,
    "Value, kind: json": JsonValue,
    "Value, kind: text": TextValue,
    "Value, kind: avro": AvroValue,
    "Security": Security,
    "Columns": Columns,
    "Judge, kind: vllm": VllmConfig,
    "Judge, kind: scripted": ScriptedConfig,
    "Sink": DeltaConfig,
    "Verdict topic": VerdictTopic,
    "Replicas": Replicas,
    "Reuse": Reuse,
    "Cost": Cost,
    "Labels": Labels,
}


def documented(section: str) -> dict[str, str]:
    """Key to default, as the section's table of keys has them."""
    heading = re.compile(rf"^##+ {re.escape(section)}$", re.MULTILINE)
    body = re.split(r"^#+ ", heading.split(DOC)[1], maxsplit=1, flags=re.MULTILINE)[0]
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in body.splitlines() if "| `" in line]
    return {row[0].strip("| `"): row[2].strip("`") for row in rows if len(row) == 4}


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


def test_every_choice_is_documented() -> None:
    """Each text that a key may have is in the document, in the cell of its type."""
    for section, model in SECTIONS.items():
        for key, schema in model.model_json_schema()["properties"].items():
            for choice in [
                *schema.get("enum", []),
                *(c for one in schema.get("anyOf", []) for c in one.get("enum", [])),
            ]:
                assert re.search(rf"^\| `{key}` \| [^|]*`{re.escape(str(choice))}`", DOC, re.MULTILINE), (section, key)


def test_the_columns_of_a_record_itself_are_documented() -> None:
    documented_columns = re.findall(r"^\| `(@\S+)` \|", DOC, re.MULTILINE)
    assert all(is_virtual(column) for column in documented_columns)
    assert sorted(documented_columns) == sorted(re.findall(r"`(@\S+?)`", getter.__doc__ or ""))


def test_links_in_the_documents_lead_somewhere() -> None:
    links = {
        (page, link) for page in DOCS.glob("*.md") for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text("utf-8"))
    }
    assert links
    assert [f"{page.name}: {link}" for page, link in links if not (DOCS / link).exists()] == []
