"""Pay once: cases whose verdict is known, or on its way, are not judged."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from threading import Lock

from actors.counts import Counts
from actors.deciding import Deciding
from actors.holding import Holding
from actors.intake import Waiting
from assay.contracts import History
from assay.keys import audited, known, reusable
from assay.records import Case, Known, Outcome, Stage

_RECENT = 50_000

Finish = Callable[[Holding, Outcome], None]


@dataclass(frozen=True, slots=True)
class Found:
    """What a lookup said of some keys: what they are known to come to, and which of the others are judged elsewhere."""

    known: Mapping[str, Known]
    elsewhere: Set[str]


class Reuse:
    """Stands between intake and judge of one loop.

    - Of cases with one key that meet here, one is judged; the others wait for it, and get its verdict.
    - What `history` knows is not judged, except for a share of what earlier runs judged, to see whether it still holds.
    - What another process judges at the moment waits until that is committed; `again` says when to ask once more.
    - A rejection is passed on only if the content alone decided it; after any other each waiting case is judged.

    Each case that gets a verdict from another ends as an outcome of its own, with stage `reused` and its origin.
    """

    def __init__(self, history: History | None, deciding: Deciding, finish: Finish, counts: Counts) -> None:
        self._lookup = history.lookup if history else None
        self._audit = history.audit if history else 0.0
        self._deciding, self._finish, self._counts = deciding, finish, counts
        self._followers: dict[str, list[Waiting]] = {}
        self._parked: list[Waiting] = []
        self._audited: dict[str, Known] = {}
        self._recent: OrderedDict[str, Known] = OrderedDict()
        self._freed: set[str] = set()
        self._asking = Lock()

    @property
    def waiting(self) -> int:
        """Cases that wait for another one's verdict."""
        return len(self._parked) + sum(len(followers) for followers in self._followers.values())

    @property
    def parked(self) -> bool:
        """Some of them wait for another process."""
        return bool(self._parked)

    @property
    def freed(self) -> bool:
        """Claims are left of cases that we will not commit: others may wait for them, so `settle` soon."""
        return bool(self._freed)

    def again(self) -> list[Waiting]:
        """Those that wait for another process, to be asked about and sifted once more."""
        self._parked = [each for each in self._parked if not each[0].lost]
        return list(self._parked)

    def find(self, waiting: Sequence[Waiting], *, claim: bool) -> Found:
        """What is known of these cases, and, with `claim`, which of them are ours to judge. Slow: asks the lookup.

        Raises TransientError, FatalError.
        """
        if self._lookup is None:
            return Found({}, frozenset())
        with self._asking:
            keys = {case.key for _, case in waiting if case.key not in self._followers}
            recent = {key: known for key in keys if (known := self._recent.get(key)) is not None}
            wanted = keys - recent.keys()
            found = {**recent, **self._lookup.find(wanted)}
            unknown = wanted - found.keys()
            if not (claim and unknown):
                return Found(found, frozenset())
            ours = self._lookup.claim(unknown)
            late = self._lookup.find(ours)  # committed since, or its claim would not have been free
            if late:
                self._lookup.release(late.keys())
        return Found({**found, **late}, unknown - ours)

    def sift(self, waiting: Iterable[Waiting], found: Found, *, follow: bool) -> list[Waiting]:
        """Those that are to be judged now. The others are finished, or wait (not without `follow`)."""
        sifted = list(waiting)
        if self._parked:
            taken = {id(case) for _, case in sifted}
            self._parked = [each for each in self._parked if id(each[1]) not in taken]
        return [each for each in sifted if not self._is_spared(*each, found, follow)]

    def _is_spared(self, holding: Holding, case: Case, found: Found, follow: bool) -> bool:
        before = found.known.get(case.key)
        if before is not None and self._is_audited(case, before):
            self._audited[case.key] = before
        elif (spare := before or self._recent.get(case.key)) is not None:
            self._finish(holding, self._deciding.reuse(case, spare))
            return True
        if not follow:
            return False
        if case.key in self._followers:
            self._followers[case.key].append((holding, case))
            return True
        if case.key in found.elsewhere:
            self._parked.append((holding, case))
            return True
        self._followers[case.key] = []
        return False

    def _is_audited(self, case: Case, before: Known) -> bool:
        earlier = before.origin.run_id != self._deciding.run_id
        return earlier and audited(case.key, case.item.id, self._audit)

    def settle(self, outcomes: Iterable[Outcome]) -> None:
        """These are in the table: others may know. Slow. Raises TransientError, FatalError."""
        freed, self._freed = self._freed, set()
        freed |= _claimed(outcomes)
        freed = {key for key in freed if key not in self._followers}  # these are claimed again, and with the judge
        if self._lookup is not None and freed:
            with self._asking:
                self._lookup.release(freed)
                for key in freed:
                    self._recent.pop(key, None)  # the lookup has it, and knows when it is too old, or forgotten

    def landed(self, holding: Holding, case: Case, outcome: Outcome) -> list[Waiting]:
        """This case was judged: finishes it, and those that waited for it. Returns those to be judged in its place."""
        before = self._audited.pop(case.key, None)
        if before is not None:
            outcome = replace(outcome, origin=before.origin)
            self._counts.audited(before.result, outcome.judgement.result)
        heirs = [(holding, case), *self._followers.pop(case.key, ())]
        heirs = [heir for heir in heirs if not heir[0].lost]
        if not heirs:
            self._freed.add(case.key)
            return []
        (owner, first), *rest = heirs
        if first is not case:
            outcome = replace(outcome, item=first.item, policy=first.policy)
        self._finish(owner, outcome)
        if not reusable(outcome.judgement.result):
            return rest
        self._remember(case.key, known(outcome))
        for each, other in rest:
            self._finish(each, self._deciding.reuse(other, known(outcome)))
        return []

    def dropped(self, cases: Iterable[Case], uncommitted: Iterable[Outcome] = ()) -> list[Waiting]:
        """Their shard is lost: these will not be judged, or committed. Returns those to be judged in their place."""
        gone = _claimed(uncommitted)
        self._freed |= gone
        for key in gone:
            self._recent.pop(key, None)
        for key, followers in self._followers.items():
            self._followers[key] = [each for each in followers if not each[0].lost]
        heirs = []
        for case in cases:
            self._audited.pop(case.key, None)
            if followers := self._followers.pop(case.key, []):
                heirs.append(followers[0])
                self._followers[case.key] = followers[1:]
            else:
                self._freed.add(case.key)
        return heirs

    def _remember(self, key: str, known: Known) -> None:
        """Until the lookup has it."""
        self._recent[key] = known
        if len(self._recent) > _RECENT:
            self._recent.popitem(last=False)


def _claimed(outcomes: Iterable[Outcome]) -> set[str]:
    """Keys that were claimed for these."""
    return {outcome.key for outcome in outcomes if outcome.stage is Stage.JUDGE and outcome.key}
