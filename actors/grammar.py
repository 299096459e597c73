"""The grammar that holds an answer to the contract while it is generated.

The JSON has no free white space (an undecided model would fill its budget with blanks) and fixed keys in a fixed order:
violation first, so that its one-digit token tells P(violation). The grammar also rules out contradictions and unknown
rules, and a rationale with quotes, backslashes or control characters, so that nothing in it needs an escape. It does
not rule out naming a rule twice; the parser folds that.
"""

from __future__ import annotations

import json

from actors.prompt_harmony import CHANNEL, CONSTRAIN, END, MESSAGE, SPECIAL_IDS, START
from assay.policy import Policy

_Format = dict[str, object]

_CHAR = r'[^"\\\x00-\x1f\x7f]'
"""Characters of a rationale. Escapes are left out: a bounded repetition of anything but a plain character class costs
xgrammar up to 0.7 s per token and case, of a class 0.05 ms."""


def contract_grammar(policy: Policy, rationale_chars: int, violation: bool | None = None) -> str:
    """EBNF for one answer under `policy`; if `violation` is told, for one that says so and nothing else.

    Rule ids are letters, digits and ._- only, so they need no escaping.
    """
    allowed, violating = r'"0,\"rule_ids\":[]"', r'"1,\"rule_ids\":[" rules "]"'
    decision = f"{allowed} | {violating}" if violation is None else violating if violation else allowed
    rules = " | ".join(f'"{rule_id}"' for rule_id in policy.rule_ids)
    more = len(policy.rule_ids) - 1
    return rf"""
root ::= "{{\"violation\":" ({decision}) rest
rules ::= rule{f' ("," rule){{0,{more}}}' if more else ""}
rule ::= "\"" ({rules}) "\""
rest ::= ",\"confidence\":\"" confidence "\",\"rationale\":\"" {_CHAR}{{0,{rationale_chars}}} "\"}}"
confidence ::= "low" | "medium" | "high"
"""


def harmony_tag(policy: Policy, rationale_chars: int, violation: bool | None = None) -> str:
    """Structural tag (JSON) for gpt-oss: an analysis of any length or none, then one final message that is the answer.

    The prompt ends with `<|start|>assistant`. The model may write the final channel's header in three ways.
    `violation` as for `contract_grammar`.
    """
    specials = list(SPECIAL_IDS)
    analysis: list[_Format] = [
        _token(CHANNEL),
        _text("analysis"),
        _token(MESSAGE),
        {"type": "any_tokens", "exclude_tokens": specials},
        _token(END),
        _token(START),
        _text("assistant"),
    ]
    headers: list[_Format] = [
        _text("final"),
        _text("final json"),
        _sequence([_text("final "), _token(CONSTRAIN), _text("json")]),
    ]
    answer: list[_Format] = [
        _token(CHANNEL),
        {"type": "or", "elements": headers},
        _token(MESSAGE),
        {"type": "grammar", "grammar": contract_grammar(policy, rationale_chars, violation)},
    ]
    whole = _sequence([{"type": "optional", "content": _sequence(analysis)}, *answer])
    return json.dumps({"type": "structural_tag", "format": whole})


def _token(number: int) -> _Format:
    return {"type": "token", "token": number}


def _text(value: str) -> _Format:
    return {"type": "const_string", "value": value}


def _sequence(elements: list[_Format]) -> _Format:
    return {"type": "sequence", "elements": elements}
