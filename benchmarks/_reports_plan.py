"""What the table of `reports.py` is to hold: how many rows on which days, under which policies."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from assay.policy import Policy, parse_policy
from assay.records import Action, JudgeIdentity

RATES = {
    "harassment": 0.012,
    "privacy": 0.008,
    "prompt-injection": 0.02,
    "scams": 0.03,
    "self-harm": 0.004,
    "sexual": 0.02,
    "spam": 0.05,
    "violence": 0.016,
}
"""The share of verdicts that flag, by policy: 2 % on average."""

ACTIONS = (Action.WARN, Action.LIMIT, Action.REVIEW, Action.BLOCK)
"""What a policy's rules ask for: the first has severity 1, the last 4."""

EDITED = "scams"
"""The policy that is edited halfway; what was decided on the two days before is then judged again."""

JUDGE = JudgeIdentity("openai/gpt-oss-safeguard-20b", "0123abcd", "5" * 64)
LAST_DAY = date(2026, 10, 31)
_MOST_DAYS, _FEWEST_DAYS = 90, 14
_A_DAY = 20_000_000 // _MOST_DAYS


@dataclass(frozen=True, slots=True)
class Plan:
    """A table of about so many rows, the same for the same seed. Smaller ones have fewer days, but two weeks at least.

    The rows that are judged again after the edit come on top.
    """

    rows: int
    seed: int

    @property
    def days(self) -> int:
        return min(_MOST_DAYS, max(_FEWEST_DAYS, round(self.rows / _A_DAY)))

    @property
    def items(self) -> int:
        """Items of one day."""
        return max(1, self.rows // (self.days * len(RATES)))

    @property
    def edit(self) -> int:
        """The day from which the second version of the edited policy judges."""
        return self.days // 2

    def judged_again(self, day: int) -> tuple[int, ...]:
        """Earlier days whose items are judged again under the edited policy on this day."""
        return (day - 2, day - 1) if day == self.edit else ()

    def rows_of(self, day: int) -> int:
        return self.items * (len(RATES) + len(self.judged_again(day)))

    def date(self, day: int) -> date:
        return LAST_DAY - timedelta(days=self.days - 1 - day)

    def begin(self, day: int) -> datetime:
        return datetime.combine(self.date(day), datetime.min.time(), UTC)


def policy(name: str, version: int = 1) -> Policy:
    rules = "".join(
        f"  - {{id: {rule_id(name, place)}, text: Rule {place} of version {version}, severity: {place}, "
        f"action: {action.value}}}\n"
        for place, action in enumerate(ACTIONS, 1)
    )
    text = f'---\nid: {name}\nversion: "{version}"\ntitle: Policy on {name}\nrules:\n{rules}---\nDecide by the rules.\n'
    return parse_policy(text, f"{name}.md")


def rule_id(name: str, place: int) -> str:
    return f"{name[:2].upper()}{place}"


POLICIES = tuple(policy(name) for name in RATES)
AFTER_EDIT = policy(EDITED, 2)
