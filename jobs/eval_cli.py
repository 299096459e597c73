"""The options of `assay eval`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from assay.errors import InputError
from authoring.attacks import PADDING
from jobs.cli_parts import AsJson, ConfigPath, Formats, Out, Policies, ReportFormat, show_report, stop_signals
from jobs.load import load_job

Files = Annotated[list[Path] | None, typer.Argument(metavar="FILE", help="More files of --golden.")]
Golden = Annotated[
    list[Path] | None,
    typer.Option(metavar="FILE...", help="Labelled items: CSV, JSONL or Parquet. Default: what the policies name."),
]
Map = Annotated[list[str] | None, typer.Option(help="Which column holds what: text=body,label=is_spam.")]
ForPolicy = Annotated[str | None, typer.Option(help="The policy of rows that name none.")]
By = Annotated[list[str] | None, typer.Option(help="Figures for each value of this column.")]
Threshold = Annotated[bool, typer.Option("--threshold", help="What other thresholds on the score would bring.")]
Wants = Annotated[list[str] | None, typer.Option(help="The threshold that has precision=0.9 or recall=0.9.")]
Repeats = Annotated[int, typer.Option(help="Ask so many times, to see how often the judge disagrees with itself.")]
FailUnder = Annotated[
    list[str] | None, typer.Option(help="Exit 1 unless this holds: recall=0.9:lower, or spam.recall=0.9:lower.")
]
Public = Annotated[str | None, typer.Option(help="The files are this benchmark's: moderation-2022 or toxicchat.")]
Categories = Annotated[list[str] | None, typer.Option(help="A benchmark's category and its policy: H=harassment.")]
Adversarial = Annotated[bool, typer.Option("--adversarial", help="Also attack the items, and say what flips.")]
Attacks = Annotated[
    list[str] | None, typer.Option(help="With --adversarial: only this attack, of docs/adversarial.md.")
]
NormaliseToo = Annotated[bool, typer.Option("--normalise-too", help="With --adversarial: also with judge.normalise.")]
Seed = Annotated[int, typer.Option(help="With --adversarial: which of the possible forms an attack takes.")]
Padding = Annotated[int, typer.Option(help="With --adversarial: characters of a padding attack.")]


def eval_command(
    config: ConfigPath,
    more: Files = None,
    golden: Golden = None,
    map: Map = None,
    policy: ForPolicy = None,
    policies: Policies = "",
    by: By = None,
    threshold: Threshold = False,
    want: Wants = None,
    repeats: Repeats = 1,
    fail_under: FailUnder = None,
    benchmark: Public = None,
    category: Categories = None,
    adversarial: Adversarial = False,
    attack: Attacks = None,
    normalise_too: NormaliseToo = False,
    seed: Seed = 0,
    padding: Padding = PADDING,
    format: Formats = ReportFormat.TEXT,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Judge labelled items and measure the judge: every figure with a 95 % interval. What was judged is kept."""
    from jobs.eval_adversarial import Suite
    from jobs.evaluate import EvalOptions, evaluate_job, refuse_if_failed, render, report_path
    from jobs.progress import progress

    if (attack or normalise_too) and not adversarial:
        raise InputError("--attack and --normalise-too go with --adversarial")
    suite = Suite(tuple(attack or ()), seed, padding, normalise_too) if adversarial else None
    if more and not golden:
        raise InputError(f"{more[0]}: golden files come after --golden")
    options = EvalOptions(
        golden=(*(golden or ()), *(more or ())),
        mapping=tuple(map or ()),
        policy=policy,
        policies=policies,
        by=tuple(by or ()),
        threshold=threshold,
        wants=tuple(want or ()),
        repeats=repeats,
        fail_under=tuple(fail_under or ()),
        benchmark=benchmark,
        categories=tuple(category or ()),
        suite=suite,
    )
    job = load_job(config).as_live()
    with stop_signals() as stopping, progress() as reporter:
        report = evaluate_job(job, options, reporter.show, stopping)
    show_report(render(report, "json" if as_json else format.value, terminal=out is None and sys.stdout.isatty()), out)
    print(f"kept as {report_path(job.config.sink.path, report.run_id)}", file=sys.stderr)
    refuse_if_failed(report)
