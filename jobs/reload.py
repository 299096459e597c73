"""Policies that change while a stream runs."""

from __future__ import annotations

import glob
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime

from assay.errors import AssayError, InputError, TransientError
from assay.policy import Policy
from jobs.load import Job, load_job
from jobs.versions import take_in

_EVERY_SECONDS = 1.0


class PolicyWatch:
    """Looks at a job's policy files once a second. A new id, a lost one or a faulty file waits for a restart.

    A changed file is read when it has stayed the same from one look to the next, so that none is read half written.
    What is taken in is in table `policies` before anybody judges by it. An edit that keeps its version is not taken in,
    unless `allow_edited`. `say` gets a line for each change that is not taken in.
    """

    def __init__(self, job: Job, say: Callable[[str], None], *, allow_edited: bool = False) -> None:
        self._job, self._say, self._allow_edited = job, say, allow_edited
        self._known = job.policies
        self._looked = time.monotonic()
        self._seen = self._stamp()
        self._read: dict[str, tuple[int, int]] = {}  # a file may have changed since the job was loaded
        self._said = ""

    def renewed(self) -> tuple[Policy, ...] | None:
        """All of the job's policies in their old order, if the text of one has changed since the last call."""
        if not self._job.config.policies_reload or time.monotonic() - self._looked < _EVERY_SECONDS:
            return None
        self._looked = time.monotonic()
        seen, self._seen = self._seen, self._stamp()
        if self._seen != seen or seen == self._read:
            return None
        self._read = seen
        return self._load()

    def _load(self) -> tuple[Policy, ...] | None:
        """What is to be taken in. After a passing error the next look tries again."""
        try:
            fresh = self._changed()
        except TransientError as error:
            self._read = {}
            self._say_once(f"policies are left as they are for now: {error}")
            return None
        except AssayError as error:
            self._say_once(f"policies are left as they are: {error}")
            return None
        self._said = ""
        before, self._known = self._known, fresh
        return None if fresh == before else fresh

    def _changed(self) -> tuple[Policy, ...]:
        """The policies as their files have them now. Raises AssayError if they can't be taken in."""
        assert self._job.path is not None
        job = load_job(self._job.path)
        fresh = {policy.name: policy for policy in job.policies}
        if fresh.keys() != {policy.name for policy in self._known}:
            raise InputError("one was added or removed, or has another mode, and that takes a restart")
        if changed := [policy for policy in job.policies if policy not in self._known]:
            path, now = self._job.config.sink.path, datetime.now(UTC)
            take_in(path, changed, job.files, now, allow_edited=self._allow_edited)
        return tuple(fresh[policy.name] for policy in self._known)

    def _say_once(self, text: str) -> None:
        if text != self._said:
            self._said = text
            self._say(text)

    def _stamp(self) -> dict[str, tuple[int, int]]:
        """Time and size of each file."""
        if not self._job.config.policies_reload:
            return {}
        files = [file for entry in self._job.config.policy_files for file in glob.glob(entry.path, recursive=True)]
        stamps = {}
        for file in files:
            try:
                stat = os.stat(file)
            except FileNotFoundError:
                continue
            stamps[file] = (stat.st_mtime_ns, stat.st_size)
        return stamps
