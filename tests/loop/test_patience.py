"""How long a replica may fail before the run gives up."""

from __future__ import annotations

import math
import time

import pytest

from actors.assignment import Assignment
from actors.board import Status
from actors.supervisor import Supervisor, _Member
from assay.config import Config
from assay.contracts import Tally
from assay.errors import FatalError

CONFIG = {
    "name": "live",
    "source": {
        "kind": "kafka",
        "bootstrap": "localhost:9092",
        "topics": ["events"],
        "group": "audit",
        "columns": {"id": "id", "text": "text"},
    },
    "policies": ["p.md"],
    "judge": {"kind": "scripted"},
    "sink": {"kind": "delta", "path": "out"},
}
STATUS = Status(Tally(), {}, {}, finished=False)


def supervisor() -> Supervisor:
    return Supervisor(Assignment(Config.model_validate(CONFIG), (), "run"), [], lambda _: None, lambda: False)


def idle() -> _Member:
    """It has been well for an hour, without traffic."""
    return _Member("replica-0", None, None, failed_at=time.monotonic() - 3600, failures=6, settled=0)


def test_a_killed_replica_of_an_idle_stream_has_its_time_to_come_back() -> None:
    over, member = supervisor(), idle()
    for _ in range(30):
        over._try_again(member, STATUS, "its process ended", 120.0)
    member.failing_since -= 121
    with pytest.raises(FatalError, match="failed 31 times"):
        over._try_again(member, STATUS, "its process ended", 120.0)


def test_an_outage_outside_is_waited_for_and_counts_against_nobody() -> None:
    over, member = supervisor(), idle()
    for _ in range(50):
        over._try_again(member, STATUS, "the broker does not answer", math.inf)
    assert member.resume_at - time.monotonic() > 4, "with longer and longer pauses"
    for _ in range(6):
        over._try_again(member, STATUS, "refused", 0.0)
    with pytest.raises(FatalError, match="last: refused"):
        over._try_again(member, STATUS, "refused", 0.0)


def test_whoever_gets_further_may_fail_again() -> None:
    over, member = supervisor(), idle()
    for settled in range(30):
        over._try_again(member, Status(Tally(verdicts=settled), {}, {}, finished=False), "refused", 0.0)
