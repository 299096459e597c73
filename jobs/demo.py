"""The demo: builds what configs/demo.yaml names, runs it as a user would, and shows what came of it.

Run as `python -m jobs.demo [CONFIG]` from anywhere.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, TypeAdapter
from rich.console import Console
from rich.table import Table

from assay.config import Config, ParquetConfig
from assay.errors import AssayError, FatalError
from assay.intervals import wilson
from jobs.demo_judge import about, make_model, shown
from jobs.eval_text import add_row, new_table
from jobs.eval_words import interval, value
from jobs.load import load_config
from jobs.report_rows import LabelRow
from jobs.sample import write_sample
from measure.answers import Estimate

ROOT = Path(__file__).resolve().parent.parent
_SAMPLE = ROOT / "configs" / "sample"
_FLAGGED = (
    "select policy_id, count(*) as verdicts, count(*) filter (violation) as flagged from latest_verdicts "
    "group by policy_id order by policy_id"
)
_NEXT = "select item_id, policy_id, violation, score, rationale from verdicts order by score desc nulls last limit 5"


class Result(BaseModel):
    """What the demo shows of a run's summary."""

    items: int
    cases: int
    verdicts: int
    rejected: int
    skipped: int
    seconds: float
    prompt_tokens: int
    cached_tokens: int
    output_tokens: int


class Flagged(BaseModel):
    """The verdicts of all runs under one policy."""

    policy_id: str
    verdicts: int
    flagged: int


def demo(config_path: Path, console: Console) -> None:
    """Build the sample and the model if they are absent, audit, print a short table, and write the report.

    Raises AssayError.
    """
    config = load_config(config_path)
    _build(config, console)
    typed = shown(config_path)
    if isinstance(config.source, ParquetConfig) and config.source.limit:
        console.print(f"the demo takes {config.source.limit} items of the sample: source.where and source.limit say so")
    console.print(f"[bold]$ assay backfill {typed}[/]   (two minutes or so)")
    result = Result.model_validate_json(_assay("backfill", str(config_path), "--json"))
    flagged = TypeAdapter(list[Flagged]).validate_json(_sql(config_path, _FLAGGED))
    show(result, flagged, console)
    if labels := TypeAdapter(list[LabelRow]).validate_json(_sql(config_path, "from label_agreement")):
        console.print("\nagainst the sample's labels, with 95 % intervals:\n", highlight=False)
        console.print(agreement(labels))
    if text := about(config):
        console.print(f"\n{text}")
    page = Path(config.sink.path).with_name("report.html")
    _assay("report", str(config_path), "--out", str(page))
    console.print(f"\nThe report, to open in a browser: {shown(page)}", highlight=False, soft_wrap=True)
    console.print("\nTry next:\n")
    console.print(f'  .venv/bin/assay sql {typed} "{_NEXT}"', highlight=False, soft_wrap=True)


def show(result: Result, policies: Sequence[Flagged], console: Console) -> None:
    """The run as a table, after a sentence if there was nothing to do."""
    if result.skipped == result.cases:
        console.print(f"nothing left to judge: all {result.cases} cases of {result.items} items were settled before")
    table = Table(title="the demo's audit", title_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for name, text in _rows(result):
        table.add_row(name, text)
    table.add_section()
    for each in policies:
        table.add_row(f"flagged under {each.policy_id}", f"{each.flagged} of {each.verdicts}")
    console.print(table)


def agreement(labels: Sequence[LabelRow]) -> Table:
    """A row for each policy: figures with 95 % intervals, Wilson's for the share that is right."""
    table = new_table("policy", "right of", "right", "precision", "recall")
    for row in labels:
        right, of = row.tp + row.tn, row.labelled
        figures = (
            Estimate(right / of, *wilson(right, of), of),
            Estimate(row.precision, row.precision_low, row.precision_high, row.tp + row.fp),
            Estimate(row.recall, row.recall_low, row.recall_high, row.tp + row.fn),
        )
        cells = (f"{value(each)}\n{interval(each)}" for each in figures)
        add_row(table, row.policy_id, f"{right:,} of {of:,}", *cells)
    return table


def _rows(result: Result) -> tuple[tuple[str, str], ...]:
    return (
        ("items", f"{result.items:,}"),
        ("cases (items x policies)", f"{result.cases:,}"),
        ("settled before", f"{result.skipped:,}"),
        ("verdicts", f"{result.verdicts:,}"),
        ("rejections", f"{result.rejected:,}"),
        ("seconds", f"{result.seconds:,.1f}"),
        ("tokens read", f"{result.prompt_tokens:,}"),
        ("  of them cached", f"{result.cached_tokens:,}"),
        ("tokens written", f"{result.output_tokens:,}"),
    )


def _build(config: Config, console: Console) -> None:
    sample = Path(config.source.path[0]) if isinstance(config.source, ParquetConfig) else None
    if sample is not None and not sample.exists():
        console.print(f"writing the sample to {shown(sample)}")
        write_sample(_SAMPLE, sample)
    make_model(config, console)


def _sql(config_path: Path, query: str) -> str:
    return _assay("sql", str(config_path), query, "--format", "json")


def _assay(*arguments: str) -> str:
    """The standard output of one `assay` command; its progress goes where ours goes. Raises FatalError if it fails."""
    command = [sys.executable, "-m", "jobs.cli", *arguments]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise FatalError(f"assay {arguments[0]} failed with exit code {done.returncode}; the reason is above")
    return done.stdout


def main(arguments: Sequence[str]) -> int:
    config = Path(arguments[0]) if arguments else ROOT / "configs" / "demo.yaml"
    try:
        demo(config.resolve(), Console())
    except AssayError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
