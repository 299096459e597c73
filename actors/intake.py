"""From items to cases: one for each policy, under its text of the moment."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from actors.counts import Counts
from actors.deciding import Deciding
from actors.holding import Holding
from actors.holdings import Holdings
from assay.contracts import Marks
from assay.keys import Keys
from assay.policy import Policy
from assay.records import Arrival, BadItem, Case, Item, JudgeIdentity, Outcome

Waiting = tuple[Holding, Case]


class Intake:
    """Admits what a source delivers. `finish` gets the outcomes that need no judge, at once."""

    def __init__(
        self,
        policies: Sequence[Policy],
        judge: JudgeIdentity,
        marks: Marks,
        deciding: Deciding,
        finish: Callable[[Holding, Outcome], None],
        counts: Counts,
    ) -> None:
        self.policies = tuple(policies)
        self._keys, self._under = Keys(judge, marks.apart), marks.under
        self._deciding, self._finish, self._counts = deciding, finish, counts
        self._coming: tuple[Policy, ...] | None = None

    def adopt(self, policies: Sequence[Policy]) -> None:
        """These texts are to take over; their ids are the same."""
        self._coming = tuple(policies)

    def renew(self, held: Holdings) -> None:
        """Whatever is admitted from now on comes under the texts that `adopt` brought."""
        if self._coming is None:
            return
        former, self.policies, self._coming = self.policies, self._coming, None
        for old, new in zip(former, self.policies, strict=True):
            if old.track != new.track:
                for holding in held:
                    holding.adopt(old, new)

    def cases(self, arrivals: Iterable[Arrival], held: Holdings, *, by_policy: bool) -> list[Waiting]:
        """Those that need the judge, in order of position; `by_policy`: policy by policy. Of shards that are held."""
        owned = [(holding, arrival) for arrival in arrivals if (holding := held.at(arrival.place)) is not None]
        self._counts.items += len(owned)
        found = [case for holding, arrival in owned for case in self._admit(holding, arrival)]
        if by_policy:
            rank = {policy.track: number for number, policy in enumerate(self.policies)}
            found.sort(key=lambda waiting: rank[waiting[1].policy.track])
        return found

    def _admit(self, holding: Holding, arrival: Arrival) -> list[Waiting]:
        position = arrival.place.position
        holding.count(position)
        found = []
        for policy in self.policies:
            if not holding.admit(policy, arrival):
                continue
            if isinstance(arrival, BadItem):
                self._finish(holding, self._deciding.refuse(arrival, policy))
            elif arrival.kind not in policy.applies_to:
                self._finish(holding, self._deciding.pass_over(self._keys.case(arrival, policy)))
            elif not self._wants(arrival, policy):
                self._finish(holding, self._deciding.spare(self._keys.case(arrival, policy)))
            elif holding.condemns(position):
                self._finish(holding, self._deciding.condemn(self._keys.case(arrival, policy)))
            else:
                found.append((holding, self._keys.case(arrival, policy)))
        holding.reach(position + 1)
        return found

    def _wants(self, item: Item, policy: Policy) -> bool:
        """Whether the item is to be judged under this policy, as far as it says anything."""
        named = None if self._under is None else dict(item.carried).get(self._under)
        return named is None or policy.id in named.split()
