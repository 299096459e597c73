"""Which labelled items an evaluation is about: golden files that are named, or those that the policies name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from assay.errors import InputError
from assay.golden import Expected, GoldenItem, InlineItem, inline_items
from assay.policy import Policy
from authoring.golden_file import parse_mapping, read_golden
from jobs.load import Job


@dataclass(frozen=True, slots=True)
class GoldenSet:
    """Items with ids that differ, and the names of the files that they are from, without folders."""

    items: tuple[GoldenItem, ...]
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Named:
    """A file's items, with the name by which ids are told apart that occur in other files too."""

    file: str
    items: Sequence[GoldenItem]


def golden_files(job: Job, paths: Sequence[Path], mapping: Sequence[str], policy_id: str | None) -> GoldenSet:
    """Read these files. `mapping` and `policy_id` are what `--map` and `--policy` say.

    Raises InputError for what can't be read, or if two files contradict each other.
    """
    columns = parse_mapping(",".join(mapping))
    judged = job.config.source.judged
    if policy_id is not None:
        job.under(policy_id)
    return _together([Named(path.name, read_golden(path, columns, policy_id, judged)) for path in paths])


def own_golden(job: Job) -> GoldenSet:
    """What the front matter of the job's policies names under `golden`. Raises InputError if none names anything."""
    found = [named for policy in job.policies for named in _of_policy(policy, job)]
    if not found:
        raise InputError(
            "no golden items: name a file with --golden, or in the front matter of a policy with the key golden"
        )
    return _together(found)


def _of_policy(policy: Policy, job: Job) -> Iterable[Named]:
    golden = policy.golden
    if isinstance(golden, str):
        path = Path(job.files[policy.id]).parent / golden
        yield Named(path.name, read_golden(path, policy_id=policy.id, judged=job.config.source.judged))
    elif golden:
        entries = [InlineItem.model_validate(entry.model_dump(exclude_none=True)) for entry in golden]
        yield Named(Path(job.files[policy.id]).name, inline_items(entries, policy.id))


def _together(files: Sequence[Named]) -> GoldenSet:
    """All items, each id once. An id that means another content in each file is preceded by the file's name."""
    by_id: dict[str, set[object]] = {}
    for file in files:
        for item in file.items:
            by_id.setdefault(item.id, set()).add((item.kind, item.context, item.judged))
    again = Counter(file.file for file in files)
    merged: dict[str, GoldenItem] = {}
    for number, file in enumerate(files, 1):
        name = file.file if again[file.file] == 1 else f"{number}-{file.file}"
        for item in file.items:
            one = item if len(by_id[item.id]) == 1 else _renamed(item, f"{name}:{item.id}")
            merged[one.id] = _joined(merged[one.id], one) if one.id in merged else one
    return GoldenSet(tuple(merged.values()), tuple(dict.fromkeys(file.file for file in files)))


def _renamed(item: GoldenItem, name: str) -> GoldenItem:
    return replace(item, id=name, group=name if item.group == item.id else item.group)


def _joined(one: GoldenItem, other: GoldenItem) -> GoldenItem:
    """Labels of two files for one item. Raises InputError if they contradict each other."""
    expected = {each.policy_id: each for each in one.expected}
    for each in other.expected:
        if expected.setdefault(each.policy_id, each) != each:
            raise InputError(f"item {one.id!r}: two files label it differently under policy {each.policy_id}")
    carried = dict(other.carried) | dict(one.carried)
    return replace(one, expected=tuple(expected.values()), carried=tuple(carried.items()), note=one.note or other.note)


def under_job(golden: GoldenSet, job: Job, *, restricted: bool) -> tuple[Job, GoldenSet]:
    """The job under those of its policies that a label names, and the items that these have a label for.

    Labels under other policies are left out if the policies were `restricted`; else they are mistakes. Raises
    InputError for them, and if nothing is left. Items that say the same are put into one group: a hundred copies are
    no more evidence than one.
    """
    there = {policy.id for policy in job.policies}
    named = {each.policy_id for item in golden.items for each in item.expected}
    if (unknown := sorted(named - there)) and not restricted:
        raise InputError(
            f"the golden items name policy {unknown[0]!r}, and the job has none of that id; there are: "
            f"{', '.join(sorted(there))}; to leave such labels out, say which policies to evaluate: --policies a,b"
        )
    items = [replace(item, expected=_among(item.expected, there)) for item in golden.items]
    kept = _gathered([item for item in items if item.expected])
    if not kept:
        raise InputError("no golden item has a label under the policies that are to be evaluated")
    policies = tuple(policy for policy in job.policies if policy.id in named)
    return replace(job, policies=policies), replace(golden, items=kept)


def _among(expected: Iterable[Expected], policy_ids: set[str]) -> tuple[Expected, ...]:
    return tuple(each for each in expected if each.policy_id in policy_ids)


def _gathered(items: Sequence[GoldenItem]) -> tuple[GoldenItem, ...]:
    """Items that share a group or a content, if only by way of others, get the group of the first of them."""
    leads: dict[object, object] = {}

    def first(key: object) -> object:
        while (lead := leads.setdefault(key, key)) != key:
            leads[key] = key = leads[lead]
        return key

    for item in items:
        content = (item.kind, item.context, item.judged)
        leads[first(content)] = first(item.group)
    names: dict[object, str] = {}
    return tuple(replace(item, group=names.setdefault(first(item.group), item.group)) for item in items)
