"""`assay diff`: a sample judged under the job's policy and under another, or by another judge, and what flips."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import msgspec

from actors.board import Status
from assay.errors import InputError
from jobs.diff_asking import ask
from jobs.diff_html import diff_html
from jobs.diff_items import choose
from jobs.diff_markdown import diff_markdown
from jobs.diff_report import DiffReport, diff_report
from jobs.diff_sides import sides_of
from jobs.diff_text import diff_text
from jobs.evaluate import keep_report
from jobs.load import Job


@dataclass(frozen=True, slots=True)
class DiffOptions:
    """What the command line says, as it says it. `policies` are ids with commas between them, "" for all."""

    sample: int
    policy: tuple[Path, ...] = ()
    judge: Path | None = None
    items: str = "source"
    policies: str = ""
    seed: int = 0


def diff_job(
    job: Job, options: DiffOptions, on_status: Callable[[Status, int], None], stopping: Callable[[], bool]
) -> DiffReport:
    """Ask both sides what is not known yet, put their answers together, and keep the report.

    Raises InputError before anything is judged; FatalError if a run fails; Interrupted.
    """
    sides = sides_of(job, options.policy, options.judge, options.policies)
    chosen = choose(sides, options.items, options.sample, options.seed, named=bool(options.policy))
    before, after = (ask(side, chosen.items, on_status, stopping) for side in (chosen.sides.before, chosen.sides.after))
    run_id = after.run_id or before.run_id or uuid4().hex
    report = diff_report(chosen, before, after, run_id=run_id, seed=options.seed)
    keep_report(job.config.sink.path, report.run_id, render_diff(report, "json"))
    return report


def render_diff(report: DiffReport, format: str, *, terminal: bool = False) -> str:
    """The report as text, json, md or html. Raises InputError for another format."""
    match format:
        case "text":
            return diff_text(report, terminal=terminal)
        case "json":
            return msgspec.json.format(msgspec.json.encode(report), indent=2).decode() + "\n"
        case "md":
            return diff_markdown(report)
        case "html":
            return diff_html(report)
    raise InputError(f"--format {format}: choose one of text, json, md, html")
