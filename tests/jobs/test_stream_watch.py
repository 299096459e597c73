"""When the driver of a stream that has an end sees that it has come."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from actors.identity import identify
from assay.config import Config, DeltaConfig, ScriptedConfig, VerdictTopic
from assay.contracts import Move, Shard
from assay.errors import TransientError
from assay.ledger import items_key, sent_key, track_key
from jobs.load import Job
from jobs.stream import Watcher
from sinks.delta import DeltaSink

SHARD = Shard("events", "0", 5, stream=True)
SCRIPTED = ScriptedConfig(kind="scripted")
JUDGE = identify(SCRIPTED)


class Hiccup(DeltaSink):
    """Can't be read the first time."""

    read = False

    def ledger(self, keys: Collection[str]) -> dict[str, int]:
        if not self.read:
            self.read = True
            raise TransientError("away for a moment")
        return super().ledger(keys)


def watcher(sink: DeltaConfig, table: DeltaSink) -> Watcher:
    """Of a job that is done once the one partition is settled up to its stop."""
    config = Config.model_validate(
        {
            "name": "live",
            "source": {
                "kind": "kafka",
                "bootstrap": "localhost:1",
                "topics": ["events"],
                "group": "g",
                "columns": {"id": "id", "text": "text"},
            },
            "policies": ["p.md"],
            "judge": SCRIPTED.model_dump(),
            "sink": sink.model_dump(),
        }
    )
    job, ends = Job(config, (), None), {("events", 0): 5}
    return Watcher(job, table, JUDGE, [SHARD], ends, lambda: False, lambda *_: None, lambda _: None)


def look(watcher: Watcher) -> bool:
    watcher._looked = 0.0
    return watcher.stopping()


def test_a_table_that_cannot_be_read_for_a_moment_ends_nothing(tmp_path: Path) -> None:
    sink = DeltaConfig(kind="delta", path=str(tmp_path))
    table = Hiccup(sink, sink.path)
    table.commit([], {track_key(SHARD, "", JUDGE): Move(None, 5)})
    watching = watcher(sink, table)
    assert not look(watching)
    assert look(watching)


def test_what_others_are_yet_to_be_told_is_waited_for(tmp_path: Path) -> None:
    sink = DeltaConfig(kind="delta", path=str(tmp_path), verdict_topic=VerdictTopic(topic="verdicts"))
    table = DeltaSink(sink, sink.path)
    places = {track_key(SHARD, "", JUDGE): Move(None, 5), items_key(SHARD): Move(None, 5)}
    table.commit([], {**places, sent_key(SHARD): Move(None, 3)})
    watching = watcher(sink, table)
    assert not look(watching)
    table.commit([], {sent_key(SHARD): Move(3, 5)})
    assert look(watching)
