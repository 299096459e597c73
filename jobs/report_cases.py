"""The cases that a person should look at first, with what is needed to decide them."""

from __future__ import annotations

from collections.abc import Sequence

from assay.config import KafkaConfig, ParquetConfig
from jobs.report_asking import Asking
from jobs.report_content import Found, Wanted, contents
from jobs.report_record import Case
from jobs.report_rows import CaseRow
from jobs.report_texts import PolicyWords

MOST = 5
"""So many cases of each kind are shown of a policy."""

CASE_KINDS = (
    ("risk", "Highest risk"),
    ("unsure", "Least sure"),
    ("differs", "Seen differently by another version or judge"),
)
"""The kinds of cases in the order in which they are shown, and what they are called."""

CONTENT_CHARS = 600
"""So many characters of a content are shown."""

LEFT_OUT = "left out: the report is redacted"

_SAID = ("rationale", "before_rationale")
"""What the judge wrote, which may quote the content."""


def cases_of(ask: Asking, source: ParquetConfig | KafkaConfig, words: PolicyWords, *, redact: bool) -> Sequence[Case]:
    """All policies' cases, in the order in which to look at them. Redacted, no content is even read."""
    rows = (*ask.rows("cases", CaseRow, most=MOST), *ask.rows("differing", CaseRow, most=MOST))
    if redact:
        nothing = Found("", LEFT_OUT)
        return [_case(row.model_copy(update=dict.fromkeys(_SAID)), words, nothing) for row in rows]
    found = contents(source, {_wanted(row) for row in rows})
    return [_case(row, words, found[_wanted(row)]) for row in rows]


def _wanted(row: CaseRow) -> Wanted:
    return Wanted(row.source, row.position, row.content_hash)


def _case(row: CaseRow, words: PolicyWords, found: Found) -> Case:
    return Case(
        **dict(row),
        rules=words.rules(row.policy_hash, row.rule_ids),
        content=None if found.why_not else found.text[:CONTENT_CHARS],
        content_cut=len(found.text) > CONTENT_CHARS,
        why_no_content=found.why_not,
    )
