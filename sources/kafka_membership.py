"""A member of a consumer group, where kafka-python 3.0.12 has to be helped to stay one and to claim what it has."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from kafka import KafkaConsumer
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.structs import MemberState


class Assignor(CooperativeStickyAssignor):  # type: ignore[misc]
    """Claims the partitions that its consumer has now.

    kafka-python 3.0.12 claims what the member was last assigned, even if it was thrown out of the group since. What it
    claims and does not have is kept for it, so that two read it; or is to be given up by it first, which it never does,
    so that nobody reads it.
    """

    def serve(self, client: KafkaConsumer) -> None:
        """To be called once, before the client joins."""
        self._has = client._subscription.assigned_partitions

    def metadata(self, topics: Any) -> Any:
        """What is told of us to the member that assigns."""
        self.member_assignment = sorted(self._has())
        return super().metadata(topics)


def keep_join(client: KafkaConsumer) -> None:
    """To be called before each poll: what a rebalance came to between two polls is taken in by the next.

    kafka-python 3.0.12 takes a join that ended while no poll waited for one that never was, and joins anew, again and
    again; or it forgets that it joins, where what made it join is over. Either way the member has no partitions and
    sends no heartbeats.
    """
    coordinator = client._coordinator
    if coordinator._join_task is not None:
        coordinator.request_rejoin()
        if not isinstance(coordinator._join_task, _Kept):
            coordinator._join_task = _Kept(coordinator._join_task, coordinator)


class _Kept:
    """A join in flight that does not count as done before the coordinator has taken in what it came to."""

    def __init__(self, join: Any, coordinator: Any) -> None:
        self._join, self._coordinator = join, coordinator
        self.add_callback, self.add_errback = join.add_callback, join.add_errback

    @property
    def is_done(self) -> bool:
        """Done for nothing: the member has left the group since, or was thrown out."""
        return self._join.is_done and self._coordinator.state is not MemberState.REBALANCING

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._join.__await__()  # type: ignore[no-any-return]
