"""Cases on their way to the judge."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from actors.holding import Holding
from actors.intake import Waiting
from actors.reuse import Reuse
from actors.threads import Threads
from assay.contracts import Shard
from assay.records import Case, Outcome


class Backlog:
    """What `reuse` does not spare, first come, first judged. Its length is that of this line."""

    def __init__(self, reuse: Reuse, threads: Threads) -> None:
        self._reuse, self._threads = reuse, threads
        self._line: deque[Waiting] = deque()
        self._closed = False

    def __len__(self) -> int:
        return len(self._line)

    @property
    def waiting(self) -> int:
        """Cases in the line, and those that wait for another one's verdict."""
        return len(self._line) + self._reuse.waiting

    @property
    def next_shard(self) -> Shard:
        """Whose case is next. Only if there is one."""
        return self._line[0][0].shard

    async def add(self, cases: Sequence[Waiting], *, free: bool) -> None:
        """Line up what is to be judged; what is known is finished at once. Unless `free`, no case waits for another.

        Raises TransientError, FatalError.
        """
        if cases:
            found = await self._threads.run(self._reuse.find, cases, claim=free)
            if not self._closed:
                self._line += self._reuse.sift(cases, found, follow=free)

    def next(self) -> Waiting:
        """Take the first one out, to be judged."""
        return self._line.popleft()

    def landed(self, holding: Holding, case: Case, outcome: Outcome) -> None:
        """This case was judged. Those that waited for it are finished, or jump the line."""
        heirs = self._reuse.landed(holding, case, outcome)
        if not self._closed:
            self._line.extendleft(reversed(heirs))

    def drop(self, lost: Holding) -> None:
        """No case of this shard is judged; those that waited for one take its place."""
        gone = [case for holding, case in self._line if holding is lost]
        kept = [entry for entry in self._line if entry[0] is not lost]
        self._line = deque([*self._reuse.dropped(gone, lost.uncommitted), *kept])

    def close(self) -> None:
        """Nothing more is to be judged."""
        self._closed = True
        self._line.clear()
