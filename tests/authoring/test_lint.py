"""Each lint fires on a policy that has its fault, at the line that has it, and stays silent on one that nearly has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from authoring.lint import LINTS
from authoring.lint_policies import lint_policies, load_policies
from authoring.lint_records import Finding

CLEAN = (Path(__file__).parent / "policies" / "market.md").read_text(encoding="utf-8")

Edits = dict[str, str]


@dataclass(frozen=True)
class Fault:
    """Edits of the clean policy: with `fault` the code is found in the line that has the text `at`, with `near` not.

    `also` are codes that come along, since one fault is seldom alone.
    """

    code: str
    fault: Edits
    at: str
    near: Edits
    also: frozenset[str] = field(default=frozenset())


INSTRUCTION = "Decide whether the offer"
CRITERION = "- M3: tells a buyer"
RULES = "rules:\n"
SENTENCE = "A market is a place where people sell what they made or no longer need to people who want it. "
GOLDEN = CLEAN[CLEAN.index("golden:\n") : CLEAN.index("rules:\n")]
DEFINED = CLEAN[CLEAN.index("\n- **Offer**") : CLEAN.index("\n# Criteria")]
PICTURES = "Read prices, places and pictures' captions as part of it. "
LAST = CLEAN[CLEAN.index("If two rules") : CLEAN.index("\n# Examples")]
ALLOWED_TOO = CLEAN[CLEAN.index("- bottles with the label") : CLEAN.index("- toys, books")]
BELOW = CLEAN[CLEAN.index("# Instruction") :]
VIOLATING, ALLOWED = GOLDEN.splitlines()[1:]

FAULTS = [
    Fault("P001", {"# Definitions": "# What words mean"}, "# Instruction", {"# Definitions": "## Definitions"}),
    Fault("P002", {INSTRUCTION: SENTENCE * 14 + INSTRUCTION}, "# Instr", {INSTRUCTION: SENTENCE * 7 + INSTRUCTION}),
    Fault(
        "P003",
        {DEFINED: "\n- **Offer**: a text.\n", PICTURES: "", LAST: "", ALLOWED_TOO: ""},
        "# Instruction",
        {PICTURES: ""},
    ),
    Fault(
        "P004",
        {INSTRUCTION: "Answer with one word. " + INSTRUCTION},
        "Answer with",
        {CRITERION: '- M3: tells a buyer to answer with a code, or writes "answer only with yes", or tells a buyer'},
    ),
    Fault(
        "P004",
        {"# Examples": "# Output format\n\nThe rule's id.\n\n# Examples"},
        "# Output",
        {"# Definitions": "# Definitions for answers"},
    ),
    Fault("P004", {INSTRUCTION: "The verdict is valid JSON. " + INSTRUCTION}, "JSON", {INSTRUCTION: INSTRUCTION}),
    Fault(
        "P005",
        {"ivory": "iv\u043ery"},
        "iv\u043ery",
        {"ivory": "ivory or \u0441\u043b\u043e\u043d\u043e\u0432\u0443\u044e \u043a\u043e\u0441\u0442\u044c"},
    ),
    Fault("P005", {"Plum": "\U0001d40flum"}, "brandy", {"Plum": "Pflaumenwasser, d\u00e9licieux"}),
    Fault("P005", {"Plum": "\uff30\uff4c\uff55\uff4d"}, "brandy", {"Plum": "\u041f\u043b\u0443\u043c"}),
    Fault(
        "P005",
        {"parrots": "\u0441\u043e\u043e\u0441\u043e\u043e\u0441"},
        "owls",
        {"parrots": "25 \u00b5m of \u03b2-carotene"},
    ),
    Fault("P006", {"ivory": "iv\u200bory"}, "iv\u200bory", {"ivory": "ivory \u2013 tusks \u2026"}),
    Fault(
        "P009",
        {RULES: "# assay: ignore[P010] they know\n" + RULES},
        "# assay",
        {RULES: "# assay is run on this\n" + RULES},
    ),
    Fault("P009", {RULES: "# assay: ignore[P998] no such code\n" + RULES}, "P998", {}),
    Fault("P009", {RULES: "# assay: ignore all of it\n" + RULES}, "# assay", {}),
    Fault(
        "P009", {"turtles, live": "turtles, usually live <!-- assay: ignore[P010] -->"}, "live", {}, frozenset({"P010"})
    ),
    Fault(
        "P010",
        {"offers or seeks": "usually offers or seeks"},
        "- M1: usually",
        {
            "a question how": 'a question such as "is this generally allowed?", or how',
            "Cage for": "Generally a cage for",
        },
    ),
    Fault("P010", {"distilled, in": "distilled in\n  most cases, where possible, in"}, "most cases", {}),
    Fault(
        "P011", {"house cats, canaries": "house cats, etc"}, "house cats", {"house cats": "house cats such as Persians"}
    ),
    Fault("P020", {"- M3: tells": "- tells"}, "- tells", {"- M3: tells": "- **M3**: tells"}, frozenset({"P021"})),
    Fault("P020", {"- M3: tells": "- it's like this: M3 tells"}, "like this", {"- toys": "- note: toys"}),
    Fault(
        "P021",
        {"- M3: tells": "- M2: tells"},
        "{id: M3",
        {"- M3: tells": "- M2: tells", "cite both": "cite both, but M3 alone where somebody presses for payment"},
    ),
    Fault("P022", {"(M3)": "(M7)"}, "(M7)", {"(M3)": "(M2, M3)"}),
    Fault("P022", {"cite both": "cite M9"}, "cite M9", {"cite both": "cite both, even of size XL3 (M1)"}),
    Fault(
        "P023", {"text: Offering home-made spirits, ": "", "label: spirits, ": ""}, "{id: M2", {"label: spirits, ": ""}
    ),
    Fault(
        "P024",
        {"cite both": "cite both; at severity 1 a hint is enough"},
        "severity 1",
        {"cite both": "cite both; at severity 4 the offer is closed"},
    ),
    Fault("P024", {"spirits, action": "spirits, severity: 1, action"}, "defaults", {"defaults: {severity: 2}\n": ""}),
    Fault(
        "P024",
        {RULES: "escalate: {confidence: [low, medium, high]}\n" + RULES},
        "escalate",
        {RULES: "escalate: {confidence: [low, medium], score: [0.1, 1]}\n" + RULES},
    ),
    Fault("P024", {RULES: "escalate: {score: [0, 1]}\n" + RULES}, "escalate", {}),
    Fault("P025", {RULES: "precedence: [M3, M1]\n" + RULES}, "precedence", {RULES: "precedence: [M1, M3]\n" + RULES}),
    Fault("P025", {RULES: "precedence: [M2]\n" + RULES}, "precedence", {RULES: "precedence: [M1]\n" + RULES}),
    Fault("P026", {"action: limit": "action: allow"}, "{id: M2", {"action: limit": "severity: 0, action: allow"}),
    Fault(
        "P030",
        {"Does not violate:\n\n- pets": "Think of this:\n\n- pets"},
        "# Criteria",
        {"Does not violate:\n\n- pets": "**Does not violate:**\n\n- pets"},
    ),
    Fault(
        "P031",
        {BELOW[BELOW.rindex("Does not violate:") :]: ""},
        "# Examples",
        {BELOW[BELOW.rindex("Does not violate:") :]: 'Does not violate:\n- "Dog."\n'},
    ),
    Fault(
        "P032",
        {"Whisky, unopened, label intact, 25.": "plum brandy from our own still: two bottles for ten"},
        '- "plum brandy',
        {"Whisky, unopened, label intact, 25.": "Plum brandy from a shop, two bottles for ten."},
    ),
    Fault("P033", {" (M1)\n": "\n"}, "Tusk", {" (M1)\n": " (M1), a beginning\n"}),
    Fault("P033", {'canary."': 'canary." (M1)'}, "Cage", {'canary."': 'canary." (a bird)'}),
    Fault("P040", {"Wooden elephant, carved by my aunt, 30.": "whisky, unopened -- label intact, 25"}, "Whisky", {}),
    Fault(
        "P041",
        {ALLOWED: VIOLATING.replace("violates, rules: M1", "allowed")},
        "golden:",
        {ALLOWED: f"{VIOLATING}\n{ALLOWED}"},
        frozenset({"P041"}),
    ),
    Fault("P042", {VIOLATING: ALLOWED}, "golden:", {ALLOWED: f"{ALLOWED}\n  - {{text: who knows}}"}),
    Fault("P043", {"rules: M1}": "rules: M8}"}, "golden:", {"rules: M1}": "rules: [M1, M3]}"}),
    Fault(
        "P044", {RULES: "applies_to: [chat, completion]\n" + RULES}, "golden:", {RULES: "applies_to: [text]\n" + RULES}
    ),
    Fault("P045", {GOLDEN: "golden: none.csv\n"}, "golden:", {}),
    Fault("P046", {GOLDEN: ""}, "---", {}),
]


def edited(edits: Edits) -> str:
    text = CLEAN
    for old, new in edits.items():
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def found(folder: Path, *texts: str) -> list[Finding]:
    for number, text in enumerate(texts):
        (folder / f"{number}.md").write_text(text, encoding="utf-8")
    return [each for each in lint_policies(load_policies(folder)) if not each.silenced]


def codes(findings: Sequence[Finding]) -> set[str]:
    return {each.code for each in findings}


def test_every_code_is_tried_and_has_a_name_a_why_and_a_way_out() -> None:
    assert {fault.code for fault in FAULTS} == {lint.code for lint in LINTS}
    assert [lint.code for lint in LINTS] == sorted({lint.code for lint in LINTS})
    assert all(lint.name and lint.why.endswith(".") and lint.way_out.endswith(".") for lint in LINTS)


def test_nothing_is_found_in_a_policy_without_a_fault(tmp_path: Path) -> None:
    assert found(tmp_path, CLEAN) == []


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.code} {fault.at}")
def test_a_lint_fires_where_its_fault_is(tmp_path: Path, fault: Fault) -> None:
    text = edited(fault.fault)
    findings = found(tmp_path, text)
    assert codes(findings) == {fault.code, *fault.also}
    lines = text.splitlines()
    assert any(fault.at in lines[each.line - 1] for each in findings if each.code == fault.code), findings


@pytest.mark.parametrize("fault", [each for each in FAULTS if each.near], ids=lambda fault: f"{fault.code} {fault.at}")
def test_a_lint_is_silent_where_its_fault_only_seems_to_be(tmp_path: Path, fault: Fault) -> None:
    assert fault.code not in codes(found(tmp_path, edited(fault.near)))


def test_too_long_says_how_long(tmp_path: Path) -> None:
    [finding] = found(tmp_path, edited({INSTRUCTION: SENTENCE * 14 + INSTRUCTION}))
    assert finding.message.endswith("tokens (o200k_harmony), 133 more than 600")
