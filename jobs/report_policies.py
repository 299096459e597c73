"""The part of a report that goes policy by policy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import TypeVar

from jobs.report_asking import Asking
from jobs.report_record import Case, CitedRule, Mix, PolicySection
from jobs.report_rows import ActionRow, Change, Event, MixRow, Point, RuleRow, ScoreBin, VersionRow
from jobs.report_texts import PolicyWords

VALUES = 8
"""So many values of a carried column are shown, and all that moved."""

Row = TypeVar("Row", ActionRow, Case, CitedRule, Event, Mix, Point, RuleRow, ScoreBin, VersionRow)


def policies_of(
    ask: Asking,
    changes: Sequence[Change],
    versions: Sequence[VersionRow],
    words: PolicyWords,
    cases: Sequence[Case],
    columns: Iterable[str | None],
    *,
    redact: bool,
) -> tuple[PolicySection, ...]:
    """A section for each policy of `changes`, in their order. `columns` are the carried columns whose mix is told.

    None among them is the mix of sources. Redacted, values of carried columns are left out.
    """
    points, actions = ask.rows("series", Point), ask.rows("actions", ActionRow)
    rules = [_in_words(row, versions, words) for row in ask.rows("rules", RuleRow)]
    scores = ask.rows("scores", ScoreBin)
    events = ask.rows("events", Event)
    mixes = [mix for column in columns for mix in _mixes(ask, column, redact)]
    return tuple(
        PolicySection(
            policy_id=change.policy_id,
            title=_title(_of(change, versions), words),
            rate=change,
            versions=_of(change, versions),
            points=_of(change, points),
            actions=_of(change, actions),
            rules=_of(change, rules),
            scores=_of(change, scores),
            events=_of(change, events),
            mixes=_of(change, mixes),
            cases=_of(change, cases),
        )
        for change in changes
    )


def _of(one: Change | RuleRow, rows: Iterable[Row]) -> tuple[Row, ...]:
    return tuple(row for row in rows if row.policy_id == one.policy_id)


def _title(versions: Sequence[VersionRow], words: PolicyWords) -> str:
    """That of the latest text that has one."""
    return next((title for each in reversed(versions) if (title := words.of(each.policy_hash).title)), "")


def _in_words(row: RuleRow, versions: Sequence[VersionRow], words: PolicyWords) -> CitedRule:
    """With the rule's words in the latest of the policy's texts that has it."""
    texts = [words.of(each.policy_hash).rules.get(row.rule_id, "") for each in _of(row, versions)]
    return CitedRule(**dict(row), text=next(filter(None, reversed(texts)), ""))


def _mixes(ask: Asking, column: str | None, redact: bool) -> Iterable[Mix]:
    rows = ask.rows("mix", MixRow, carried_key=column)
    for policy_id, group in groupby(rows, key=lambda row: row.policy_id):
        several = tuple(group)
        shown = () if redact and column is not None else _shown(several)
        yield Mix(policy_id=policy_id, column=column, brought=several[0].brought_by_mix, rows=shown)


def _shown(rows: Sequence[MixRow]) -> tuple[MixRow, ...]:
    """The most frequent values, and those that moved."""
    return tuple(row for place, row in enumerate(rows) if place < VALUES or row.moved)
