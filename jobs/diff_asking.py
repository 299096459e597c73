"""What one side says of the items: what a table knows already, and the rest judged in a trial."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta

from actors.board import Status
from actors.identity import identify
from assay.golden import Expected, GoldenItem
from assay.keys import Keys
from assay.records import Known, Rejection, content_hash
from jobs.load import Job
from jobs.trial import Judged, run_trial, trial_table
from sinks.counts import active_files
from sinks.lookup import TableLookup

Pair = tuple[str, str]
"""An item's id and a policy's."""


@dataclass(frozen=True, slots=True)
class Said:
    """What came of an item. `recalled`: the job's own table had it. Tokens are None where nobody counted them."""

    judged: Judged
    recalled: bool = False
    prompt_tokens: int | None = None
    output_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """One side's answers, one for each pair. `run_id` is None if no run was needed."""

    said: Mapping[Pair, Said]
    run_id: str | None


def ask(
    job: Job,
    items: Sequence[GoldenItem],
    on_status: Callable[[Status, int], None],
    stopping: Callable[[], bool],
) -> Asked:
    """Judge the items under the policies that they name, unless the job's table or an earlier trial has the verdict.

    Raises InputError, FatalError, TransientError, and Interrupted if `stopping` before all is judged.
    """
    keys = _keys(job, items)
    recalled = _find(job.config.sink.path, keys, job.config.reuse.max_age)
    said = {pair: _recalled(pair, known) for pair, known in recalled.items()}
    missing = _missing(job, items, said)
    if not missing:
        return Asked(said, None)
    trial = run_trial(job, missing, name="diff", on_status=on_status, stopping=stopping)
    took = _find(trial_table(job.config.sink.path), keys)
    for each in trial.judged:
        pair = each.item_id, each.policy_id
        origin = took[pair].origin if pair in took else None
        said[pair] = Said(each, False, *((origin.prompt_tokens, origin.output_tokens) if origin else ()))
    return Asked(said, trial.run_id)


def _keys(job: Job, items: Iterable[GoldenItem]) -> Mapping[Pair, str]:
    """Of what has no key, since it is not valid Unicode, none."""
    keys, by_id = Keys(identify(job.config.judge)), {policy.id: policy for policy in job.policies}
    found: dict[Pair, str] = {}
    for item in items:
        try:
            content = content_hash(item.kind, item.context, item.judged)
        except UnicodeEncodeError:
            continue
        found |= {
            (item.id, each.policy_id): keys.of(content, by_id[each.policy_id])
            for each in item.expected
            if item.kind in by_id[each.policy_id].applies_to
        }
    return found


def _find(path: str, keys: Mapping[Pair, str], max_age: timedelta | None = None) -> Mapping[Pair, Known]:
    if active_files(path, "verdicts") is None:
        return {}
    with closing(TableLookup(path, max_age)) as lookup:
        lookup.catch_up()
        known = lookup.find(set(keys.values()))
    return {pair: known[key] for pair, key in keys.items() if key in known}


def _recalled(pair: Pair, known: Known) -> Said:
    result, origin = known.result, known.origin
    if isinstance(result, Rejection):
        judged = Judged(*pair, 0, None, reason=result.reason, detail=result.detail)
    else:
        judged = Judged(
            *pair,
            0,
            result.violation,
            result.rule_ids,
            result.severity,
            result.action,
            result.confidence,
            result.score,
            result.rationale,
        )
    return Said(judged, True, origin.prompt_tokens, origin.output_tokens)


def _missing(job: Job, items: Iterable[GoldenItem], said: Mapping[Pair, Said]) -> list[GoldenItem]:
    """The items with the policies that they are still to be judged under."""
    there, left = {policy.id for policy in job.policies}, []
    for item in items:
        names = [each.policy_id for each in item.expected if each.policy_id in there]
        if open_ := tuple(Expected(name, None) for name in names if (item.id, name) not in said):
            left.append(replace(item, expected=open_, carried=()))
    return left
