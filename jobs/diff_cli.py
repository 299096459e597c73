"""The options of `assay diff`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from jobs.cli_parts import AsJson, ConfigPath, Formats, Out, Policies, ReportFormat, show_report, stop_signals
from jobs.load import load_job

SAMPLE = 500
"""Contents that are drawn unless somebody says otherwise: if none flips, at most 0.8 % of the source does, each way."""

New = Annotated[
    list[Path] | None, typer.Option(metavar="NEW.md", help="The policy as it would be; the job has one with its id.")
]
Other = Annotated[
    Path | None, typer.Option(metavar="OTHER", help="A job's config, whose judge and replicas are the new side's.")
]
Items = Annotated[str, typer.Option(help="What is judged: source, golden (what the policies name), or a golden file.")]
Sample = Annotated[int, typer.Option(help="How many different contents to draw from the source.")]
Seed = Annotated[int, typer.Option(help="Which contents are drawn.")]


def diff_command(
    config: ConfigPath,
    policy: New = None,
    judge: Other = None,
    items: Items = "source",
    policies: Policies = "",
    sample: Sample = SAMPLE,
    seed: Seed = 0,
    format: Formats = ReportFormat.TEXT,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Judge a sample under the job's policy and another, or by another judge, and show what flips each way."""
    from jobs.diff import DiffOptions, diff_job, render_diff
    from jobs.evaluate import report_path
    from jobs.progress import progress

    options = DiffOptions(sample, tuple(policy or ()), judge, items, policies, seed)
    job = load_job(config).as_live()
    with stop_signals() as stopping, progress() as reporter:
        report = diff_job(job, options, reporter.show, stopping)
    terminal = out is None and sys.stdout.isatty()
    show_report(render_diff(report, "json" if as_json else format.value, terminal=terminal), out)
    print(f"kept as {report_path(job.config.sink.path, report.run_id)}", file=sys.stderr)
