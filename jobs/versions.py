"""A version of a policy is one text: a text that changes without a new version is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from assay.errors import InputError
from assay.policy import Policy
from sinks.policies import PolicyLog, PolicyVersion, policy_versions


def refuse_edited(policies: Sequence[Policy], known: Sequence[PolicyVersion], files: Mapping[str, str]) -> None:
    """Raises InputError for a policy whose id and version stood for other terms in earlier runs, and never for these.

    So is a shadow whose id and version stand for other terms in the live policy. Texts with the same terms (another
    title, a comment) are one. `files` has each policy's file, by its `name`.
    """
    for policy in policies:
        _refuse_two_texts(policy, policies, files)
        others = [each for each in known if (each.id, each.version) == (policy.id, policy.version)]
        if others and not any(_same(policy, each) for each in others):
            since = others[0].first_seen.date().isoformat()
            raise InputError(
                f"{files.get(policy.name, policy.id)}: policy {policy.id!r} was edited and is still version "
                f"{policy.version!r}, which has had another text since {since}; raise its version, or take it as it is "
                "with --allow-edited"
            )


def _refuse_two_texts(policy: Policy, policies: Sequence[Policy], files: Mapping[str, str]) -> None:
    alike = [each for each in policies if (each.id, each.version) == (policy.id, policy.version)]
    if other := next((each for each in alike if each.terms_hash != policy.terms_hash), None):
        raise InputError(
            f"{files.get(policy.name, policy.id)}: policy {policy.id!r} has version {policy.version!r}, which is "
            f"another text in {files.get(other.name, other.id)}; give one of them another version"
        )


def take_in(
    path: str, policies: Sequence[Policy], files: Mapping[str, str], now: datetime, *, allow_edited: bool
) -> None:
    """Keep texts that a run goes on with in table `policies`. Raises as `refuse_edited`, unless edits are allowed.

    Of several runs that come at the same time with different texts of one version, one goes on.

    Raises TransientError if the table can't be read or written now, FatalError if it can't be at all.
    """
    check = None if allow_edited else lambda: refuse_edited(policies, policy_versions(path), files)
    PolicyLog(path).write(policies, now, check)


def alike(policies: Sequence[Policy], known: Sequence[PolicyVersion]) -> list[str]:
    """Hashes of all texts under which a verdict is as good as under the policies' own."""
    return sorted(
        {policy.hash for policy in policies}
        | {each.hash for each in known if any(policy.id == each.id and _same(policy, each) for policy in policies)}
    )


def _same(policy: Policy, known: PolicyVersion) -> bool:
    return policy.hash == known.hash or policy.terms_hash == known.terms_hash
