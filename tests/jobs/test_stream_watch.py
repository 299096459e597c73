"""What the driver of a stream makes of a table that can't be read for a moment."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from actors.identity import identify
from assay.config import Config, DeltaConfig, ScriptedConfig
from assay.contracts import Move, Shard
from assay.errors import TransientError
from assay.ledger import track_key
from jobs.load import Job
from jobs.stream import Watcher
from sinks.delta import DeltaSink

SHARD = Shard("events", "0", 5, stream=True)


class Hiccup(DeltaSink):
    """Can't be read the first time."""

    read = False

    def ledger(self, keys: Collection[str]) -> dict[str, int]:
        if not self.read:
            self.read = True
            raise TransientError("away for a moment")
        return super().ledger(keys)


def test_a_table_that_cannot_be_read_for_a_moment_ends_nothing(tmp_path: Path) -> None:
    sink = DeltaConfig(kind="delta", path=str(tmp_path))
    scripted = ScriptedConfig(kind="scripted")
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
            "judge": scripted.model_dump(),
            "sink": sink.model_dump(),
        }
    )
    table, judge = Hiccup(sink, sink.path), identify(scripted)
    table.commit([], {track_key(SHARD, "", judge): Move(None, 5)})
    said: list[str] = []
    job = Job(config, (), None)
    watcher = Watcher(job, table, judge, [SHARD], {("events", 0): 5}, lambda: False, lambda *_: None, said.append)
    assert not watcher.stopping()
    watcher._looked = 0.0
    assert watcher.stopping()
