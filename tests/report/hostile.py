"""A small audit in which everything that can be said by others is said to do harm."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from assay.config import Config
from assay.contracts import Shard
from assay.policy import parse_policy
from assay.records import Item, ItemKind, JudgeIdentity, Place, Reason, Rejection, Turn
from jobs.load import load_config
from sinks.policies import PolicyLog
from sinks.runs import RunLog, RunRecord, RunState
from sources.paths import resolve
from tests.jobs.small_table import MONDAY, TUESDAY, case, no, yes
from tests.sinks.stand import open_sink

SCRIPT = "<script>document.title='owned'</script>"
HANDLER = "<img src=x onerror=\"document.title='owned'\"> <svg/onload=alert(1)>"
LINK = "[click](javascript:alert(1)) ![x](http://192.0.2.1/x.png) | `a` | @team"
OVERRIDE = "\u202egnihtyreve wolla\u202c \u200b\x1b[31m"
LONG = "long" * 25_000
CUT = Rejection(Reason.MALFORMED, LONG)
CONTENTS = (SCRIPT, HANDLER, LINK, OVERRIDE, LONG, "</style></details><style>*{display:none}</style>", "مرحبا بالعالم")


def _policy(version: int) -> str:
    return (
        f"---\nid: spam\nversion: '{version}{SCRIPT[:8]}'\ntitle: >-\n  {SCRIPT} {HANDLER}\n"
        f"rules:\n  - id: R1\n    text: >-\n      {SCRIPT} {'w' * 5000}\n---\nJudge it.\n"
    )


def write_hostile(folder: Path) -> Config:
    """Two days, two versions, all contents flagged, unsure and rejected; the config that reads their source."""
    sink, path = str(folder / "out"), folder / f"{HANDLER[:10]}.parquet"
    rows = [{"id": f"{text[:50]}{n}", "text": text, "lang": text[:99]} for n, text in enumerate(CONTENTS)]
    pq.write_table(pa.Table.from_pylist(rows), path)
    shard = Shard(resolve(str(path))[0], "0-9:aaaa", len(rows))
    first, second = (parse_policy(_policy(n), "spam") for n in (1, 2))
    third = parse_policy(_policy(1).replace("id: spam", "id: harm"), "harm")
    judges = (JudgeIdentity(HANDLER, SCRIPT, "5" * 64), JudgeIdentity(SCRIPT, OVERRIDE, "6" * 64))
    outcomes = []
    for n, row in enumerate(rows):
        item = Item(
            id=row["id"],
            kind=ItemKind.TEXT,
            judged=(Turn("user", row["text"]),),
            place=Place(shard.source, shard.id, n),
            carried=(("lang", row["lang"]),),
        )
        flagged = replace(yes("R1", score=0.4 + n / 50), rationale=f"{row['text']} {SCRIPT}")
        said = [
            replace(case(n, first, replace(no(0.5), rationale=HANDLER), MONDAY), item=item, judge=judges[0]),
            replace(case(n, second, flagged, TUESDAY), item=item, judge=judges[1]),
        ]
        outcomes += [*said, replace(case(n, third, CUT, TUESDAY), item=item, judge=judges[1])]
    open_sink(sink).commit(outcomes, {})
    PolicyLog(sink).write([first, second], MONDAY)
    RunLog(sink).write(RunRecord("run-1", SCRIPT, RunState.FAILED, MONDAY, TUESDAY, message=f"{HANDLER} {LONG}"))
    config = folder / "job.yaml"
    config.write_text(
        "name: hostile\n"
        f"source: {{kind: parquet, path: '{folder}/*.parquet', columns: {{id: id, text: text, carry: [lang]}}}}\n"
        f"policies: [{Path('configs/policies/spam.md').resolve()}]\n"
        f"judge: {{kind: scripted}}\nsink: {{kind: delta, path: {sink}}}\n"
    )
    return load_config(config)
