"""`assay check` on policies: text for people, JSON and SARIF for programs, and a gate if one asks for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from typer.testing import CliRunner, Result

from authoring.lint import LINTS
from authoring.lint_records import Finding
from jobs.check_sarif import sarif
from jobs.cli import app
from tests.jobs.workplace import Workplace

CLEAN = (Path(__file__).parents[1] / "authoring" / "policies" / "market.md").read_text(encoding="utf-8")
VAGUE = CLEAN.replace("- M1: offers", "- M1: usually offers")
QUIET = VAGUE.replace("rules:\n", "# assay: ignore[P010] it is law\nrules:\n")
NOTED = CLEAN.replace("rules:\n", "precedence: [M3, M1]\nrules:\n")

TEXT = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "minLength": 1}}}
LEVEL = {"enum": ["none", "note", "warning", "error"]}
RULE = {
    "type": "object",
    "required": ["id", "shortDescription", "fullDescription", "help", "defaultConfiguration"],
    "properties": {
        "id": {"type": "string"},
        "name": {"type": "string", "pattern": "^[A-Z][A-Za-z]+$"},
        "shortDescription": TEXT,
        "fullDescription": TEXT,
        "help": TEXT,
        "defaultConfiguration": {"type": "object", "properties": {"level": LEVEL}},
    },
}
PLACE = {
    "type": "object",
    "required": ["artifactLocation", "region"],
    "properties": {
        "artifactLocation": {"type": "object", "properties": {"uri": {"type": "string", "minLength": 1}}},
        "region": {"type": "object", "properties": {"startLine": {"type": "integer", "minimum": 1}}},
    },
}
RESULT = {
    "type": "object",
    "required": ["ruleId", "ruleIndex", "level", "message", "locations"],
    "properties": {
        "level": LEVEL,
        "message": TEXT,
        "locations": {
            "type": "array",
            "items": {"type": "object", "required": ["physicalLocation"], "properties": {"physicalLocation": PLACE}},
        },
        "suppressions": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["kind"],
                "properties": {"kind": {"enum": ["inSource", "external"]}},
            },
        },
    },
}
DRIVER = {
    "type": "object",
    "required": ["name", "rules"],
    "properties": {"name": {"type": "string"}, "rules": {"type": "array", "items": RULE}},
}
RUN = {
    "type": "object",
    "required": ["tool", "results"],
    "properties": {
        "tool": {"type": "object", "required": ["driver"], "properties": {"driver": DRIVER}},
        "results": {"type": "array", "items": RESULT},
    },
}
SARIF = {
    "type": "object",
    "required": ["version", "runs"],
    "properties": {"version": {"const": "2.1.0"}, "runs": {"type": "array", "minItems": 1, "items": RUN}},
}
"""What SARIF 2.1.0 asks of the parts that we write."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a policy.md").write_text(VAGUE, encoding="utf-8")
    return tmp_path


def check(*arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(app, ["check", *arguments])
    assert result.exit_code == code, result.output
    return result


def test_a_policy_is_checked_without_a_job(folder: Path) -> None:
    out = check(str(folder / "a policy.md")).stdout
    assert out.startswith("read: market@1.0\n")
    assert "a policy.md:31: warning P010 vague word: 'usually' leaves open where the line is\n    why " in out
    assert out.endswith("1 warning\n")


def test_strict_ends_with_1_for_a_warning_that_nobody_silenced(folder: Path) -> None:
    check(".", "--strict", code=1)
    for text in (QUIET, NOTED, CLEAN):
        (folder / "a policy.md").write_text(text, encoding="utf-8")
        check(".", "--strict")
    (folder / "a policy.md").write_text(CLEAN.replace("(M3)", "(M7)"), encoding="utf-8")
    check(".", "--strict", code=1)
    check(".")


def test_json_has_each_finding_and_both_options_for_it_are_the_same(folder: Path) -> None:
    (folder / "a policy.md").write_text(QUIET, encoding="utf-8")
    [finding] = json.loads(check(".", "--json").stdout)["findings"]
    assert check(".", "--json").stdout == check(".", "--format", "json").stdout
    assert finding == {
        "code": "P010",
        "name": "vague word",
        "severity": "warning",
        "path": "a policy.md",
        "line": 32,
        "message": "'usually' leaves open where the line is",
        "why": next(lint.why for lint in LINTS if lint.code == "P010"),
        "way_out": next(lint.way_out for lint in LINTS if lint.code == "P010"),
        "silenced": "it is law",
    }


def test_sarif_has_rules_and_results_and_says_what_was_silenced(folder: Path) -> None:
    (folder / "quiet.md").write_text(QUIET.replace("id: market", "id: quiet"), encoding="utf-8")
    check(".", "--format", "sarif", "--out", "found.sarif")
    log: dict[str, Any] = json.loads((folder / "found.sarif").read_text(encoding="utf-8"))
    Draft202012Validator(SARIF).validate(log)
    rules, results = log["runs"][0]["tool"]["driver"]["rules"], log["runs"][0]["results"]
    assert [rule["id"] for rule in rules] == [lint.code for lint in LINTS]
    assert [rules[each["ruleIndex"]]["id"] for each in results] == [each["ruleId"] for each in results] == ["P010"] * 2
    assert [each["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for each in results] == [
        "a%20policy.md",
        "quiet.md",
    ]
    assert [each.get("suppressions") for each in results] == [
        None,
        [{"kind": "inSource", "justification": "it is law"}],
    ]


def test_what_the_format_forbids_ends_with_2_whatever_is_found(folder: Path) -> None:
    (folder / "a policy.md").write_text(CLEAN.replace("severity: 4", "severity: 5"), encoding="utf-8")
    assert "rules.0.severity" in str(CliRunner().invoke(app, ["check", "a policy.md"]).exception)


def test_a_job_is_checked_with_its_policies(place: Workplace) -> None:
    out = place.run("check", "CONFIG").stdout
    assert "fine\n  source " in out
    assert "p0.md:1: note P046" in out
    report = json.loads(place.run("check", "CONFIG", "--json").stdout)
    assert report["cases"] > 0
    assert {"P001", "P046"} <= {each["code"] for each in report["findings"]}
    assert (place.folder / "found.json").exists() is False
    place.run("check", "CONFIG", "--strict", "--format", "json", "--out", "found.json", code=1)
    assert json.loads((place.folder / "found.json").read_text()) == report


def test_labels_are_checked_before_a_run_that_they_would_not_stop(place: Workplace) -> None:
    place.config["labels"] = {"path": "labels.csv"}
    assert "no file matches" in place.run("check", "CONFIG", code=2).stderr
    (place.folder / "labels.csv").write_text("item_id,policy_id,label\nm1,p0,maybe\n")
    assert "labels.csv:2: label: the label 'maybe'" in place.run("check", "CONFIG", code=2).stderr


def test_sarif_names_a_file_whose_name_is_not_unicode() -> None:
    assert '"uri": "sp%FFam.md"' in sarif([Finding(LINTS[0], "sp\udcffam.md", 1, "x")])
