"""Findings in SARIF 2.1.0 (OASIS, 2020), which code hosts show beside the lines of a change."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from urllib.parse import quote

from authoring.lint import LINTS
from authoring.lint_records import Finding, Lint
from jobs.check_findings import near

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"

Json = dict[str, object]


def sarif(findings: Sequence[Finding]) -> str:
    """One log of one run, with all that is looked for as its rules. A silenced finding is a suppressed result."""
    tool = {"name": "assay", "version": version("assay"), "rules": [_rule(lint) for lint in LINTS]}
    run = {
        "tool": {"driver": tool},
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding) for finding in findings],
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def _rule(lint: Lint) -> Json:
    return {
        "id": lint.code,
        "name": "".join(word.capitalize() for word in lint.name.replace("-", " ").split()),
        "shortDescription": {"text": lint.name},
        "fullDescription": {"text": lint.why},
        "help": {"text": f"{lint.why} {lint.way_out}"},
        "defaultConfiguration": {"level": lint.severity.value},
    }


def _result(finding: Finding) -> Json:
    place = {"artifactLocation": {"uri": _uri(finding.path)}, "region": {"startLine": finding.line}}
    result: Json = {
        "ruleId": finding.code,
        "ruleIndex": LINTS.index(finding.lint),
        "level": finding.severity.value,
        "message": {"text": f"{finding.lint.name}: {finding.message}"},
        "locations": [{"physicalLocation": place}],
    }
    if finding.silenced:
        result["suppressions"] = [{"kind": "inSource", "justification": finding.silenced}]
    return result


def _uri(path: str) -> str:
    """Relative to the working directory where it can be, as code hosts want it; else a file URI."""
    short = near(path)
    return Path(short).as_uri() if Path(short).is_absolute() else quote(os.fsencode(short))
