"""The two sides that are compared: the job as it is, and with another policy, another judge, or both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from actors.identity import identify
from assay.errors import InputError
from assay.policy import Policy, load_policy
from assay.records import JudgeIdentity
from jobs.judge_change import told_apart
from jobs.load import Job, load_config


@dataclass(frozen=True, slots=True)
class Sides:
    """Two jobs under policies with the same ids, in the same order."""

    before: Job
    after: Job

    @property
    def pairs(self) -> tuple[tuple[Policy, Policy], ...]:
        return tuple(zip(self.before.policies, self.after.policies, strict=True))

    @property
    def judges(self) -> tuple[str, str]:
        """Both judges by name, with the settings that differ; the same text twice for one judge."""
        was, now = (identify(job.config.judge) for job in (self.before, self.after))
        if _alike(was, now):
            return was.name, was.name
        return told_apart(was, self.before.config.model_dump_json(), now, self.after.config.judge)

    def under(self, ids: Sequence[str]) -> Sides:
        """The same for some of the policies. Raises InputError for an id that none has."""
        names = ",".join(ids)
        return Sides(self.before.under(names), self.after.under(names))


def sides_of(job: Job, new: Sequence[Path], other: Path | None, policies: str) -> Sides:
    """The job beside itself with the policies in these files, and with the judge of the config `other`.

    Without files, all of the job's policies, or those that `policies` names. Of `other`, `judge` and `replicas` count.

    Raises InputError for files that can't be read, policies that the job does not have, and sides that can't differ.
    """
    if not new and other is None:
        raise InputError("nothing to compare with: name an edited policy with --policy, another judge with --judge")
    if new and policies:
        raise InputError("--policies: it goes with --judge alone; --policy says which policies are compared")
    after = _with_judge(job.under(policies), other)
    if new:
        after = _with_policies(after, new)
    sides = Sides(job.under(",".join(policy.id for policy in after.policies)), after)
    _refuse_same(sides, other)
    return sides


def _with_judge(job: Job, other: Path | None) -> Job:
    if other is None:
        return job
    config = load_config(other)
    return replace(job, config=job.config.model_copy(update={"judge": config.judge, "replicas": config.replicas}))


def _with_policies(job: Job, files: Sequence[Path]) -> Job:
    """The job under these policies alone, in the order in which it has them."""
    found: dict[str, tuple[Path, Policy]] = {}
    there = [policy.id for policy in job.policies]
    for file in files:
        policy = load_policy(file)
        if policy.id not in there:
            raise InputError(
                f"{file}: the job has no policy with the id {policy.id!r}; there are: {', '.join(there)}; a policy "
                "that is new has nothing to be compared with: measure it with assay eval"
            )
        if policy.id in found:
            raise InputError(f"{file}: id: {policy.id!r} is also the id of {found[policy.id][0]}; name one of them")
        found[policy.id] = (file, policy)
    ordered = [found[name] for name in there if name in found]
    paths = {policy.id: str(file.resolve()) for file, policy in ordered}
    return replace(job, policies=tuple(policy for _, policy in ordered), files={**job.files, **paths})


def _refuse_same(sides: Sides, other: Path | None) -> None:
    was, now = (identify(job.config.judge) for job in (sides.before, sides.after))
    if not _alike(was, now):
        return
    if other is not None and sides.before.files == sides.after.files:
        raise InputError(f"{other}: its judge is the job's own: nothing that can change an answer differs")
    for old, new in sides.pairs:
        if old.terms_hash == new.terms_hash:
            own = Path(sides.before.files[old.id]).resolve() == Path(sides.after.files[new.id]).resolve()
            what = "it is the job's own file" if own else f"it says the same as {sides.before.files[old.id]}"
            raise InputError(
                f"{sides.after.files[new.id]}: {what}, but perhaps for its title, version or comments, on which no "
                "verdict depends; edit a copy of the policy and compare that"
            )


def _alike(one: JudgeIdentity, other: JudgeIdentity) -> bool:
    """As the key of a case has it: another name for the same model is the same judge."""
    return (one.revision, one.settings_hash) == (other.revision, other.settings_hash)
