"""A trial: labelled items judged by a job's judge under its policies, beside and not among what it enforces.

It is an ordinary backfill into a table of its own, `<sink.path>/evals/table`, so that what was judged in an earlier
trial is not judged again, and an edited policy costs itself only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files

from actors.board import Status
from actors.identity import identify
from assay.config import Config, ParquetConfig, Reuse
from assay.contracts import Marks
from assay.errors import FatalError, Interrupted
from assay.golden import GoldenItem
from assay.records import JudgeIdentity, Reason
from jobs.backfill import backfill
from jobs.load import Job
from jobs.sql import query
from jobs.summary import Summary
from jobs.trial_items import REPEAT, UNDER, keep_items, modes_of
from sources.plan import plan

_MARKS = Marks(apart=REPEAT, under=UNDER)
_NAME_CHARS = 64


@dataclass(frozen=True, slots=True)
class Judged:
    """What came of one item under one policy, the `repeat`th time (from 0) that it was asked.

    `violation` is None for a rejection; then `reason` and `detail` say why, and the rest is empty.
    """

    item_id: str
    policy_id: str
    repeat: int
    violation: bool | None
    rule_ids: tuple[str, ...] = ()
    severity: int | None = None
    action: str = ""
    confidence: str = ""
    score: float | None = None
    rationale: str = ""
    reason: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Trial:
    """`judged` is ordered by item, repeat and policy, each as given. `runs` are the backfills that it took."""

    judged: tuple[Judged, ...]
    judge: JudgeIdentity
    runs: tuple[Summary, ...]

    @property
    def run_id(self) -> str:
        """That of its first run."""
        return self.runs[0].run_id


def run_trial(
    job: Job,
    items: Sequence[GoldenItem],
    *,
    repeats: int = 1,
    name: str = "eval",
    on_status: Callable[[Status, int], None] = lambda _status, _total: None,
    stopping: Callable[[], bool] = lambda: False,
) -> Trial:
    """Judge each item so many times over, or find what an earlier trial came to.

    It is judged under those of the job's policies that it has labels for (without any label: under all of them).

    Every repeat is really judged once: none gets the verdict of another. A policy that is being edited may keep its
    version. `name` marks the runs in table `runs`: `<job>.<name>`. Items that are to be judged by different parts of
    their chats take a run for each part.

    Raises InputError, FatalError, and Interrupted if `stopping` before all is judged; what was judged is kept.
    """
    path, judge = job.config.sink.path, identify(job.config.judge)
    found: dict[tuple[int, int], list[Judged]] = {}
    runs = []
    for mode, places in modes_of(items, job.config.source.judged).items():
        chosen = [items[place] for place in places]
        source = keep_items(path, chosen, repeats, mode)
        part = Job(_config(job.config, source, name), job.policies, job.path, job.files)
        runs.append(backfill(part, on_status, stopping, marks=_MARKS, allow_edited=True))
        if runs[-1].state != "done":
            raise Interrupted(f"stopped with {runs[-1].left:,} cases left; run it again to go on")
        for position, each in _outcomes(part, judge, [item.id for item in chosen], repeats):
            place, repeat = divmod(position, repeats)
            found.setdefault((places[place], repeat), []).append(each)
    rank = {policy.id: number for number, policy in enumerate(job.policies)}
    ordered = [each for key in sorted(found) for each in sorted(found[key], key=lambda one: rank[one.policy_id])]
    _complete(ordered, len(items) * repeats * len(job.policies))
    return Trial(tuple(each for each in ordered if each.reason != Reason.NOT_ASKED), judge, tuple(runs))


def trial_table(path: str) -> str:
    """Where the trials of the job with this `sink.path` are: itself the `sink.path` of tables like the job's own."""
    return f"{path.rstrip('/')}/evals/table"


def _config(config: Config, source: ParquetConfig, name: str) -> Config:
    sink = config.sink.model_copy(update={"path": trial_table(config.sink.path), "verdict_topic": None})
    changes: Mapping[str, object] = {
        "name": f"{config.name[: _NAME_CHARS - len(name) - 1]}.{name}",
        "source": source,
        "sink": sink,
        "policies_reload": False,
        "reuse": Reuse(),
        "reuse_audit": 0.0,
    }
    return config.model_copy(update=changes)


def _outcomes(part: Job, judge: JudgeIdentity, item_ids: Sequence[str], repeats: int) -> Iterator[tuple[int, Judged]]:
    """What the table has of this run's file, with positions in it."""
    assert isinstance(part.config.source, ParquetConfig)
    planned = plan(part.config.source)
    parameters = {
        "source": planned.files[0].uri,
        "shards": [shard.id for shard in planned.shards],
        "policies": [policy.hash for policy in part.policies],
        "judge": judge.name,
        "revision": judge.revision,
        "settings": judge.settings_hash,
    }
    sql = files("jobs").joinpath("queries/judged.sql").read_text("utf-8")
    for row in query(part.config.sink.path, sql, params=parameters).to_pylist():
        place, repeat = divmod(row["position"], repeats)
        yield row["position"], _judged(row, item_ids[place], repeat)


def _judged(row: Mapping[str, object], item_id: str, repeat: int) -> Judged:
    rule_ids, severity, score, violation = (row[key] for key in ("rule_ids", "severity", "score", "violation"))
    return Judged(
        item_id=item_id,
        policy_id=str(row["policy_id"]),
        repeat=repeat,
        violation=None if violation is None else bool(violation),
        rule_ids=tuple(map(str, rule_ids)) if isinstance(rule_ids, list) else (),
        severity=severity if isinstance(severity, int) else None,
        score=score if isinstance(score, float) else None,
        **{key: str(row[key] or "") for key in ("action", "confidence", "rationale", "reason", "detail")},
    )


def _complete(judged: Sequence[Judged], cases: int) -> None:
    if len(judged) != cases:
        raise FatalError(
            f"{cases - len(judged):,} of {cases:,} cases have no outcome in the table of trials; were rows of it "
            "forgotten? Delete the folder evals under sink.path to judge all of them again"
        )
