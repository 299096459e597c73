"""What is asked before a run starts: whether edited policies and another judge are meant."""

from __future__ import annotations

import sys

import typer

from actors.identity import identify
from assay.errors import InputError
from jobs.judge_change import judge_change
from jobs.load import Job
from jobs.sql_output import printable
from jobs.versions import refuse_edited
from sinks.policies import policy_versions


def ask_before(job: Job, *, yes: bool, allow_edited: bool) -> None:
    """Returns if the run may start. Writes nothing.

    Raises InputError for a policy that was edited and kept its version, unless `allow_edited`; and for another judge
    whose verdicts are lost, unless `yes`, `on_judge_change: rejudge`, or whoever sits at the terminal agrees.
    """
    known = policy_versions(job.config.sink.path)
    if not allow_edited:
        refuse_edited(job.policies, known, job.files)
    change = judge_change(job, identify(job.config.judge), known)
    if change is None:
        return
    if yes or job.config.on_judge_change == "rejudge":
        print(printable(change.text), file=sys.stderr, flush=True)
    elif not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise InputError(f"{change.text}; --yes to go on, or set on_judge_change: rejudge")
    elif not typer.confirm(printable(f"{change.text}. Go on?"), err=True):
        raise InputError("nothing was judged")
