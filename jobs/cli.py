"""The command line. Results go to stdout, progress and errors to stderr.

Exit codes: 0 done; 1 the run failed or does not balance; 2 the input or config is wrong.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from assay.errors import AssayError, InputError
from jobs.load import load_config, load_job
from jobs.sql_output import printable

app = typer.Typer(
    help="Audit content against written policies, at scale.", no_args_is_help=True, pretty_exceptions_enable=False
)

ConfigPath = Annotated[Path, typer.Argument(metavar="CONFIG", help="The job's YAML file.")]
Fresh = Annotated[bool, typer.Option("--fresh", help="Reuse no verdict of an earlier run.")]
Yes = Annotated[bool, typer.Option("--yes", help="Go on though another judge can't reuse what there is.")]
AllowEdited = Annotated[
    bool, typer.Option("--allow-edited", help="Take policies that were edited under an old version.")
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on stdout instead of a table.")]


class Format(StrEnum):
    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    PARQUET = "parquet"


@app.command()
def check(config: ConfigPath, as_json: AsJson = False) -> None:
    """Validate config, policies and source, and say what is there. Touches nothing."""
    from jobs.check import check_job

    print(check_job(load_job(config)).text(as_json))


@app.command()
def plan(
    config: ConfigPath,
    sample: Annotated[float, typer.Option(help="The share of contents to look at: 0.05. The rest is estimated.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Which contents a sample takes.")] = 0,
    policies: Annotated[str, typer.Option(help="Only the policies with these ids: a,b,c.")] = "",
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
    policies: Annotated[str, typer.Option(help="Only the policies with these ids: a,b,c.")] = "",
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
    with _stop_signals() as stopping, progress() as reporter:
        summary = run(job, reporter.show, stopping, fresh=fresh, allow_edited=allow_edited)
    print(summary.json() if as_json else lines(summary, str(config)))
    for warning in summary.warnings:
        print(f"warning: {warning}", file=sys.stderr)
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
    with _stop_signals() as stopping, stream_progress() as reporter:
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


@app.command()
def sql(
    config: ConfigPath,
    query: Annotated[str, typer.Argument(help="One SELECT over the views verdicts, rejections, runs and policies.")],
    format: Annotated[Format, typer.Option(help="How to print the rows.")] = Format.TABLE,
) -> None:
    """Query the outcomes, read-only."""
    from jobs.sql import run_sql

    run_sql(load_config(config), query, format.value, sys.stdout.buffer)


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
    """Take content out of the table and the lookup; counts and the ledger stay as they are."""
    from jobs.forget import forget_job

    print(forget_job(load_config(config), item, content_hash, older_than, as_json))


@app.command("rebuild-lookup")
def rebuild_lookup(config: ConfigPath) -> None:
    """Build the lookup of what was judged anew from the table."""
    from jobs.forget import rebuild_job

    print(rebuild_job(load_config(config)))


@contextmanager
def _stop_signals() -> Iterator[Callable[[], bool]]:
    """Whether SIGINT or SIGTERM came. A second one ends the process at once."""
    came: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        came.append(number)
        print("stopping: finishing what is in flight (once more to end at once)", file=sys.stderr, flush=True)
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, signal.SIG_DFL)

    before = {each: signal.signal(each, note) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(came)
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def main() -> None:
    """Entry point of the command `assay`."""
    try:
        app()
    except AssayError as error:
        print("\n".join(printable(line) for line in f"assay: {error}".splitlines()), file=sys.stderr)
        sys.exit(2 if isinstance(error, InputError) else 1)


if __name__ == "__main__":
    main()
