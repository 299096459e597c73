"""What the policies that judged say: their titles, and their rules in words."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from assay.errors import InputError
from assay.policy import parse_policy
from jobs.report_asking import Asking
from jobs.report_record import RuleText
from jobs.report_rows import PolicyText


@dataclass(frozen=True, slots=True)
class Words:
    """Of one text: its title, and the text of each rule by its id."""

    title: str = ""
    rules: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PolicyWords:
    """The words of texts, by their hashes. A text that is not there, can't be read any more or was altered has none."""

    by_hash: Mapping[str, Words]

    def of(self, policy_hash: str) -> Words:
        return self.by_hash.get(policy_hash, Words())

    def rules(self, policy_hash: str, rule_ids: Iterable[str]) -> tuple[RuleText, ...]:
        words = self.of(policy_hash).rules
        return tuple(RuleText(rule_id=each, text=words.get(each, "")) for each in rule_ids)


def words_of(ask: Asking, hashes: Iterable[str]) -> PolicyWords:
    """The words of these texts, as the table has them."""
    texts = ask.rows("texts", PolicyText, hashes=sorted(set(hashes)))
    return PolicyWords({each.hash: _words(each) for each in texts})


def _words(row: PolicyText) -> Words:
    if hashlib.sha256(row.text.encode()).hexdigest() != row.hash:
        return Words()
    try:
        policy = parse_policy(row.text, row.hash)
    except InputError:
        return Words()
    return Words(policy.title, {rule.id: rule.text for rule in policy.rules})
