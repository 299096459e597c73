"""The command line. Results go to stdout, progress and errors to stderr.

Exit codes: 0 done; 1 the run failed or does not balance; 2 the input or config is wrong.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from assay.errors import AssayError, InputError
from authoring.importing_records import LabelsFrom
from jobs.cli_parts import AsJson, ConfigPath, Policies, stop_signals
from jobs.diff_cli import diff_command
from jobs.eval_cli import eval_command
from jobs.load import load_config, load_job
from jobs.model_cli import app as model_app
from jobs.report_cli import report_command
from jobs.sql_output import printable, printable_lines
from jobs.watch_command import watch_command

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"assay {version('assay')}")
        raise typer.Exit


@app.callback()
def options(
    _: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which, and end.")] = False,
) -> None:
    """Audit content against written policies, at scale."""


Fresh = Annotated[bool, typer.Option("--fresh", help="Reuse no verdict of an earlier run.")]
Yes = Annotated[bool, typer.Option("--yes", help="Go on though another judge can't reuse what there is.")]
AllowEdited = Annotated[
    bool, typer.Option("--allow-edited", help="Take policies that were edited under an old version.")
]


class By(StrEnum):
    SCORE = "score"
    RANDOM = "random"


class CheckFormat(StrEnum):
    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"


class Format(StrEnum):
    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    PARQUET = "parquet"


@app.command()
def check(
    config: Annotated[Path, typer.Argument(metavar="CONFIG", help="A job's YAML file, a policy, or a folder of them.")],
    format: Annotated[CheckFormat, typer.Option(help="How to print the report.")] = CheckFormat.TEXT,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write it to this file, and the text to stdout.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 if a policy has errors or warnings.")] = False,
) -> None:
    """Validate config, policies and source, and say what is there and what to look at again. Touches nothing."""
    from jobs.check import check as run
    from jobs.check import write_report

    report, form = run(config), "json" if as_json else format.value
    if out is not None:
        write_report(report, form, out)
    print(report.text("text" if out is not None else form))
    if strict and report.fails:
        raise typer.Exit(1)


@app.command()
def plan(
    config: ConfigPath,
    sample: Annotated[float, typer.Option(help="The share of contents to look at: 0.05. The rest is estimated.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Which contents a sample takes.")] = 0,
    policies: Policies = "",
    fresh: Fresh = False,
    as_json: AsJson = False,
) -> None:
    """Say what a backfill would judge and cost. Judges nothing."""
    from jobs.plan import plan_job
    from jobs.plan_file import keep_plan
    from jobs.plan_record import lines

    job = load_job(config).under(policies)
    planned = plan_job(job, sample, seed, fresh=fresh)
    print(planned.json() if as_json else lines(planned))
    if not fresh:
        keep_plan(job, planned)


@app.command()
def backfill(
    config: ConfigPath,
    policies: Policies = "",
    fresh: Fresh = False,
    yes: Yes = False,
    allow_edited: AllowEdited = False,
    as_json: AsJson = False,
) -> None:
    """Audit a Parquet data set. Safe to rerun: what is settled is not judged again."""
    from jobs.backfill import backfill as run
    from jobs.before import ask_before
    from jobs.progress import progress
    from jobs.summary import lines

    job = load_job(config).under(policies)
    ask_before(job, yes=yes, allow_edited=allow_edited)
    with stop_signals() as stopping, progress() as reporter:
        summary = run(job, reporter.show, stopping, fresh=fresh, allow_edited=allow_edited)
    print(summary.json() if as_json else lines(summary, str(config)))
    _warn(summary.warnings)
    if summary.state == "stopped":
        print(f"stopped; go on with: assay backfill {config}", file=sys.stderr)


@app.command()
def stream(
    config: ConfigPath,
    until_end: Annotated[bool, typer.Option(help="Stop at the offsets that are the ends now.")] = False,
    fresh: Fresh = False,
    yes: Yes = False,
    allow_edited: AllowEdited = False,
    as_json: AsJson = False,
) -> None:
    """Audit Kafka topics until stopped. Safe to restart: it goes on where the table stands."""
    from jobs.before import ask_before
    from jobs.progress import stream_progress
    from jobs.stream import stream as run
    from jobs.stream_summary import stream_lines

    job = load_job(config)
    ask_before(job, yes=yes, allow_edited=allow_edited)
    with stop_signals() as stopping, stream_progress() as reporter:
        summary = run(
            job,
            until_end=until_end,
            show=reporter.show,
            say=reporter.say,
            stopping=stopping,
            fresh=fresh,
            allow_edited=allow_edited,
        )
    print(summary.json() if as_json else stream_lines(summary, str(config)))
    _warn(summary.warnings)


@app.command()
def sql(
    config: ConfigPath,
    query: Annotated[str | None, typer.Argument(help="A SELECT over the views; without it a prompt opens.")] = None,
    file: Annotated[Path | None, typer.Option(help="Take the query, or several, from this file.")] = None,
    param: Annotated[list[str] | None, typer.Option(help="A value for $NAME: NAME=VALUE. Repeatable.")] = None,
    format: Annotated[Format, typer.Option(help="How to print the rows.")] = Format.TABLE,
    wide: Annotated[bool, typer.Option("--wide", help="On a terminal, cut, wrap and round nothing.")] = False,
    raw: Annotated[bool, typer.Option("--raw", help="CSV with cells as they are, formulas too.")] = False,
) -> None:
    """Query the outcomes, read-only: one query, a file, standard input, or a prompt."""
    from jobs.sql_command import run_sql
    from jobs.sql_output import Look

    look = Look(format.value, wide=wide, raw=raw)
    job = load_config(config)
    run_sql(job.sink.path, query, file, param or [], look, sys.stdout.buffer, job.labels)


@app.command()
def sample(
    config: ConfigPath,
    out: Annotated[Path, typer.Option(metavar="FILE", help="The file to label, .csv or .parquet.")],
    per_policy: Annotated[int, typer.Option(help="How many items to label for each policy.")] = 200,
    by: Annotated[By, typer.Option(help="Draw risky items more often, or all alike.")] = By.SCORE,
    seed: Annotated[int, typer.Option(help="Which of the possible samples.")] = 0,
    show_verdict: Annotated[bool, typer.Option("--show-verdict", help="Write the judge's verdicts too.")] = False,
    policies: Policies = "",
    as_json: AsJson = False,
) -> None:
    """Draw items for people to label, with the weights that keep estimates unbiased."""
    from jobs.sample_labels import Drawing, sample_labels

    drawing = Drawing(per_policy, by.value, seed, show_verdict)
    print(sample_labels(load_job(config).under(policies), drawing, out).text(as_json))


@app.command()
def optimize(config: ConfigPath, as_json: AsJson = False) -> None:
    """Compact, checkpoint and vacuum the table."""
    from jobs.optimize import optimize_job

    print(optimize_job(load_config(config), as_json))


@app.command()
def forget(
    config: ConfigPath,
    item: Annotated[str | None, typer.Option(help="The rows of the item with this id.")] = None,
    content_hash: Annotated[str | None, typer.Option(help="The rows of this content: column content_hash.")] = None,
    older_than: Annotated[str | None, typer.Option(help="All that was decided longer ago than this: 90d.")] = None,
    as_json: AsJson = False,
) -> None:
    """Take content out of the table, the lookup, evaluations and comparisons; counts and the ledger stay."""
    from jobs.forget import forget_job

    print(forget_job(load_config(config), item, content_hash, older_than, as_json))


@app.command("rebuild-lookup")
def rebuild_lookup(config: ConfigPath) -> None:
    """Build the lookup of what was judged anew from the table."""
    from jobs.forget import rebuild_job

    print(rebuild_job(load_config(config)))


@app.command("import-policy")
def import_policy(
    path: Annotated[
        Path, typer.Argument(metavar="PATH", help="A published policy's file, its folder, or many folders.")
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where to write ID.md, ID.golden.csv and ID.import.txt.")],
    labels: Annotated[LabelsFrom, typer.Option(help="What decides a golden row's label.")] = LabelsFrom.AUTO,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that are there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Turn published policies into policies of ours with their golden files, and list what was guessed."""
    from jobs.import_policy import import_policies

    print(import_policies(path, out, labels, force=force).text(as_json))


app.command("eval")(eval_command)
app.command("diff")(diff_command)
app.command("report")(report_command)
app.add_typer(model_app, name="model")
app.command("watch")(watch_command)


def _warn(warnings: Sequence[str]) -> None:
    for warning in warnings:
        print(f"warning: {printable(warning)}", file=sys.stderr)


def main() -> None:
    """Entry point of the command `assay`."""
    try:
        app()
    except AssayError as error:
        print(printable_lines(f"assay: {error}"), file=sys.stderr)
        sys.exit(2 if isinstance(error, InputError) else 1)


if __name__ == "__main__":
    main()
