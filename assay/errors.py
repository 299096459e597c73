"""Every error that assay raises on purpose.

    AssayError
    ├── RecordError      this item or case can't be judged; becomes a rejection
    ├── TransientError   try again, after a pause
    ├── Refused          a commit by somebody who no longer owns the shard
    ├── EngineDied       the engine behind a judge is gone
    ├── Interrupted      asked to stop before anything had begun
    └── FatalError       stop, exit 1
        ├── InputError   the user's input or config is wrong, exit 2
        └── CanariesFailed   the judge gets the policies' own examples wrong

Foreign errors (pyarrow, deltalake, vllm) are translated where they are called. All of these pickle, so they
cross process borders unchanged.
"""

from __future__ import annotations

from assay.records import Reason


class AssayError(Exception):
    """Base of all errors raised by assay itself."""


class RecordError(AssayError):
    """One item or case that can't be judged. `reason` is what the rejection row will say."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}"


class TransientError(AssayError):
    """Something outside failed in a way that a later attempt may not."""


class Refused(AssayError):
    """The ledger moved under a commit: another owner has the shard. Throw the work away and claim it anew."""


class FatalError(AssayError):
    """The run can't go on. The message says what to do."""


class InputError(FatalError):
    """The input or config is wrong. The message names the file, line or key, and the way out."""


class CanariesFailed(FatalError):
    """The judge gets the policies' own examples wrong, and nothing is to be judged then."""


class EngineDied(AssayError):
    """The engine behind a judge is gone. The replica that holds it must end; a new one takes over its shards."""


class Interrupted(AssayError):
    """A stop was asked for before there was anything to stop."""


def gravest(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The one error of a group that says most: one of ours if there is one, else the first."""
    errors = [gravest(error) if isinstance(error, BaseExceptionGroup) else error for error in group.exceptions]
    return next((error for error in errors if isinstance(error, AssayError)), errors[0])
