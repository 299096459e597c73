"""Lints policy files together, with the golden items that they name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from assay.errors import InputError
from assay.golden import GoldenItem, inline_items
from assay.policy import Policy, load_policy
from authoring.golden_file import read_golden
from authoring.lint import lint_pages
from authoring.lint_page import Page
from authoring.lint_records import Finding


def load_policies(path: Path) -> dict[str, Policy]:
    """A policy's file, or all those of a folder and its folders (*.md but README.md), by file.

    Raises InputError, also for a version of an id that is there twice.
    """
    files = [path]
    if path.is_dir():
        files = [each for each in sorted(path.rglob("*.md")) if each.name.lower() != "readme.md"]
    if not files:
        raise InputError(f"{path}: there is no policy in this folder; a policy is a .md file")
    policies: dict[str, Policy] = {}
    for file in files:
        policy = load_policy(file)
        known = (policy.id, policy.version)
        if other := next((name for name, each in policies.items() if (each.id, each.version) == known), None):
            raise InputError(f"{file}: {policy.id}@{policy.version} is also in {other}; ids or versions must differ")
        policies[str(file)] = policy
    return policies


def lint_policies(policies: Mapping[str, Policy]) -> tuple[Finding, ...]:
    """All findings in these policies, given by file, silenced ones included.

    Two versions of one policy, of which one may be a shadow, may label their golden items as they like.
    """
    read = {file: _golden(policy, Path(file)) for file, policy in policies.items()}
    pages = []
    for file, policy in policies.items():
        beside = {name: each for name, each in policies.items() if each is policy or each.id != policy.id}
        items = tuple(item for name in beside for item in read[name][0])
        others = tuple(each for each in beside.values() if each is not policy)
        pages.append(Page(policy, file, items, others, read[file][1]))
    return lint_pages(pages)


def _golden(policy: Policy, file: Path) -> tuple[tuple[GoldenItem, ...], str]:
    """The golden items that a policy names, and why they can't be read."""
    if not isinstance(policy.golden, str):
        return inline_items(policy.golden, policy.id), ""
    try:
        return read_golden(file.parent / policy.golden, policy_id=policy.id), ""
    except InputError as error:
        return (), str(error)
