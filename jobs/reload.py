"""Policies that change while a stream runs."""

from __future__ import annotations

import glob
import os
import time
from collections.abc import Callable

from assay.errors import AssayError
from assay.policy import Policy
from jobs.load import Job, load_job

_EVERY_SECONDS = 1.0


class PolicyWatch:
    """Looks at a job's policy files once a second. A new id, a lost one or a faulty file waits for a restart.

    A changed file is read when it has stayed the same from one look to the next, so that none is read half written.
    `say` gets a line for each change that is not taken in.
    """

    def __init__(self, job: Job, say: Callable[[str], None]) -> None:
        self._job, self._say = job, say
        self._known = job.policies
        self._looked = time.monotonic()
        self._seen = self._stamp()
        self._read: dict[str, tuple[int, int]] = {}  # a file may have changed since the job was loaded

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
        assert self._job.path is not None
        try:
            fresh = {policy.id: policy for policy in load_job(self._job.path).policies}
        except AssayError as error:
            self._say(f"policies are left as they are: {error}")
            return None
        if fresh.keys() != {policy.id for policy in self._known}:
            self._say("policies are left as they are: one was added or removed, and that takes a restart")
            return None
        before, self._known = self._known, tuple(fresh[policy.id] for policy in self._known)
        return None if self._known == before else self._known

    def _stamp(self) -> dict[str, tuple[int, int]]:
        """Time and size of each file."""
        if not self._job.config.policies_reload:
            return {}
        files = [file for pattern in self._job.config.policies for file in glob.glob(pattern, recursive=True)]
        stamps = {}
        for file in files:
            try:
                stat = os.stat(file)
            except FileNotFoundError:
                continue
            stamps[file] = (stat.st_mtime_ns, stat.st_size)
        return stamps
