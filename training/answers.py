"""The answer that a case should get, as the grammar of `actors.grammar` allows it."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence

from assay.policy import Policy

OPENING = '{"violation":'
"""What comes before the digit."""

_BREAKS = ("{label}: {text}", "{text} ({id})", "{id} applies: {text}", "it {text}", "breaks {id}, {label}")
_KEEPS = ("no rule fits", "none of the rules applies", "nothing that the policy names", "allowed: no rule is met")


def answer(policy: Policy, broken: Sequence[str], sure: bool, rationale_chars: int, rng: random.Random) -> str:
    """The whole answer: verdict, rules, confidence and a rationale of at most `rationale_chars` characters."""
    said = _rationale(policy, broken, rng)
    plain = "".join(letter for letter in said if letter not in '"\\' and letter.isprintable())
    if len(plain) > rationale_chars:
        plain = plain[: rationale_chars + 1].rpartition(" ")[0]
    words = {
        "violation": int(bool(broken)),
        "rule_ids": list(broken),
        "confidence": "high" if sure else "medium",
        "rationale": plain,
    }
    return json.dumps(words, separators=(",", ":"), ensure_ascii=False)


def _rationale(policy: Policy, broken: Sequence[str], rng: random.Random) -> str:
    if not broken:
        return rng.choice(_KEEPS)
    rule = next(rule for rule in policy.rules if rule.id == broken[0])
    return rng.choice(_BREAKS).format(label=rule.label, text=rule.text, id=rule.id)
